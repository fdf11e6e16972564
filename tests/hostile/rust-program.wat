;; Rust built as a program, not as a `cdylib`: it exports `main`.
(module
  (@producers (language "Rust" "") (processed-by "rustc" "1.91.0"))
  (memory (export "memory") 1)
  (func (export "main") (param i32 i32) (result i32) (i32.const 0))
)
