// Renders every case with Go and prints the outcomes as JSON.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"

	"weir.example/conformance/kube"
)

// Outcome is one case with what Go gives: an output, or an error of parsing or executing.
type Outcome struct {
	Event    string `json:"event"`
	Template string `json:"template"`
	Output   string `json:"output"`
	Error    string `json:"error,omitempty"`
	Phase    string `json:"phase,omitempty"`
	// What weir gives instead, and why.
	Weir   *string `json:"weir,omitempty"`
	Reason string  `json:"reason,omitempty"`
}

// render is as KEE does it, but for missingkey=zero.
func render(outcome *Outcome, event *kube.EnhancedEvent) {
	defer func() {
		if panicked := recover(); panicked != nil {
			outcome.Error, outcome.Phase = fmt.Sprint(panicked), "execute"
		}
	}()
	parsed, err := template.New("template").Funcs(sprig.TxtFuncMap()).Option("missingkey=zero").Parse(outcome.Template)
	if err != nil {
		outcome.Error, outcome.Phase = err.Error(), "parse"
		return
	}
	buffer := new(bytes.Buffer)
	if err := parsed.Execute(buffer, event); err != nil {
		outcome.Error, outcome.Phase = err.Error(), "execute"
		return
	}
	outcome.Output = buffer.String()
}

func main() {
	time.Local = time.UTC
	outcomes := []Outcome{}
	add := func(event, text string, weir *string, reason string) {
		outcome := Outcome{Event: event, Template: text, Weir: weir, Reason: reason}
		render(&outcome, kube.Parse(events[event]))
		outcomes = append(outcomes, outcome)
	}
	for _, event := range []string{"pod", "node", "series", "empty"} {
		for _, text := range everyEvent {
			add(event, text, nil, "")
		}
	}
	for _, text := range onPod {
		add("pod", text, nil, "")
	}
	for _, differs := range different {
		add("pod", differs.template, &differs.weir, differs.reason)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any{"events": events, "cases": outcomes}); err != nil {
		panic(err)
	}
}
