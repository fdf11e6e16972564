;; A good filter: drops events with the reason `Pulled`, keeps all others.
(module
  (import "weir:plugin/event@0.1.0" "reason" (func $reason (param i32)))
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
  (data (i32.const 64) "Pulled")
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
    (if (i32.eq (i32.load (i32.const 20)) (i32.const 6)) (then
      (if (i64.eq (i64.and (i64.load (i32.load (i32.const 16))) (i64.const 0xffffffffffff)) (i64.load (i32.const 64))) (then
        (return (call $drop (i32.const 64) (i32.const 6)))))))
    (i32.const 1040)) ;; sixteen zero bytes: ok(keep)
)
