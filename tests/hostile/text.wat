;; Drops each event; the reason is the text at the pointer that its configuration names, or `(none)`.
(module
  (import "weir:plugin/event@0.1.0" "text" (func $text (param i32 i32 i32)))
  (memory (export "memory") 1)
  ;; Bump allocator; each call of the plugin starts again at the bottom.
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (local.get $at))
  ;; The configuration, without its quotes where it is a JSON string.
  (global $config (mut i32) (i32.const 0))
  (global $config_len (mut i32) (i32.const 0))
  (func (export "setup") (param $at i32) (param $len i32) (result i32)
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 34)) (then
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 2)))))
    (memory.copy (i32.const 2048) (local.get $at) (local.get $len))
    (global.set $config (i32.const 2048))
    (global.set $config_len (local.get $len))
    (i32.const 1024)) ;; twelve zero bytes: ok
  (data (i32.const 64) "(none)")
  ;; ok(drop(text)): the answer that hands a text to whoever looks.
  (func $drop (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (i32.const 1))
    (i32.store (i32.const 1032) (local.get $at))
    (i32.store (i32.const 1036) (local.get $len))
    (i32.const 1024))
  (func $process (export "process") (result i32)
    (global.set $free (i32.const 8192))
    (call $text (global.get $config) (global.get $config_len) (i32.const 32))
    (if (i32.load8_u (i32.const 32)) (then
      (return (call $drop (i32.load (i32.const 36)) (i32.load (i32.const 40))))))
    (call $drop (i32.const 64) (i32.const 6)))
)
