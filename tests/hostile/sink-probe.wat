;; A good sink that can be asked: its probe makes a request, and answers two findings, the second with a
;; terminal's escape.
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
  (data (i32.const 128) "connected\nversion \1b[31m9")
  (func (export "probe") (result i32)
    (call $send (i32.const 64) (i32.const 4) (i32.const 80) (i32.const 28) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
    (if (i32.load8_u (i32.const 512)) (then (return (i32.const 512)))) ;; err(text), the same layout
    (i32.store (i32.const 1028) (i32.const 128))
    (i32.store (i32.const 1032) (i32.const 24))
    (i32.const 1024))
  (func $deliver (export "deliver") (result i32)
    (i32.const 1024)) ;; sixteen zero bytes: ok(done)
)
