;; Its allocator asks the host for the time: an import must not be called there (Go does it when its garbage
;; collector starts inside of cabi_realloc).
(module
  (import "weir:plugin/event@0.1.0" "reason" (func $reason (param i32)))
  (import "weir:plugin/host@0.1.0" "now" (func $now (result i64)))
  (memory (export "memory") 1)
  (global $ready (mut i32) (i32.const 0))
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (if (global.get $ready) (then (drop (call $now))))
    (global.set $ready (i32.const 1)) ;; well-behaved for the configuration
    (i32.const 8192))
  (func (export "setup") (param i32 i32) (result i32)
    (i32.const 1024)) ;; twelve zero bytes: ok
  (func $process (export "process") (result i32)
    (call $reason (i32.const 16))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
