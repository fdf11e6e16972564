// Drops events whose reason is in a list.
package main

import (
	"encoding/json"
	"errors"
	"slices"

	"weir/filter"
)

// Each use of the plugin has instances of its own, so the configuration can be a global variable.
var config struct {
	Reasons []string `json:"reasons"`
}

// setup is called once, before the first event. Its error is shown to whoever configures the plugin.
func setup(text []byte) error {
	if err := json.Unmarshal(text, &config); err != nil {
		return err // it names the setting: "… into Go struct field .reasons of type string"
	}
	if len(config.Reasons) == 0 {
		return errors.New("reasons: a list of texts is needed, such as [Pulled, Created]")
	}
	return nil
}

// process is called for each event. Only what is asked for is copied out of the event.
func process(event filter.Event) (filter.Verdict, error) {
	reason := event.Reason()
	if slices.Contains(config.Reasons, reason) {
		return filter.Drop("reason " + reason), nil
	}
	return filter.Keep, nil
}

func init() { filter.Register(setup, process) }

func main() {} // is not run
