;; Asks for a web page in `setup`, where there is no HTTP; refuses its configuration with the refusal's
;; text.
(module
  (import "weir:plugin/http@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  ;; Bump allocator; each call of the plugin starts again at the bottom.
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (local.get $at))
  (data (i32.const 64) "POST")
  (data (i32.const 80) "http://u:p@169.254.169.254/x")
  (func (export "setup") (param i32 i32) (result i32)
    (call $send (i32.const 64) (i32.const 4) (i32.const 80) (i32.const 28) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
    (i32.const 512)) ;; the error has the same layout in result<_, string>
  (func $process (export "process") (result i32)
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
