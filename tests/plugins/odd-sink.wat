;; A sink with bad habits, chosen by the first letter of its configuration's first key:
;;   {"first": …}  the first call is answered with retry("not at first")
;;   {"again": …}  in the first call, event 0 is marked for retry
;;   {"trap": …}   the first call traps
;;   {"picky": …}  Warning events are rejected
;;   {"batch": …}  every batch is rejected
;;   {"never": …}  every batch is answered with retry
;;   {"x": …}      a batch with an event whose reason begins with U traps
;;   {"y": …}      every batch traps
;;   {"z": …}      a batch with an event whose reason begins with U is answered with retry
;; What it accepts it writes as one line an event.
(module
  (import "weir:plugin/event@0.1.0" "severity" (func $severity (param i32)))
  (import "weir:plugin/event@0.1.0" "reason" (func $reason (param i32)))
  (import "weir:plugin/state@0.1.0" "add" (func $add (param i32 i32 i32 i32) (result i64)))
  (import "weir:plugin/batch@0.1.0" "size" (func $size (result i32)))
  (import "weir:plugin/batch@0.1.0" "select" (func $select (param i32)))
  (import "weir:plugin/batch@0.1.0" "documents" (func $documents (param i32 i32 i32)))
  (import "weir:plugin/batch@0.1.0" "reject" (func $reject (param i32 i32 i32)))
  (import "weir:plugin/batch@0.1.0" "retry" (func $retry (param i32 i32 i32)))
  (import "weir:plugin/output@0.1.0" "write" (func $write (param i32 i32 i32)))
  (memory (export "memory") 2)
  ;; 0..16 stays zero: ok(done). 16: ok(retry(…)). 32: ok(reject(…)). 64, 96: answers.
  (data (i32.const 16) "\00\00\00\00\01\00\00\00\00\01\00\00\0c\00\00\00")
  (data (i32.const 32) "\00\00\00\00\02\00\00\00\20\01\00\00\05\00\00\00")
  (data (i32.const 256) "not at first")
  (data (i32.const 288) "never")
  (data (i32.const 320) "no warnings")
  (data (i32.const 352) "calls")
  (global $top (mut i32) (i32.const 4096))
  (global $habit (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get $len)))
    (block $fits
      (loop $grow
        (br_if $fits (i32.le_u (global.get $top) (i32.shl (memory.size) (i32.const 16))))
        (br_if $grow (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
        unreachable))
    (local.get $at))

  (func (export "setup") (param $at i32) (param i32) (result i32)
    (global.set $habit (i32.load8_u offset=2 (local.get $at)))
    (i32.const 0))

  (func $is (param $letter i32) (result i32) (i32.eq (global.get $habit) (local.get $letter)))

  (func $put (param $from i32) (param $to i32)
    (global.set $top (i32.const 4096))
    (call $documents (local.get $from) (local.get $to) (i32.const 64))
    (call $write (i32.load (i32.const 64)) (i32.load (i32.const 68)) (i32.const 96))
    (if (i32.load8_u (i32.const 96)) (then unreachable)))

  (func $has_u (result i32)
    (local $index i32)
    (loop $next
      (if (i32.ge_u (local.get $index) (call $size)) (then (return (i32.const 0))))
      (global.set $top (i32.const 4096))
      (call $select (local.get $index))
      (call $reason (i32.const 64))
      (if (i32.eq (i32.load8_u (i32.load (i32.const 64))) (i32.const 85)) (then (return (i32.const 1))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next))
    (unreachable))

  (func (export "deliver") (result i32)
    (local $first i32) (local $index i32)
    (local.set $first (i64.eq (i64.const 1)
      (call $add (i32.const 352) (i32.const 5) (i32.const 1) (i32.const 0))))
    (if (i32.or (call $is (i32.const 110)) (i32.and (local.get $first) (call $is (i32.const 102))))
      (then (return (i32.const 16))))
    (if (call $is (i32.const 98)) (then (return (i32.const 32))))
    (if (call $is (i32.const 121)) (then unreachable))
    (if (call $is (i32.const 120)) (then (if (call $has_u) (then unreachable))))
    (if (call $is (i32.const 122)) (then (if (call $has_u) (then (return (i32.const 16))))))
    (if (i32.and (local.get $first) (call $is (i32.const 116))) (then unreachable))
    (if (i32.and (local.get $first) (call $is (i32.const 97)))
      (then
        (call $retry (i32.const 0) (i32.const 256) (i32.const 12))
        (call $put (i32.const 1) (call $size))
        (return (i32.const 0))))
    (if (i32.eqz (call $is (i32.const 112)))
      (then (call $put (i32.const 0) (call $size)) (return (i32.const 0))))
    (block $all
      (loop $next
        (br_if $all (i32.ge_u (local.get $index) (call $size)))
        (global.set $top (i32.const 4096))
        (call $select (local.get $index))
        (call $severity (i32.const 64))
        (if (i32.eq (i32.load8_u (i32.load (i32.const 64))) (i32.const 87))
          (then (call $reject (local.get $index) (i32.const 320) (i32.const 11)))
          (else (call $put (local.get $index) (i32.add (local.get $index) (i32.const 1)))))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next)))
    (i32.const 0)))
