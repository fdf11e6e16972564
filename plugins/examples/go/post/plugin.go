// Posts events to an HTTP server, a line each.
package main

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"weir"
	"weir/sink"
)

// Each use of the plugin has instances of its own, so the configuration can be a global variable.
var config struct {
	URL string `json:"url"`
}

// setup is called once, before the first batch. Its error is shown to whoever configures the plugin.
func setup(text []byte) error {
	if err := json.Unmarshal(text, &config); err != nil {
		return err // it names the setting: "… into Go struct field .url of type string"
	}
	if !strings.HasPrefix(config.URL, "http://") && !strings.HasPrefix(config.URL, "https://") {
		return errors.New("url: an address is needed, such as https://collector.example/events")
	}
	return nil
}

// deliver is called for each batch. What it says decides what becomes of the events: Done, Retry (all come again), or
// Reject (all go to the dead letters). batch.Retry and batch.Reject say it of single events.
func deliver(batch sink.Batch) (sink.Outcome, error) {
	// The host connects, and only to servers that the configuration grants. Waiting costs the plugin no time.
	response, err := weir.Post(config.URL, "application/x-ndjson", batch.Documents(0, batch.Size()))
	if err != nil {
		return sink.Retry(err.Error()), nil
	}
	status := response.Status
	text := "HTTP " + strconv.Itoa(status)
	switch {
	case status >= 200 && status < 300:
		return sink.Done, nil
	case status == 429 || status >= 500:
		if seconds, err := strconv.Atoi(response.Header("retry-after")); err == nil {
			batch.RetryAfter(time.Duration(seconds) * time.Second)
		}
		return sink.Retry(text), nil
	default:
		return sink.Reject(text), nil
	}
}

func init() { sink.Register(setup, deliver) }

func main() {} // is not run
