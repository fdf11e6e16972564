package abi

import "unsafe"

// A string or a list is passed as its address and its length, which is what the compiler makes of a string. The linker
// leaves out what is not called, so a plugin asks its host for nothing that it does not use.

//go:wasmimport weir:plugin/event@0.1.0 id
func EventID(area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 severity
func EventSeverity(area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 reason
func EventReason(area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 message
func EventMessage(area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 namespace
func EventNamespace(area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 object-kind
func EventObjectKind(area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 object-name
func EventObjectName(area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 component
func EventComponent(area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 node
func EventNode(area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 count
func EventCount() uint32

//go:wasmimport weir:plugin/event@0.1.0 timestamp
func EventTimestamp() int64

//go:wasmimport weir:plugin/event@0.1.0 text
func EventText(pointer string, area unsafe.Pointer)

//go:wasmimport weir:plugin/event@0.1.0 json
func EventJSON(pointer string, area unsafe.Pointer)

//go:wasmimport weir:plugin/change@0.1.0 set
func ChangeSet(pointer, json string, area unsafe.Pointer)

//go:wasmimport weir:plugin/change@0.1.0 remove
func ChangeRemove(pointer string)

//go:wasmimport weir:plugin/change@0.1.0 emit
func ChangeEmit(json string, area unsafe.Pointer)

//go:wasmimport weir:plugin/host@0.1.0 log
func HostLog(level uint32, message string)

//go:wasmimport weir:plugin/host@0.1.0 now
func HostNow() int64

//go:wasmimport weir:plugin/host@0.1.0 random
func HostRandom() uint64

//go:wasmimport weir:plugin/host@0.1.0 count
func HostCount(name string, by uint32)

//go:wasmimport weir:plugin/state@0.1.0 get
func StateGet(key string, area unsafe.Pointer)

//go:wasmimport weir:plugin/state@0.1.0 put
func StatePut(key, value string, ttl uint32)

//go:wasmimport weir:plugin/state@0.1.0 add
func StateAdd(key string, by int32, ttl uint32) int64

//go:wasmimport weir:plugin/http@0.1.0 send
func httpSend(method, url string, headers unsafe.Pointer, count uint32, body string, timeout uint32, area unsafe.Pointer)

//go:wasmimport weir:plugin/secret@0.1.0 basic
func SecretBasic(user, password string, area unsafe.Pointer)

//go:wasmimport weir:plugin/secret@0.1.0 hmac-sha256
func SecretHMAC(key, data string, area unsafe.Pointer)

//go:wasmimport weir:plugin/template@0.1.0 check
func TemplateCheck(template string, area unsafe.Pointer)

//go:wasmimport weir:plugin/template@0.1.0 render
func TemplateRender(template string, area unsafe.Pointer)

//go:wasmimport weir:plugin/file@0.1.0 append
func FileAppend(path, lines string, size, every, backups, age uint32, compress bool, area unsafe.Pointer)

//go:wasmimport weir:plugin/output@0.1.0 write
func OutputWrite(bytes string, area unsafe.Pointer)

//go:wasmimport weir:plugin/batch@0.1.0 size
func BatchSize() uint32

//go:wasmimport weir:plugin/batch@0.1.0 select
func BatchSelect(index uint32)

//go:wasmimport weir:plugin/batch@0.1.0 document
func BatchDocument(index uint32, area unsafe.Pointer)

//go:wasmimport weir:plugin/batch@0.1.0 documents
func BatchDocuments(start, end uint32, area unsafe.Pointer)

//go:wasmimport weir:plugin/batch@0.1.0 reject
func BatchReject(index uint32, reason string)

//go:wasmimport weir:plugin/batch@0.1.0 retry
func BatchRetry(index uint32, reason string)

//go:wasmimport weir:plugin/batch@0.1.0 retry-after
func BatchRetryAfter(milliseconds uint32)
