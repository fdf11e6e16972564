;; Go without -buildmode=c-shared: a program that exports `_start` and nothing of a plugin.
(module
  (@producers (language "Go" "go1.26.0") (processed-by "Go cmd/compile" "go1.26.0"))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 0)))
)
