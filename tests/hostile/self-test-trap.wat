;; Crashes in its own self-test, in its first call ever; a second try would succeed, and there is none.
(module
  (@custom "weir" "{\22tests\22: [{\22name\22: \22it keeps\22, \22event\22: {}, \22expect\22: \22keep\22}]}")
  (import "weir:plugin/state@0.1.0" "add" (func $add (param i32 i32 i32 i32) (result i64)))
  (import "weir:plugin/change@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (import "weir:plugin/change@0.1.0" "emit" (func $emit (param i32 i32 i32)))
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
  (data (i32.const 80) "/reason")
  (data (i32.const 96) "\22Broken\22")
  (data (i32.const 128) "{\22metadata\22:{},\22involvedObject\22:{},\22reason\22:\22X\22}")
  (func $process (export "process") (result i32)
    (if (i64.eq (call $add (i32.const 64) (i32.const 5) (i32.const 1) (i32.const 0)) (i64.const 1)) (then
      (call $set (i32.const 80) (i32.const 7) (i32.const 96) (i32.const 8) (i32.const 32))
      (call $emit (i32.const 128) (i32.const 48) (i32.const 32))
      (unreachable)))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
