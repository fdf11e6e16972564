;; A filter that fails three times, counted in its state, and works from then on.
(module
  (import "weir:plugin/state@0.1.0" "add" (func $add (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 1)
  ;; 0..16 stays zero: ok(keep). 16: err("not yet").
  (data (i32.const 16) "\01\00\00\00\00\01\00\00\07\00\00\00\00\00\00\00")
  (data (i32.const 256) "not yet")

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "setup") (param i32 i32) (result i32) (i32.const 0))
  (func (export "process") (result i32)
    (select (i32.const 16) (i32.const 0)
      (i64.le_s (call $add (i32.const 256) (i32.const 3) (i32.const 1) (i32.const 0)) (i64.const 3)))))
