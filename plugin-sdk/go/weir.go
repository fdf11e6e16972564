// Package weir is what every plugin may use: the event at hand, the log, counters, state, HTTP and secrets. What only
// filters or only sinks may do is in packages filter and sink.
package weir

import (
	"strings"
	"time"

	"weir/internal/abi"
)

// An Event is the event at hand. Nothing of it is decoded or copied before it is asked for, so ask once and keep the
// answer in a variable. What the event lacks is "" or 0.
//
// Pointers (RFC 6901) such as /metadata/labels/app address the event as core/v1 has it.
type Event struct{}

// ID is the identity of this observation, the same after every restart.
func (Event) ID() string { return abi.Get(abi.EventID) }

// Severity is Normal, Warning, or what the reporter wrote.
func (Event) Severity() string { return abi.Get(abi.EventSeverity) }

// Reason is a word such as BackOff.
func (Event) Reason() string { return abi.Get(abi.EventReason) }

// Message is the text for people.
func (Event) Message() string { return abi.Get(abi.EventMessage) }

// Namespace of the event.
func (Event) Namespace() string { return abi.Get(abi.EventNamespace) }

// ObjectKind is the kind of the object that the event is about.
func (Event) ObjectKind() string { return abi.Get(abi.EventObjectKind) }

// ObjectName is that object's name.
func (Event) ObjectName() string { return abi.Get(abi.EventObjectName) }

// Component reported the event.
func (Event) Component() string { return abi.Get(abi.EventComponent) }

// Node or instance that reported the event.
func (Event) Node() string { return abi.Get(abi.EventNode) }

// Count is how often the event has been seen.
func (Event) Count() uint32 { return abi.EventCount() }

// Timestamp is when the event was last seen; 1970-01-01 where it does not say.
func (Event) Timestamp() time.Time { return time.UnixMilli(abi.EventTimestamp()) }

// Text is the string at a pointer, without quotes; false where there is no string.
func (Event) Text(pointer string) (string, bool) {
	abi.EventText(abi.Valid(pointer), abi.Area())
	return abi.OptionalText()
}

// JSON is the JSON text at a pointer; "" is the whole event. False where there is nothing.
func (Event) JSON(pointer string) (string, bool) {
	abi.EventJSON(abi.Valid(pointer), abi.Area())
	return abi.OptionalText()
}

// Debug writes to the host's log, beside the plugin's name, as Info, Warn and Error do. What fmt.Print and package log
// write goes there too.
func Debug(message string) { abi.HostLog(0, abi.Valid(message)) }

// Info writes a line.
func Info(message string) { abi.HostLog(1, abi.Valid(message)) }

// Warn says that something is odd and handled.
func Warn(message string) { abi.HostLog(2, abi.Valid(message)) }

// Error says that a person is needed.
func Error(message string) { abi.HostLog(3, abi.Valid(message)) }

// Now is the time. time.Now is the same, with two calls of the host.
func Now() time.Time { return time.UnixMilli(abi.HostNow()) }

// Random is 64 random bits.
func Random() uint64 { return abi.HostRandom() }

// Count adds to a counter of this plugin's own, shown with the host's metrics.
func Count(name string, by uint32) { abi.HostCount(abi.Valid(name), by) }

// StateGet reads what StatePut wrote. The state is kept for each use of a plugin, outlives faults and reloads, and is
// shared by all instances; only StateAdd is atomic.
func StateGet(key string) ([]byte, bool) {
	abi.StateGet(abi.Valid(key), abi.Area())
	return abi.Bytes(1), abi.Some()
}

// StatePut keeps a value for that long; 0 is for as long as there is room (1 MiB for all).
func StatePut(key string, value []byte, ttl time.Duration) {
	abi.StatePut(abi.Valid(key), abi.Raw(value), abi.Milliseconds(ttl))
}

// StateAdd adds to a number and returns the sum. The first one starts the ttl; 0 is for as long as there is room.
func StateAdd(key string, by int32, ttl time.Duration) int64 {
	return abi.StateAdd(abi.Valid(key), by, abi.Milliseconds(ttl))
}

// A Request is sent by the host, which does TLS, proxies, connections and compression.
type Request struct {
	Method  string // GET where it is empty
	URL     string
	Headers []Header
	Body    []byte
	Timeout time.Duration // 0 is what the host's configuration says
}

// A Header is a Name and a Value.
type Header = abi.Pair

// A Response has any status, also those of failures.
type Response struct {
	Status  int
	Headers []Header
	Body    []byte
}

// Header is the first header of that name, in any case; "" where there is none.
func (r Response) Header(name string) string {
	for _, header := range r.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Value
		}
	}
	return ""
}

// Send sends a request. An error is that there is no response: not granted, name lookup, connect, TLS, timeout, too
// large, stopping. Waiting does not count towards the plugin's time limit.
func Send(request Request) (Response, error) {
	method := request.Method
	if method == "" {
		method = "GET"
	}
	status, headers, body, err := abi.Send(method, request.URL, request.Headers, request.Body, abi.Milliseconds(request.Timeout))
	return Response{Status: status, Headers: headers, Body: body}, err
}

// Post sends a body.
func Post(url, contentType string, body []byte) (Response, error) {
	return Send(Request{Method: "POST", URL: url, Headers: []Header{{Name: "content-type", Value: contentType}}, Body: body})
}

// Basic is a placeholder for "Basic …" of a user and a password, which may be placeholders: secrets stay with the host,
// which puts them into headers and URLs.
func Basic(user, password string) string {
	abi.SecretBasic(abi.Valid(user), abi.Valid(password), abi.Area())
	return abi.Text(0)
}

// HMACSHA256 is of data under a key that may be a placeholder.
func HMACSHA256(key string, data []byte) []byte {
	abi.SecretHMAC(abi.Valid(key), abi.Raw(data), abi.Area())
	return abi.Bytes(0)
}

// Quote is the text as JSON, with its quotes.
func Quote(text string) string {
	const hex = "0123456789abcdef"
	text = abi.Valid(text)
	quoted := append(make([]byte, 0, len(text)+2), '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ':
			quoted = append(quoted, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c == '"' || c == '\\':
			quoted = append(quoted, '\\', c)
		default:
			quoted = append(quoted, c)
		}
	}
	return string(append(quoted, '"'))
}
