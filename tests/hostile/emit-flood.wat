;; Emits 200 events in one call, and counts those that are refused.
(module
  (import "weir:plugin/change@0.1.0" "emit" (func $emit (param i32 i32 i32)))
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
  (data (i32.const 64) "refused")
  (data (i32.const 128) "{\22metadata\22:{},\22involvedObject\22:{},\22reason\22:\22X\22}")
  (func $process (export "process") (result i32)
    (local $n i32)
    (loop $more
      (call $emit (i32.const 128) (i32.const 48) (i32.const 32))
      (call $count (i32.const 64) (i32.const 7) (i32.load8_u (i32.const 32)))
      (global.set $free (i32.const 8192))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 200))))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
