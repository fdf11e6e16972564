;; Is refused memory for its first batch, and goes on; crashes for another reason at the second. That crash is no
;; memory fault.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 8192))
  (func (export "setup") (param i32 i32) (result i32)
    (i32.const 1024)) ;; twelve zero bytes: ok
  (global $asked (mut i32) (i32.const 0))
  (func $deliver (export "deliver") (result i32)
    (if (global.get $asked) (then (unreachable)))
    (global.set $asked (i32.const 1))
    (if (i32.ne (memory.grow (i32.const 60000)) (i32.const -1)) (then (unreachable)))
    (i32.const 1024)) ;; sixteen zero bytes: ok(done)
)
