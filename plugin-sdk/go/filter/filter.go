// Package filter makes a program a filter: it keeps, changes or drops events.
package filter

import (
	"unsafe"

	"weir"
	"weir/internal/abi"
)

// What one function of the host may return. An event has at most 4 MiB, and so has the configuration. A plugin that gets
// longer answers by HTTP needs more here and in the host's `limits.memory`, towards which all of it counts.
var arena [5 << 20]byte

var process func(Event) (Verdict, error)

// Register says what the filter does. Call it in an init function: main is not run.
//
// setup is called before the first event, with the configuration as JSON, {} where there is none; nil needs none. Its
// error is what the person sees who configures the plugin. process is called for each event; what to do after an error
// says the configuration (onError). A panic is a fault: the host logs it and goes on with a fresh instance.
func Register(setup func(config []byte) error, onEvent func(Event) (Verdict, error)) {
	abi.Setup, process = setup, onEvent
}

// An Event can be changed. Changes and emitted events are lost where process returns an error.
type Event struct{ weir.Event }

// Set puts JSON at a pointer, creating objects on the way; - appends to an array.
func (Event) Set(pointer, json string) error {
	abi.ChangeSet(abi.Valid(pointer), abi.Valid(json), abi.Area())
	return abi.Error()
}

// SetText puts a string at a pointer.
func (e Event) SetText(pointer, text string) error { return e.Set(pointer, weir.Quote(text)) }

// Remove removes what is at a pointer, if anything.
func (Event) Remove(pointer string) { abi.ChangeRemove(abi.Valid(pointer)) }

// Emit adds an event behind this one, as JSON. It goes on after this filter, also where this one is dropped.
func (Event) Emit(json string) error {
	abi.ChangeEmit(abi.Valid(json), abi.Area())
	return abi.Error()
}

// A Verdict is Keep or Drop.
type Verdict struct {
	dropped uint32
	reason  string
}

// Keep lets the event go on, with its changes.
var Keep Verdict

// Drop ends the event. Reasons are the rows of a metric, so use few different ones.
func Drop(reason string) Verdict { return Verdict{1, reason} }

func init() { abi.Reserve(arena[:]) }

//go:wasmexport process
func export() unsafe.Pointer {
	verdict, err := process(Event{})
	if err != nil {
		return abi.Failed(err)
	}
	return abi.Case(verdict.dropped, verdict.reason)
}
