;; A filter that emits a copy of the event at hand, and keeps it; with {"drop": true} it drops the event itself.
(module
  (import "weir:plugin/event@0.1.0" "json" (func $json (param i32 i32 i32)))
  (import "weir:plugin/change@0.1.0" "emit" (func $emit (param i32 i32 i32)))
  (memory (export "memory") 2)
  ;; 0..16 stays zero: ok(keep). 16: ok(drop("replaced")). 64: what json answers. 96: what emit answers.
  (data (i32.const 16) "\00\00\00\00\01\00\00\00\00\01\00\00\08\00\00\00")
  (data (i32.const 256) "replaced")
  (global $top (mut i32) (i32.const 4096))
  (global $kept (mut i32) (i32.const 4096))
  (global $drops (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get $len)))
    (local.get $at))

  (func (export "setup") (param $at i32) (param $len i32) (result i32)
    ;; {"drop"…: the third byte is a d
    (global.set $drops (i32.and (i32.gt_u (local.get $len) (i32.const 2))
      (i32.eq (i32.load8_u offset=2 (local.get $at)) (i32.const 100))))
    (i32.const 0))

  (func (export "process") (result i32)
    (global.set $top (global.get $kept))
    (call $json (i32.const 0) (i32.const 0) (i32.const 64))
    (call $emit (i32.load (i32.const 68)) (i32.load (i32.const 72)) (i32.const 96))
    (if (i32.load8_u (i32.const 96)) (then unreachable))
    (select (i32.const 16) (i32.const 0) (global.get $drops))))
