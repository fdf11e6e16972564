;; A filter that fails for Warning events, after it changed them and emitted one: neither may come out.
;; It answers an error, or, with {"trap": true}, traps.
(module
  (import "weir:plugin/event@0.1.0" "severity" (func $severity (param i32)))
  (import "weir:plugin/event@0.1.0" "json" (func $json (param i32 i32 i32)))
  (import "weir:plugin/change@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (import "weir:plugin/change@0.1.0" "emit" (func $emit (param i32 i32 i32)))
  (memory (export "memory") 2)
  ;; 0..16 stays zero: ok(keep). 16: err("no warnings, please"). 64, 80: answers.
  (data (i32.const 16) "\01\00\00\00\00\01\00\00\13\00\00\00\00\00\00\00")
  (data (i32.const 256) "no warnings, please")
  (data (i32.const 288) "/message\22changed\22")
  (global $top (mut i32) (i32.const 4096))
  (global $traps (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get $len)))
    (local.get $at))

  (func (export "setup") (param $at i32) (param $len i32) (result i32)
    ;; {"trap"…: the third byte is a t
    (global.set $traps (i32.and (i32.gt_u (local.get $len) (i32.const 2))
      (i32.eq (i32.load8_u offset=2 (local.get $at)) (i32.const 116))))
    (i32.const 0))

  (func (export "process") (result i32)
    (global.set $top (i32.const 4096))
    (call $severity (i32.const 64))
    (if (i32.ne (i32.load8_u (i32.load (i32.const 64))) (i32.const 87)) ;; W
      (then (return (i32.const 0))))
    (call $json (i32.const 0) (i32.const 0) (i32.const 64))
    (call $emit (i32.load (i32.const 68)) (i32.load (i32.const 72)) (i32.const 80))
    (call $set (i32.const 288) (i32.const 8) (i32.const 296) (i32.const 9) (i32.const 80))
    (if (global.get $traps) (then unreachable))
    (i32.const 16)))
