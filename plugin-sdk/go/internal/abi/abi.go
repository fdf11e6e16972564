// Package abi is the ground the SDK stands on: the host's functions as they are in WebAssembly (the component model's
// canonical ABI), and the memory their results come in. Plugins use package weir, and filter or sink.
package abi

import (
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// Addresses in the ABI have 32 bits. Go's pointers have 64, also in WebAssembly, so results and answers are read and
// written as words. They are global variables because those stay where they are: a goroutine's stack may move.
var (
	area   [6]uint32 // where the host writes a result; longer ones have an address and a length here
	answer [4]uint32 // what an export returns
	kept   string    // texts whose addresses the host was given, held until it has read them
)

// While a function of the host runs, the host puts its longer results here, by way of cabi_realloc. They are copied as
// soon as the function returns. It cannot be Go's heap: allocating may start a garbage collection, which asks for the
// time, and asking the host for anything is a fault while it is being answered.
var (
	arena []byte
	used  uint32
)

// Reserve gives the memory for the results of one function of the host. It has to be a global variable: one that is
// zero costs nothing in the file, and no real memory before it is written.
func Reserve(memory []byte) { arena = memory }

// cabi_realloc is called by the host in the middle of a call; never to resize, since it knows how long a result is.
// nosplit: a stack that grows allocates.
//
//go:wasmexport cabi_realloc
//go:nosplit
func realloc(_, _, align, length uint32) uint32 {
	base := addressOf(unsafe.Pointer(unsafe.SliceData(arena)))
	at := (base+used+align-1)&^(align-1) - base
	if uint64(at)+uint64(length) > uint64(len(arena)) {
		return -align // no address: the host says "realloc return: beyond end of memory"
	}
	used = at + length
	return base + at
}

func addressOf(pointer unsafe.Pointer) uint32 { return uint32(uintptr(pointer)) }

// Area is the last argument of each function that has a result of more than one word.
func Area() unsafe.Pointer {
	used = 0
	area = [6]uint32{}
	return unsafe.Pointer(&area)
}

// view is what the host wrote, to be copied before the next call.
func view(address, length uint32) []byte {
	if length == 0 {
		return nil
	}
	return arena[address-addressOf(unsafe.Pointer(unsafe.SliceData(arena))):][:length]
}

// Text is the string at a word of the result.
func Text(word int) string { return string(view(area[word], area[word+1])) }

// Bytes is the list of bytes at a word of the result.
func Bytes(word int) []byte { return append([]byte{}, view(area[word], area[word+1])...) }

// Some says whether an option has a value, which is at word 1, or whether a result is an error.
func Some() bool { return area[0]&0xff != 0 }

// OptionalText is a result of type option<string>.
func OptionalText() (string, bool) { return Text(1), Some() }

// Error is a result of type result<_, string>, and the error of any other result with a text as its error.
func Error() error {
	if Some() {
		return errors.New(Text(1))
	}
	return nil
}

// Get calls a function that takes nothing and returns a text.
func Get(function func(unsafe.Pointer)) string {
	function(Area())
	return Text(0)
}

// Valid is the text as the ABI wants it: invalid UTF-8, such as half a character of a text that was cut, is a fault there.
func Valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// Raw passes bytes where the compiler knows only strings. The host does not keep them.
func Raw(bytes []byte) string { return unsafe.String(unsafe.SliceData(bytes), len(bytes)) }

// A Pair is a header's name and value.
type Pair struct{ Name, Value string }

// Send is http.send.
func Send(method, url string, headers []Pair, body []byte, timeout uint32) (status int, answered []Pair, content []byte, err error) {
	// All of the texts in one piece that a global variable holds, since Go does not see the addresses in the list.
	var joined strings.Builder
	lengths := make([]uint32, 0, 2*len(headers))
	for _, header := range headers {
		for _, text := range []string{Valid(header.Name), Valid(header.Value)} {
			joined.WriteString(text)
			lengths = append(lengths, uint32(len(text)))
		}
	}
	kept = joined.String()
	at := addressOf(unsafe.Pointer(unsafe.StringData(kept)))
	list := make([]uint32, 0, 2*len(lengths))
	for _, length := range lengths {
		list = append(list, at, length)
		at += length
	}
	httpSend(Valid(method), Valid(url), unsafe.Pointer(unsafe.SliceData(list)), uint32(len(headers)), Raw(body), timeout, Area())
	if Some() {
		return 0, nil, nil, Error()
	}
	for four := view(area[2], 16*area[3]); len(four) > 0; four = four[16:] {
		answered = append(answered, Pair{string(view(word(four), word(four[4:]))), string(view(word(four[8:]), word(four[12:])))})
	}
	return int(area[1] & 0xffff), answered, Bytes(4), nil
}

func word(bytes []byte) uint32 {
	return uint32(bytes[0]) | uint32(bytes[1])<<8 | uint32(bytes[2])<<16 | uint32(bytes[3])<<24
}

// Milliseconds is a duration as the host has it. 0 has a meaning of its own there, so less than 1 ms is 1 ms.
func Milliseconds(duration time.Duration) uint32 {
	if duration <= 0 {
		return 0
	}
	return uint32(min(max(duration.Milliseconds(), 1), math.MaxUint32))
}

// Setup is the plugin's.
var Setup = func([]byte) error { return errors.New("this plugin has no func init() that calls Register") }

//go:wasmexport setup
func setup(address, length uint32) unsafe.Pointer {
	if Setup == nil {
		return Case(0, "")
	}
	if err := Setup(append([]byte{}, view(address, length)...)); err != nil {
		return Failed(err)
	}
	return Case(0, "")
}

// Case answers a case of a variant, and its text where it has one.
func Case(number uint32, text string) unsafe.Pointer {
	answer = [4]uint32{0, number}
	return say(2, text)
}

// Failed answers an error.
func Failed(err error) unsafe.Pointer {
	answer = [4]uint32{1}
	return say(1, err.Error())
}

// Said answers a text.
func Said(text string) unsafe.Pointer {
	answer = [4]uint32{0}
	return say(1, text)
}

func say(word int, text string) unsafe.Pointer {
	kept = Valid(text)
	answer[word] = addressOf(unsafe.Pointer(unsafe.StringData(kept)))
	answer[word+1] = uint32(len(kept))
	return unsafe.Pointer(&answer)
}
