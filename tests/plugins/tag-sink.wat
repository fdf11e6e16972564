;; A sink that writes each document with its own configuration's members in front: {"receiver": "a"} and
;; {"metadata":…} become {"receiver":"a","metadata":…}. So a line says which receiver wrote it.
(module
  (import "weir:plugin/batch@0.1.0" "size" (func $size (result i32)))
  (import "weir:plugin/batch@0.1.0" "document" (func $document (param i32 i32)))
  (import "weir:plugin/output@0.1.0" "write" (func $write (param i32 i32 i32)))
  (memory (export "memory") 16) ;; 1 MiB: two copies of one document and more
  ;; 0..16 stays zero: ok(done). 64: what document answers. 96: what write answers.
  (global $top (mut i32) (i32.const 4096))
  (global $kept (mut i32) (i32.const 4096))
  (global $config (mut i32) (i32.const 0))
  (global $config_len (mut i32) (i32.const 0))

  (func $realloc (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get $len)))
    (local.get $at))

  (func (export "setup") (param $at i32) (param $len i32) (result i32)
    (global.set $config (local.get $at))
    (global.set $config_len (i32.sub (local.get $len) (i32.const 1))) ;; without the }
    (global.set $kept (global.get $top))
    (i32.const 0))

  (func (export "deliver") (result i32)
    (local $index i32) (local $line i32) (local $len i32)
    (block $all
      (loop $next
        (br_if $all (i32.ge_u (local.get $index) (call $size)))
        (global.set $top (global.get $kept))
        (call $document (local.get $index) (i32.const 64))
        (local.set $len (i32.load (i32.const 68)))
        ;; the configuration without }, a comma, the document without {, a newline
        (local.set $line (call $realloc (i32.const 0) (i32.const 0) (i32.const 1)
          (i32.add (i32.add (global.get $config_len) (local.get $len)) (i32.const 1))))
        (memory.copy (local.get $line) (global.get $config) (global.get $config_len))
        (memory.copy (i32.add (local.get $line) (global.get $config_len)) (i32.load (i32.const 64)) (local.get $len))
        (i32.store8 (i32.add (local.get $line) (global.get $config_len)) (i32.const 44))
        (i32.store8 (i32.add (i32.add (local.get $line) (global.get $config_len)) (local.get $len)) (i32.const 10))
        (call $write (local.get $line)
          (i32.add (i32.add (global.get $config_len) (local.get $len)) (i32.const 1)) (i32.const 96))
        (if (i32.load8_u (i32.const 96)) (then unreachable))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next)))
    (i32.const 0)))
