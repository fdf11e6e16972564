;; Counts under 650 names, and under one of 1000 bytes.
(module
  (import "weir:plugin/host@0.1.0" "count" (func $count (param i32 i32 i32)))
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
  (func $process (export "process") (result i32)
    (local $n i32)
    (loop $more
      (i32.store8 (i32.const 64) (i32.add (i32.const 97) (i32.rem_u (local.get $n) (i32.const 26))))
      (i32.store8 (i32.const 65) (i32.add (i32.const 97) (i32.div_u (local.get $n) (i32.const 26))))
      (call $count (i32.const 64) (i32.const 2) (i32.const 1))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 650))))
    (memory.fill (i32.const 4096) (i32.const 122) (i32.const 1000))
    (call $count (i32.const 4096) (i32.const 1000) (i32.const 1))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
