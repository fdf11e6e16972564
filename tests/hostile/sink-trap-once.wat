;; Crashes at its first batch, after it rejected the first event; accepts everything afterwards.
(module
  (import "weir:plugin/state@0.1.0" "add" (func $add (param i32 i32 i32 i32) (result i64)))
  (import "weir:plugin/batch@0.1.0" "reject" (func $reject (param i32 i32 i32)))
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
  (data (i32.const 64) "calls")
  (func $deliver (export "deliver") (result i32)
    (if (i64.eq (call $add (i32.const 64) (i32.const 5) (i32.const 1) (i32.const 0)) (i64.const 1)) (then
      (call $reject (i32.const 0) (i32.const 64) (i32.const 5))
      (unreachable)))
    (i32.const 1024)) ;; sixteen zero bytes: ok(done)
)
