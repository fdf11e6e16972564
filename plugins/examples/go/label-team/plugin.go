// Labels events with the team that owns their namespace, and lets each message through once a minute.
package main

import (
	"encoding/json"
	"errors"
	"time"

	"weir"
	"weir/filter"
)

// Each use of the plugin has instances of its own, so the configuration can be a global variable.
var config struct {
	Teams map[string]string `json:"teams"` // by namespace
}

// setup is called once, before the first event. Its error is shown to whoever configures the plugin.
func setup(text []byte) error {
	if err := json.Unmarshal(text, &config); err != nil {
		return err // it names the setting: "… into Go struct field .teams of type string"
	}
	if config.Teams == nil {
		return errors.New("teams: namespaces with their teams are needed, such as {shop: payments}")
	}
	return nil
}

// process is called for each event. An error would be handled as the filter's onError says.
func process(event filter.Event) (filter.Verdict, error) {
	namespace := event.Namespace()

	// The state is shared by all instances, and outlives them. The first add starts the minute.
	if weir.StateAdd(namespace+"/"+event.Message(), 1, time.Minute) > 1 {
		weir.Count("throttled", 1) // a metric of the host
		return filter.Drop("seen within a minute"), nil
	}

	team, known := config.Teams[namespace]
	if !known {
		return filter.Keep, nil
	}
	// Pointers are RFC 6901; objects on the way are created. Changes count when the event is kept.
	if err := event.SetText("/metadata/labels/team", team); err != nil {
		return filter.Keep, err
	}
	event.Remove("/metadata/annotations")
	weir.Count("labelled", 1)
	return filter.Keep, nil
}

func init() { filter.Register(setup, process) }

func main() {} // is not run
