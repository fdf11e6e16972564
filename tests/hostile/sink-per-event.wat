;; Rejects the first event of its batch, asks to retry the second, accepts the others, and wants no call for
;; 1500 ms.
(module
  (import "weir:plugin/batch@0.1.0" "reject" (func $reject (param i32 i32 i32)))
  (import "weir:plugin/batch@0.1.0" "retry" (func $retry (param i32 i32 i32)))
  (import "weir:plugin/batch@0.1.0" "retry-after" (func $retry_after (param i32)))
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
  (data (i32.const 64) "malformed")
  (data (i32.const 80) "busy")
  (func $deliver (export "deliver") (result i32)
    (call $reject (i32.const 0) (i32.const 64) (i32.const 9))
    (call $retry (i32.const 1) (i32.const 80) (i32.const 4))
    (call $retry_after (i32.const 1500))
    (i32.const 1024)) ;; sixteen zero bytes: ok(done)
)
