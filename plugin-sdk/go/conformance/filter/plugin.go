// The conformance suite's filter: one word of its configuration for each thing that the SDK can do.
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"weir"
	"weir/filter"
)

var config struct {
	Do      string   `json:"do"`
	When    *string  `json:"when"`
	Text    string   `json:"text"`
	Pointer string   `json:"pointer"`
	Value   string   `json:"value"`
	Number  int64    `json:"number"`
	List    []string `json:"list"`
	Flag    bool     `json:"flag"`
	URL     string   `json:"url"`
}

var words = map[string]func(filter.Event) error{
	"keep":    func(filter.Event) error { return nil },
	"drop":    func(filter.Event) error { return nil },
	"error":   func(filter.Event) error { return errors.New(config.Text) },
	"getters": getters,
	"text":    func(e filter.Event) error { return setOptional(e, weir.Quote)(e.Text(config.Pointer)) },
	"json": func(e filter.Event) error {
		return setOptional(e, func(json string) string { return json })(e.JSON(config.Pointer))
	},
	"copy":   func(e filter.Event) error { return e.SetText("/out", e.Message()) },
	"set":    func(e filter.Event) error { return e.Set(config.Pointer, config.Value) },
	"remove": func(e filter.Event) error { e.Remove(config.Pointer); return nil },
	"emit":   func(e filter.Event) error { return e.Emit(config.Value) },
	"config": func(e filter.Event) error {
		return set(e, map[string]any{"text": config.Text, "number": config.Number, "list": config.List, "flag": config.Flag})
	},
	"log":    log,
	"print":  func(filter.Event) error { fmt.Println(config.Text); return nil },
	"count":  func(filter.Event) error { weir.Count(config.Text, uint32(config.Number)); return nil },
	"now":    now,
	"random": func(e filter.Event) error { return set(e, weir.Random() != weir.Random()) },
	"state":  state,
	"ttl":    ttl,
	"http":   http,
	"basic":  func(e filter.Event) error { return set(e, weir.Basic("user", "password") != "") },
	"hmac": func(e filter.Event) error {
		return e.SetText("/out", hex.EncodeToString(weir.HMACSHA256(config.Text, []byte(config.Value))))
	},
	"throw": func(filter.Event) error { panic(config.Text) },
	"loop": func(filter.Event) error {
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

func process(event filter.Event) (filter.Verdict, error) {
	if config.When != nil && event.Reason() != *config.When {
		return filter.Keep, nil
	}
	if config.Do == "drop" {
		return filter.Drop(config.Text), nil
	}
	return filter.Keep, words[config.Do](event)
}

// set sets /out to a value.
func set(e filter.Event, value any) error {
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(value); err != nil {
		return err
	}
	return e.Set("/out", text.String())
}

func setOptional(e filter.Event, quote func(string) string) func(string, bool) error {
	return func(text string, some bool) error {
		if !some {
			return e.Set("/out", "false")
		}
		return e.Set("/out", quote(text))
	}
}

func getters(e filter.Event) error {
	return set(e, map[string]any{
		"id": e.ID(), "severity": e.Severity(), "reason": e.Reason(), "message": e.Message(), "namespace": e.Namespace(),
		"kind": e.ObjectKind(), "name": e.ObjectName(), "component": e.Component(), "node": e.Node(),
		"count": e.Count(), "timestamp": e.Timestamp().UnixMilli(),
	})
}

func log(filter.Event) error {
	weir.Debug(config.Text)
	weir.Info(config.Text)
	weir.Warn(config.Text)
	weir.Error(config.Text)
	return nil
}

func now(e filter.Event) error {
	year := weir.Now().UTC().Year()
	return set(e, year >= 2020 && year < 2100 && time.Since(weir.Now()) < time.Minute)
}

func state(e filter.Event) error {
	value, _ := weir.StateGet("k")
	weir.StatePut("k", append(value, 'x'), 0)
	if err := e.SetText("/out/value", string(value)); err != nil {
		return err
	}
	return e.Set("/out/sum", strconv.FormatInt(weir.StateAdd("n", -2, 0), 10))
}

func ttl(e filter.Event) error {
	weir.StatePut("t", []byte("x"), time.Millisecond)
	for start := weir.Now(); weir.Now().Sub(start) < 20*time.Millisecond; {
	}
	_, found := weir.StateGet("t")
	return set(e, !found)
}

func http(e filter.Event) error {
	response, err := weir.Send(weir.Request{
		Method:  "POST",
		URL:     config.URL,
		Headers: []weir.Header{{Name: "x-test", Value: config.Text}},
		Body:    []byte(config.Value),
	})
	if err != nil {
		return err
	}
	return set(e, map[string]any{"status": response.Status, "body": string(response.Body), "header": response.Header("x-answer")})
}

func init() { filter.Register(setup, process) }

func main() {}
