;; Answers an error whose text is the reasons of the events of its batch, in the order last to first, each
;; followed by `|`.
(module
  (import "weir:plugin/batch@0.1.0" "size" (func $size (result i32)))
  (import "weir:plugin/batch@0.1.0" "select" (func $select (param i32)))
  (import "weir:plugin/event@0.1.0" "reason" (func $reason (param i32)))
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
  (global $end (mut i32) (i32.const 8192))
  (func $deliver (export "deliver") (result i32)
    (local $n i32)
    (global.set $free (i32.const 32768))
    (global.set $end (i32.const 8192))
    (local.set $n (call $size))
    (block $none (loop $more
      (br_if $none (i32.eqz (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (call $select (local.get $n))
      (call $reason (i32.const 16))
      (memory.copy (global.get $end) (i32.load (i32.const 16)) (i32.load (i32.const 20)))
      (global.set $end (i32.add (global.get $end) (i32.load (i32.const 20))))
      (i32.store8 (global.get $end) (i32.const 124))
      (global.set $end (i32.add (global.get $end) (i32.const 1)))
      (br $more)))
    (i32.store (i32.const 1024) (i32.const 1)) ;; err
    (i32.store (i32.const 1028) (i32.const 8192))
    (i32.store (i32.const 1032) (i32.sub (global.get $end) (i32.const 8192)))
    (i32.const 1024))
)
