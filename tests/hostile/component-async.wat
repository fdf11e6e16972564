;; A component that calls the component model's async built-ins: componentize-qjs without --sync makes these.
(component
  (core func $cancel (canon task.cancel))
  (core module $m
    (import "" "task.cancel" (func))
    (func (export "process") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m (with "" (instance (export "task.cancel" (func $cancel))))))
  (func (export "process") (result u32) (canon lift (core func $i "process"))))
