// Package probe lets a sink say whether it would work: `weir check --connect` shows the answer.
package probe

import (
	"unsafe"

	"weir/internal/abi"
)

var probe func() (string, error)

// Register says how to find out, beside sink.Register. It is called after setup, writes nothing, and answers a line a finding.
func Register(onProbe func() (string, error)) { probe = onProbe }

//go:wasmexport probe
func export() unsafe.Pointer {
	findings, err := probe()
	if err != nil {
		return abi.Failed(err)
	}
	return abi.Said(findings)
}
