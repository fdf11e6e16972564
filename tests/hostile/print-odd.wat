;; Prints, as a language's runtime would: a line in pieces, bytes that are not UTF-8, a terminal's escapes,
;; a line of 10 000 bytes, and in the end half a line.
(module
  (import "weir:plugin/host@0.1.0" "print" (func $print (param i32 i32 i32)))
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
  (data (i32.const 64) "two pces\n")
  (data (i32.const 80) "a\ff\1b[31mred\n")
  (data (i32.const 96) "half")
  (func $process (export "process") (result i32)
    (call $print (i32.const 1) (i32.const 64) (i32.const 4))
    (call $print (i32.const 1) (i32.const 68) (i32.const 5))
    (call $print (i32.const 2) (i32.const 80) (i32.const 11))
    (memory.fill (i32.const 16384) (i32.const 121) (i32.const 10000))
    (i32.store8 (i32.const 26384) (i32.const 10))
    (call $print (i32.const 1) (i32.const 16384) (i32.const 10001))
    (call $print (i32.const 7) (i32.const 96) (i32.const 4))
    (i32.const 1024)) ;; sixteen zero bytes: ok(keep)
)
