;; Its allocator does not align: nobody notices with text, but the list of a response's headers needs it.
(module
  (import "weir:plugin/http@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 8193))
  (func (export "setup") (param i32 i32) (result i32)
    (i32.const 1024)) ;; twelve zero bytes: ok
  (data (i32.const 64) "GET")
  (data (i32.const 80) "http://es/")
  (func $process (export "process") (result i32)
    (call $send (i32.const 64) (i32.const 3) (i32.const 80) (i32.const 10) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
