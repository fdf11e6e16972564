;; A filter that leaves its mark: sets /stamp to its configuration, or, where there is one already, to
;; [what was there, its configuration]. So the order of filters can be read off the document.
(module
  (import "weir:plugin/event@0.1.0" "json" (func $json (param i32 i32 i32)))
  (import "weir:plugin/change@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  ;; 0..16 stays zero: ok(keep), and ok for setup. 64: what json answers. 96: what set answers.
  (data (i32.const 256) "/stamp")
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
    (global.set $config_len (local.get $len))
    (global.set $kept (global.get $top))
    (i32.const 0))

  (func (export "process") (result i32)
    (local $value i32) (local $old_len i32)
    (global.set $top (global.get $kept))
    (call $json (i32.const 256) (i32.const 6) (i32.const 64))
    (if (i32.eqz (i32.load8_u (i32.const 64)))
      (then (call $set (i32.const 256) (i32.const 6) (global.get $config) (global.get $config_len) (i32.const 96)))
      (else
        (local.set $old_len (i32.load (i32.const 72)))
        (local.set $value (call $realloc (i32.const 0) (i32.const 0) (i32.const 1)
          (i32.add (i32.add (local.get $old_len) (global.get $config_len)) (i32.const 3))))
        (i32.store8 (local.get $value) (i32.const 91)) ;; [
        (memory.copy (i32.add (local.get $value) (i32.const 1)) (i32.load (i32.const 68)) (local.get $old_len))
        (i32.store8 offset=1 (i32.add (local.get $value) (local.get $old_len)) (i32.const 44)) ;; ,
        (memory.copy (i32.add (i32.add (local.get $value) (local.get $old_len)) (i32.const 2))
          (global.get $config) (global.get $config_len))
        (i32.store8 offset=2
          (i32.add (i32.add (local.get $value) (local.get $old_len)) (global.get $config_len)) (i32.const 93)) ;; ]
        (call $set (i32.const 256) (i32.const 6) (local.get $value)
          (i32.add (i32.add (local.get $old_len) (global.get $config_len)) (i32.const 3)) (i32.const 96))))
    (if (i32.load8_u (i32.const 96)) (then unreachable))
    (i32.const 0)))
