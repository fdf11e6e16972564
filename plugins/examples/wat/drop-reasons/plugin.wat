;; A filter by hand: drops events whose reason is listed. Its configuration: {"reasons": ["Pulled", "Created"]}.
;; The names and layouts are the component model's canonical ABI; plugin-sdk/wat/README.md lists them all.
;;
;; It reads its configuration as text, not as JSON. That is right for what the host hands over (no spaces between the
;; parts, only `"`, `\` and control characters escaped), with two limits: a `reasons` deeper inside would be taken as
;; well, and a listed reason with a control character in it is not compared rightly.
(module
  ;; An import is there only if it is needed. A text comes as two words at the address given: where it is, how long it is.
  (import "weir:plugin/event@0.1.0" "reason" (func $reason (param $result i32)))

  ;; Memory: 0 what the host answers, 16 what this plugin answers, 64 fixed texts, from 1024 on whatever comes.
  (memory (export "memory") 1)
  (data (i32.const 64) "\"reasons\":[")                              ;; 11 bytes
  (data (i32.const 80) "reasons: a list of one text or more is needed") ;; 45 bytes
  (data (i32.const 128) "reason ")                                   ;; 7 bytes

  (global $free (mut i32) (i32.const 1024)) ;; memory is free from here on
  (global $kept (mut i32) (i32.const 1024)) ;; and used for good below this
  (global $list (mut i32) (i32.const 0))    ;; where the first of the reasons is, at its quote

  ;; The host calls this for room before it hands over a text. It knows how long the text is, so it never asks for more
  ;; later: the first two parameters are 0. Nothing is given back one by one.
  (func $room (export "cabi_realloc") (param i32 i32) (param $align i32) (param $len i32) (result i32)
    (local $at i32)
    (local $missing i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8))) ;; at a multiple of 8
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (local.set $missing (i32.sub (global.get $free) (i32.shl (memory.size) (i32.const 16)))) ;; a page has 64 KiB
    (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
      (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.shr_u (local.get $missing) (i32.const 16)) (i32.const 1)))) (then
        unreachable)))) ;; `limits.memory` is reached
    (local.get $at))

  ;; setup: func(config: string) -> result<_, string>, once, before the first event.
  (func (export "setup") (param $config i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (call $find (i32.const 64) (i32.const 11) (local.get $config) (local.get $len)))
    (global.set $list (local.get $at))
    (global.set $kept (global.get $free)) ;; the configuration stays
    (if (i32.eqz (local.get $at)) (then (return (call $refuse))))
    (loop $next
      (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x22)) (then (return (call $refuse)))) ;; no `"`: no text
      (local.set $at (call $end_of_text (local.get $at)))
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x2c)) (then ;; `,`: there is another one
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next))))
    (i32.store (i32.const 16) (i32.const 0)) ;; ok
    (i32.const 16))

  ;; err(text): 1, where it is, how long it is.
  (func $refuse (result i32)
    (i32.store (i32.const 16) (i32.const 1))
    (i32.store (i32.const 20) (i32.const 80))
    (i32.store (i32.const 24) (i32.const 45))
    (i32.const 16))

  ;; process: func() -> result<verdict, string>, for each event.
  (func (export "process") (result i32)
    (local $at i32)
    (local $text i32)
    (local $len i32)
    (global.set $free (global.get $kept)) ;; what was for the event before is not needed any more
    (call $reason (i32.const 0))
    (local.set $text (i32.load (i32.const 0)))
    (local.set $len (i32.load (i32.const 4)))
    (local.set $at (global.get $list))
    (loop $next
      (if (call $is_same (local.get $at) (local.get $text) (local.get $len)) (then
        (return (call $drop (local.get $text) (local.get $len)))))
      (local.set $at (call $end_of_text (local.get $at)))
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x2c)) (then
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next))))
    (i32.store (i32.const 16) (i32.const 0)) ;; ok,
    (i32.store (i32.const 20) (i32.const 0)) ;; and of that `keep`
    (i32.const 16))

  ;; ok(drop(text)): 0, 1, where the text is, how long it is. The text: "reason " and the event's reason.
  (func $drop (param $text i32) (param $len i32) (result i32)
    (local $said i32)
    (local.set $said (call $room (i32.const 0) (i32.const 0) (i32.const 1) (i32.add (local.get $len) (i32.const 7))))
    (memory.copy (local.get $said) (i32.const 128) (i32.const 7))
    (memory.copy (i32.add (local.get $said) (i32.const 7)) (local.get $text) (local.get $len))
    (i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (i32.const 1))
    (i32.store (i32.const 24) (local.get $said))
    (i32.store (i32.const 28) (i32.add (local.get $len) (i32.const 7)))
    (i32.const 16))

  ;; Where the JSON string that begins at $at (its quote) is over: behind its last quote.
  (func $end_of_text (param $at i32) (result i32)
    (local $byte i32)
    (loop $next
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $byte) (i32.const 0x5c)) (then ;; `\`: the byte behind it is no end
        (local.set $at (i32.add (local.get $at) (i32.const 1)))))
      (br_if $next (i32.ne (local.get $byte) (i32.const 0x22))))
    (i32.add (local.get $at) (i32.const 1)))

  ;; Whether the JSON string that begins at $json stands for this text.
  (func $is_same (param $json i32) (param $text i32) (param $len i32) (result i32)
    (local $byte i32)
    (loop $next
      (local.set $json (i32.add (local.get $json) (i32.const 1)))
      (local.set $byte (i32.load8_u (local.get $json)))
      (if (i32.eq (local.get $byte) (i32.const 0x22)) (then (return (i32.eqz (local.get $len))))) ;; over: both?
      (if (i32.eq (local.get $byte) (i32.const 0x5c)) (then ;; `\"` is `"`, and `\\` is `\`
        (local.set $json (i32.add (local.get $json) (i32.const 1)))
        (local.set $byte (i32.load8_u (local.get $json)))))
      (if (i32.eqz (local.get $len)) (then (return (i32.const 0))))
      (if (i32.ne (local.get $byte) (i32.load8_u (local.get $text))) (then (return (i32.const 0))))
      (local.set $text (i32.add (local.get $text) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br $next))
    unreachable)

  ;; Behind the first place in a text where this word is; 0 where it is nowhere.
  (func $find (param $word i32) (param $word_len i32) (param $text i32) (param $len i32) (result i32)
    (local $i i32)
    (block $nowhere
      (loop $next
        (br_if $nowhere (i32.lt_u (local.get $len) (local.get $word_len)))
        (local.set $i (i32.const 0))
        (block $differs
          (loop $bytes
            (br_if $differs (i32.ne (i32.load8_u (i32.add (local.get $text) (local.get $i)))
                                    (i32.load8_u (i32.add (local.get $word) (local.get $i)))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $bytes (i32.lt_u (local.get $i) (local.get $word_len))))
          (return (i32.add (local.get $text) (local.get $word_len))))
        (local.set $text (i32.add (local.get $text) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $next)))
    (i32.const 0))
)
