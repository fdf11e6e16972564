//go:build !wasip1

package abi

import "unsafe"

// Outside of WebAssembly there is no host. These make editors, go vet, and go test of what does not call the host work.

func absent() { panic("weir: there is no host here; `weir plugin test` runs the plugin") }

func EventID(area unsafe.Pointer)                         { absent() }
func EventSeverity(area unsafe.Pointer)                   { absent() }
func EventReason(area unsafe.Pointer)                     { absent() }
func EventMessage(area unsafe.Pointer)                    { absent() }
func EventNamespace(area unsafe.Pointer)                  { absent() }
func EventObjectKind(area unsafe.Pointer)                 { absent() }
func EventObjectName(area unsafe.Pointer)                 { absent() }
func EventComponent(area unsafe.Pointer)                  { absent() }
func EventNode(area unsafe.Pointer)                       { absent() }
func EventCount() uint32                                  { absent(); return 0 }
func EventTimestamp() int64                               { absent(); return 0 }
func EventText(pointer string, area unsafe.Pointer)       { absent() }
func EventJSON(pointer string, area unsafe.Pointer)       { absent() }
func ChangeSet(pointer, json string, area unsafe.Pointer) { absent() }
func ChangeRemove(pointer string)                         { absent() }
func ChangeEmit(json string, area unsafe.Pointer)         { absent() }
func HostLog(level uint32, message string)                { absent() }
func HostNow() int64                                      { absent(); return 0 }
func HostRandom() uint64                                  { absent(); return 0 }
func HostCount(name string, by uint32)                    { absent() }
func StateGet(key string, area unsafe.Pointer)            { absent() }
func StatePut(key, value string, ttl uint32)              { absent() }
func StateAdd(key string, by int32, ttl uint32) int64     { absent(); return 0 }
func httpSend(method, url string, headers unsafe.Pointer, count uint32, body string, timeout uint32, area unsafe.Pointer) {
	absent()
}
func SecretBasic(user, password string, area unsafe.Pointer) { absent() }
func SecretHMAC(key, data string, area unsafe.Pointer)       { absent() }
func TemplateCheck(template string, area unsafe.Pointer)     { absent() }
func TemplateRender(template string, area unsafe.Pointer)    { absent() }
func FileAppend(path, lines string, size, every, backups, age uint32, compress bool, area unsafe.Pointer) {
	absent()
}
func OutputWrite(bytes string, area unsafe.Pointer)         { absent() }
func BatchSize() uint32                                     { absent(); return 0 }
func BatchSelect(index uint32)                              { absent() }
func BatchDocument(index uint32, area unsafe.Pointer)       { absent() }
func BatchDocuments(start, end uint32, area unsafe.Pointer) { absent() }
func BatchReject(index uint32, reason string)               { absent() }
func BatchRetry(index uint32, reason string)                { absent() }
func BatchRetryAfter(milliseconds uint32)                   { absent() }
