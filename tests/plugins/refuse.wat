;; A filter whose setup refuses every configuration.
(module
  (memory (export "memory") 1)
  (data (i32.const 16) "\01\00\00\00\00\01\00\00\20\00\00\00")
  (data (i32.const 256) "colour: expected red, found blue")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "setup") (param i32 i32) (result i32) (i32.const 16))
  (func (export "process") (result i32) (i32.const 0)))
