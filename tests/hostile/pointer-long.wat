;; Reads and sets at a pointer of 30 million slashes: a host that takes it apart needs a GB. Drops with the
;; refusal's text.
(module
  (import "weir:plugin/event@0.1.0" "text" (func $text (param i32 i32 i32)))
  (import "weir:plugin/change@0.1.0" "remove" (func $remove (param i32 i32)))
  (import "weir:plugin/change@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 500)
  ;; Bump allocator; each call of the plugin starts again at the bottom.
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (local.get $at))
  (func (export "setup") (param i32 i32) (result i32)
    (i32.const 1024)) ;; twelve zero bytes: ok
  (data (i32.const 64) "1")
  ;; ok(drop(text)): the answer that hands a text to whoever looks.
  (func $drop (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (i32.const 1))
    (i32.store (i32.const 1032) (local.get $at))
    (i32.store (i32.const 1036) (local.get $len))
    (i32.const 1024))
  (func $process (export "process") (result i32)
    (memory.fill (i32.const 65536) (i32.const 47) (i32.const 30000000))
    (call $text (i32.const 65536) (i32.const 30000000) (i32.const 32))
    (if (i32.load8_u (i32.const 32)) (then (unreachable)))
    (call $remove (i32.const 65536) (i32.const 30000000))
    (call $set (i32.const 65536) (i32.const 30000000) (i32.const 64) (i32.const 1) (i32.const 32))
    (if (i32.load8_u (i32.const 32)) (then
      (return (call $drop (i32.load (i32.const 36)) (i32.load (i32.const 40))))))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
