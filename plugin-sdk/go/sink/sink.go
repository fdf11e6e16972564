// Package sink makes a program a sink: it delivers batches of events.
package sink

import (
	"iter"
	"time"
	"unsafe"

	"weir"
	"weir/internal/abi"
)

// What one function of the host may return: the documents of a batch (5 MiB by default) or an answer by HTTP (16 MiB
// by default). A receiver with more of either needs more here and in `limits.memory`, towards which all of it counts.
var arena [17 << 20]byte

var deliver func(Batch) (Outcome, error)

// Register says what the sink does. Call it in an init function: main is not run.
//
// setup is called before the first batch, with the configuration as JSON, {} where there is none; nil needs none. Its
// error is what the person sees who configures the plugin. onBatch delivers; its error is the same as Retry. A panic is
// a fault: the host logs it, and the batch comes again to a fresh instance.
func Register(setup func(config []byte) error, onBatch func(Batch) (Outcome, error)) {
	abi.Setup, deliver = setup, onBatch
}

// A Batch has the events to deliver in one call.
type Batch struct{}

// Size is the number of events.
func (Batch) Size() uint32 { return abi.BatchSize() }

// Event makes the event at this index the one at hand: all Events read it from now on. An index past the end is a fault.
func (Batch) Event(index uint32) weir.Event {
	abi.BatchSelect(index)
	return weir.Event{}
}

// Events goes through the batch: for i, event := range batch.Events().
func (b Batch) Events() iter.Seq2[uint32, weir.Event] {
	return func(yield func(uint32, weir.Event) bool) {
		for i := range b.Size() {
			if !yield(i, b.Event(i)) {
				return
			}
		}
	}
}

// Document is what to send of an event: the receiver's layout where it has one, else the event.
func (Batch) Document(index uint32) string {
	abi.BatchDocument(index, abi.Area())
	return abi.Text(0)
}

// Documents are those from start up to, not including, end, each followed by a newline.
func (Batch) Documents(start, end uint32) []byte {
	abi.BatchDocuments(start, end, abi.Area())
	return abi.Bytes(0)
}

// Reject says that this event will never be accepted: it goes to the dead letters.
func (Batch) Reject(index uint32, reason string) { abi.BatchReject(index, abi.Valid(reason)) }

// Retry says that this event was not accepted this time.
func (Batch) Retry(index uint32, reason string) { abi.BatchRetry(index, abi.Valid(reason)) }

// RetryAfter asks for a pause before the next call, whatever the outcome; an hour at most.
func (Batch) RetryAfter(pause time.Duration) { abi.BatchRetryAfter(abi.Milliseconds(pause)) }

// An Outcome is Done, Retry or Reject.
type Outcome struct {
	number uint32
	reason string
}

// Done says that all events were accepted for which neither Batch.Reject nor Batch.Retry was called.
var Done Outcome

// Retry says that nothing was accepted; the whole batch comes again.
func Retry(reason string) Outcome { return Outcome{1, reason} }

// Reject says that nothing will ever be accepted; the whole batch goes to the dead letters.
func Reject(reason string) Outcome { return Outcome{2, reason} }

// Write appends whole lines to the host's standard output.
func Write(lines []byte) error {
	abi.OutputWrite(abi.Raw(lines), abi.Area())
	return abi.Error()
}

// A Rotation says when a file is put aside and what becomes of the old ones; 0 is "never" and "no limit".
type Rotation struct {
	MiB      uint32 // that a file may have
	Minutes  uint32 // after which it is put aside
	Backups  uint32 // that are kept
	Days     uint32 // for which they are kept
	Compress bool
}

// Append appends whole lines to the file that the configuration has at its key `path`, the only one that there is.
func Append(path string, lines []byte, rotation Rotation) error {
	r := rotation
	abi.FileAppend(abi.Valid(path), abi.Raw(lines), r.MiB, r.Minutes, r.Backups, r.Days, r.Compress, abi.Area())
	return abi.Error()
}

// CheckTemplate says in setup whether a template can be read: Go's text/template with sprig's functions of texts.
func CheckTemplate(template string) error {
	abi.TemplateCheck(abi.Valid(template), abi.Area())
	return abi.Error()
}

// Render is what a template makes of the event at hand.
func Render(template string) (string, error) {
	abi.TemplateRender(abi.Valid(template), abi.Area())
	return abi.Text(1), abi.Error()
}

func init() { abi.Reserve(arena[:]) }

//go:wasmexport deliver
func export() unsafe.Pointer {
	outcome, err := deliver(Batch{})
	if err != nil {
		return abi.Failed(err)
	}
	return abi.Case(outcome.number, outcome.reason)
}
