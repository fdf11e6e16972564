;; Uses WASI preview 1 as language runtimes do: prints, asks for the time, for random bytes, for arguments,
;; for the environment, opens a file. Nothing is granted, and all of it answers. Drops with the letters of
;; what went as it must.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
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
  (data (i32.const 64) "hello world\n")
  ;; ok(drop(text)): the answer that hands a text to whoever looks.
  (func $drop (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (i32.const 1))
    (i32.store (i32.const 1032) (local.get $at))
    (i32.store (i32.const 1036) (local.get $len))
    (i32.const 1024))
  (func $process (export "process") (result i32)
    (memory.fill (i32.const 512) (i32.const 46) (i32.const 8)) ;; "........"
    ;; p: two pieces printed, eleven bytes taken
    (i32.store (i32.const 128) (i32.const 64)) (i32.store (i32.const 132) (i32.const 6))
    (i32.store (i32.const 136) (i32.const 70)) (i32.store (i32.const 140) (i32.const 5))
    (if (i32.and (i32.eqz (call $fd_write (i32.const 1) (i32.const 128) (i32.const 2) (i32.const 160))) (i32.eq (i32.load (i32.const 160)) (i32.const 11)))
      (then (i32.store8 (i32.const 512) (i32.const 112))))
    ;; t: nanoseconds since 1970, after 2020
    (if (i32.and (i32.eqz (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 168))) (i64.gt_u (i64.load (i32.const 168)) (i64.const 1577836800000000000)))
      (then (i32.store8 (i32.const 513) (i32.const 116))))
    ;; r: sixteen random bytes are not all zero
    (if (i32.and (i32.eqz (call $random_get (i32.const 176) (i32.const 16))) (i64.ne (i64.or (i64.load (i32.const 176)) (i64.load (i32.const 184))) (i64.const 0)))
      (then (i32.store8 (i32.const 514) (i32.const 114))))
    ;; e: an empty environment
    (if (i32.and (i32.eqz (call $environ_sizes_get (i32.const 192) (i32.const 196))) (i64.eqz (i64.load (i32.const 192))))
      (then (i32.store8 (i32.const 515) (i32.const 101))))
    ;; a: no arguments
    (if (i32.and (i32.eqz (call $args_sizes_get (i32.const 192) (i32.const 196))) (i64.eqz (i64.load (i32.const 192))))
      (then (i32.store8 (i32.const 516) (i32.const 97))))
    ;; f: no file can be opened
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 5) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 200))
      (then (i32.store8 (i32.const 517) (i32.const 102))))
    (call $drop (i32.const 512) (i32.const 6)))
)
