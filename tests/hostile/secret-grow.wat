;; Makes credentials of credentials of …, each four times as long as the one before: a host that makes them
;; all needs an EB.
(module
  (import "weir:plugin/secret@0.1.0" "basic" (func $basic (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  ;; Bump allocator; each call of the plugin starts again at the bottom.
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (local.get $at))
  (func $spread ;; eight copies of the 44 bytes at the pointer that stands at 16
    (local $n i32)
    (loop $more
      (memory.copy (i32.add (i32.const 2048) (i32.mul (local.get $n) (i32.const 44))) (i32.load (i32.const 16)) (i32.const 44))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 8)))))
  ;; The configuration is a placeholder in quotes.
  (func (export "setup") (param $at i32) (param i32) (result i32)
    (i32.store (i32.const 16) (i32.add (local.get $at) (i32.const 1)))
    (call $spread)
    (i32.const 1024)) ;; twelve zero bytes: ok
  (func $process (export "process") (result i32)
    (local $n i32)
    (loop $more ;; the placeholder, eight times over, as user and as password
      (call $basic (i32.const 2048) (i32.const 352) (i32.const 2048) (i32.const 352) (i32.const 16))
      (call $spread)
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 30))))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
