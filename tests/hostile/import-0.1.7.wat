;; Was built for contract 0.1.7 but needs nothing that 0.1.0 lacks: it works. Drops with the reason that it
;; reads.
(module
  (import "weir:plugin/event@0.1.7" "reason" (func $reason (param i32)))
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
  ;; ok(drop(text)): the answer that hands a text to whoever looks.
  (func $drop (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (i32.const 1))
    (i32.store (i32.const 1032) (local.get $at))
    (i32.store (i32.const 1036) (local.get $len))
    (i32.const 1024))
  (func $process (export "process") (result i32)
    (global.set $free (i32.const 8192))
    (call $reason (i32.const 16))
    (call $drop (i32.load (i32.const 16)) (i32.load (i32.const 20))))
)
