;; Takes four pages in each call and frees none, as a language does whose bindings forget to; it never fails by itself.
(module
  (memory (export "memory") 1)
  ;; Bump allocator; each call of the plugin starts again at the bottom.
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (local.get $at))
  (func (export "setup") (param i32 i32) (result i32)
    (i32.const 1024)) ;; twelve zero bytes: ok
  (func (export "process") (result i32)
    (if (i32.eq (memory.grow (i32.const 4)) (i32.const -1)) (then (unreachable)))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
