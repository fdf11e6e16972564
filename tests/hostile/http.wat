;; Asks for what nobody granted, in `process`; drops with the refusal's text.
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
  (func (export "setup") (param i32 i32) (result i32)
    (i32.const 1024)) ;; twelve zero bytes: ok
  (data (i32.const 64) "POST")
  (data (i32.const 80) "http://u:p@169.254.169.254/x")
  ;; ok(drop(text)): the answer that hands a text to whoever looks.
  (func $drop (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (i32.const 1))
    (i32.store (i32.const 1032) (local.get $at))
    (i32.store (i32.const 1036) (local.get $len))
    (i32.const 1024))
  (func $process (export "process") (result i32)
    (global.set $free (i32.const 8192))
    (call $send (i32.const 64) (i32.const 4) (i32.const 80) (i32.const 28) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
    (if (i32.load8_u (i32.const 512)) (then ;; result<response, string>: err's string at 4
      (return (call $drop (i32.load (i32.const 516)) (i32.load (i32.const 520))))))
    (i32.const 1040)) ;; sixteen zero bytes: ok(keep)
)
