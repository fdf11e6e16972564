;; Exports no allocator.
(module
  (memory (export "memory") 1)
  (func (export "setup") (param i32 i32) (result i32)
    (i32.const 1024)) ;; twelve zero bytes: ok
  (func $process (export "process") (result i32)
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
