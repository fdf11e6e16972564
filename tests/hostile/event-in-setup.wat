;; Reads, changes and emits in `setup`, where there is no event: reads are empty, the rest is refused.
;; Refuses its configuration with the refusal's text.
(module
  (import "weir:plugin/event@0.1.0" "reason" (func $reason (param i32)))
  (import "weir:plugin/change@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  ;; Bump allocator; each call of the plugin starts again at the bottom.
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (local.get $at))
  (data (i32.const 64) "/reason")
  (data (i32.const 80) "1")
  (func (export "setup") (param i32 i32) (result i32)
    (call $reason (i32.const 16))
    (if (i32.load (i32.const 20)) (then (unreachable)))
    (call $set (i32.const 64) (i32.const 7) (i32.const 80) (i32.const 1) (i32.const 512))
    (i32.const 512)) ;; the same layout: result<_, string>
  (func $process (export "process") (result i32)
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
