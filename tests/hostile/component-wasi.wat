;; A component built without --stub-wasi: it imports WASI 0.2.
(component
  (import "wasi:cli/environment@0.2.6" (instance
    (export "get-environment" (func (result (list (tuple string string)))))))
  (import "wasi:clocks/monotonic-clock@0.2.6" (instance (export "now" (func (result u64)))))
  (core module $m
    (func (export "setup") (result i32) (i32.const 0))
    (func (export "process") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "setup") (result u32) (canon lift (core func $i "setup")))
  (func (export "process") (result u32) (canon lift (core func $i "process"))))
