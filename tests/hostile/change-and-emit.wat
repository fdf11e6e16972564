;; Changes the identity of the event at hand, and then emits one: its id is that of the event as it came.
(module
  (import "weir:plugin/change@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (import "weir:plugin/change@0.1.0" "emit" (func $emit (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 8192))
  (data (i32.const 80) "/metadata/uid")
  (data (i32.const 96) "\22new\22")
  (data (i32.const 128) "{\22metadata\22:{},\22involvedObject\22:{},\22reason\22:\22X\22}")
  (func (export "setup") (param i32 i32) (result i32)
    (i32.const 1024)) ;; twelve zero bytes: ok
  (func $process (export "process") (result i32)
    (call $set (i32.const 80) (i32.const 13) (i32.const 96) (i32.const 5) (i32.const 32))
    (call $emit (i32.const 128) (i32.const 48) (i32.const 32))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
