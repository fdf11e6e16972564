// The conformance suite's sink: one word of its configuration for each thing that the SDK can do.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weir"
	"weir/sink"
)

var config struct {
	Do     string `json:"do"`
	Text   string `json:"text"`
	Number int64  `json:"number"`
	URL    string `json:"url"`
}

var words = map[string]func(sink.Batch) (sink.Outcome, error){
	"documents": func(b sink.Batch) (sink.Outcome, error) { return sink.Done, sink.Write(b.Documents(0, b.Size())) },
	"each":      each,
	"select":    selectEach,
	"some":      some,
	"retry":     func(sink.Batch) (sink.Outcome, error) { return sink.Retry(config.Text), nil },
	"reject":    func(sink.Batch) (sink.Outcome, error) { return sink.Reject(config.Text), nil },
	"error":     func(sink.Batch) (sink.Outcome, error) { return sink.Done, errors.New(config.Text) },
	"after": func(b sink.Batch) (sink.Outcome, error) {
		b.RetryAfter(time.Duration(config.Number) * time.Millisecond)
		return sink.Done, nil
	},
	"past": func(b sink.Batch) (sink.Outcome, error) { b.Event(b.Size()); return sink.Done, nil },
	"http": http,
	"log":  log,
	"count": func(sink.Batch) (sink.Outcome, error) {
		weir.Count(config.Text, uint32(config.Number))
		return sink.Done, nil
	},
	"state": state,
	"throw": func(sink.Batch) (sink.Outcome, error) { panic(config.Text) },
	"loop": func(sink.Batch) (sink.Outcome, error) {
		for {
		}
	},
}

func setup(text []byte) error {
	if err := json.Unmarshal(text, &config); err != nil {
		return err
	}
	if config.Do == "refuse" {
		return errors.New(config.Text)
	}
	if words[config.Do] == nil {
		return fmt.Errorf("do: unknown word %q", config.Do)
	}
	return nil
}

func deliver(batch sink.Batch) (sink.Outcome, error) { return words[config.Do](batch) }

func each(b sink.Batch) (sink.Outcome, error) {
	var lines []byte
	for i := range b.Size() {
		lines = append(append(lines, b.Document(i)...), '\n')
	}
	return sink.Done, sink.Write(lines)
}

func selectEach(b sink.Batch) (sink.Outcome, error) {
	var lines []byte
	for _, event := range b.Events() {
		lines = append(append(lines, event.Reason()...), '\n')
	}
	return sink.Done, sink.Write(lines)
}

func some(b sink.Batch) (sink.Outcome, error) {
	for i, event := range b.Events() {
		switch event.Reason() {
		case "Bad":
			b.Reject(i, config.Text)
		case "Later":
			b.Retry(i, config.Text)
		}
	}
	return sink.Done, nil
}

func http(b sink.Batch) (sink.Outcome, error) {
	response, err := weir.Post(config.URL, "application/x-ndjson", b.Documents(0, b.Size()))
	if err != nil {
		return sink.Retry(err.Error()), nil
	}
	if response.Status < 200 || response.Status > 299 {
		return sink.Retry(fmt.Sprintf("HTTP %d", response.Status)), nil
	}
	return sink.Done, nil
}

func log(sink.Batch) (sink.Outcome, error) {
	weir.Debug(config.Text)
	weir.Info(config.Text)
	weir.Warn(config.Text)
	weir.Error(config.Text)
	return sink.Done, nil
}

func state(sink.Batch) (sink.Outcome, error) {
	value, _ := weir.StateGet("k")
	weir.StatePut("k", append(value, 'x'), 0)
	sum := weir.StateAdd("n", -2, 0)
	return sink.Done, sink.Write(fmt.Appendf(nil, "%s %d\n", value, sum))
}

func init() { sink.Register(setup, deliver) }

func main() {}
