;; A sink in 15 lines: all documents of the batch, as they are, one a line.
(module
  (import "weir:plugin/batch@0.1.0" "size" (func $size (result i32)))
  (import "weir:plugin/batch@0.1.0" "documents" (func $documents (param i32 i32 i32)))
  (import "weir:plugin/output@0.1.0" "write" (func $write (param i32 i32 i32)))
  (memory (export "memory") 64)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "setup") (param i32 i32) (result i32) (i32.const 0))
  (func (export "deliver") (result i32)
    (call $documents (i32.const 0) (call $size) (i32.const 64))
    (call $write (i32.load (i32.const 64)) (i32.load (i32.const 68)) (i32.const 96))
    ;; ok(done) is 16 zero bytes at 0; an error of write (96) has the shape of an error of deliver but for
    ;; its tag's place, so it is simply a trap here
    (if (i32.load8_u (i32.const 96)) (then unreachable))
    (i32.const 0)))
