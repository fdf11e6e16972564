;; A transform by hand: labels the events of a team's namespaces. Its configuration: {"teams": {"shop": "payments"}}.
;; The names and layouts are the component model's canonical ABI; plugin-sdk/wat/README.md lists them all.
;;
;; It reads its configuration as text, not as JSON. That is right for what the host hands over (no spaces between the
;; parts, only `"`, `\` and control characters escaped), with one limit: a `teams` deeper inside would be taken as well.
(module
  ;; A text comes as two words at the address given: where it is, how long it is. A text goes out as two parameters.
  (import "weir:plugin/event@0.1.0" "namespace" (func $namespace (param $result i32)))
  (import "weir:plugin/event@0.1.0" "message" (func $message (param $result i32)))
  (import "weir:plugin/change@0.1.0" "set"
    (func $set (param $pointer i32) (param $pointer_len i32) (param $json i32) (param $json_len i32) (param $result i32)))
  (import "weir:plugin/change@0.1.0" "remove" (func $remove (param $pointer i32) (param $pointer_len i32)))
  (import "weir:plugin/state@0.1.0" "add"
    (func $add (param $key i32) (param $key_len i32) (param $by i32) (param $ttl i32) (result i64)))
  (import "weir:plugin/host@0.1.0" "count" (func $count (param $name i32) (param $name_len i32) (param $by i32)))

  ;; Memory: 0 what the host answers, 16 what this plugin answers, 64 fixed texts, from 1024 on whatever comes.
  (memory (export "memory") 1)
  (data (i32.const 64) "\"teams\":{")                          ;; 9 bytes
  (data (i32.const 80) "teams: a map of texts is needed")      ;; 31 bytes
  (data (i32.const 128) "/metadata/labels/team")               ;; 21 bytes
  (data (i32.const 160) "/metadata/annotations")               ;; 21 bytes
  (data (i32.const 192) "throttled")                           ;; 9 bytes
  (data (i32.const 208) "seen within a minute")                ;; 20 bytes
  (data (i32.const 240) "labelled")                            ;; 8 bytes

  (global $free (mut i32) (i32.const 1024)) ;; memory is free from here on
  (global $kept (mut i32) (i32.const 1024)) ;; and used for good below this
  (global $teams (mut i32) (i32.const 0))   ;; where the first namespace is, at its quote, or `}`

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
    (local.set $at (call $find (i32.const 64) (i32.const 9) (local.get $config) (local.get $len)))
    (global.set $teams (local.get $at))
    (global.set $kept (global.get $free)) ;; the configuration stays
    (if (i32.eqz (local.get $at)) (then (return (call $refuse))))
    (block $good
      (loop $next
        (br_if $good (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x7d))) ;; `}`: all seen
        (local.set $at (i32.add (call $end_of_text (local.get $at)) (i32.const 1))) ;; behind `"shop":`
        (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x22)) (then (return (call $refuse)))) ;; no `"`: no text
        (local.set $at (call $end_of_pair (call $end_of_text (local.get $at))))
        (br $next)))
    (i32.store (i32.const 16) (i32.const 0)) ;; ok
    (i32.const 16))

  ;; err(text): 1, where it is, how long it is.
  (func $refuse (result i32)
    (i32.store (i32.const 16) (i32.const 1))
    (i32.store (i32.const 20) (i32.const 80))
    (i32.store (i32.const 24) (i32.const 31))
    (i32.const 16))

  ;; process: func() -> result<verdict, string>, for each event.
  (func (export "process") (result i32)
    (local $space i32)
    (local $space_len i32)
    (local $key i32)
    (local $key_len i32)
    (local $team i32)
    (global.set $free (global.get $kept)) ;; what was for the event before is not needed any more
    (call $namespace (i32.const 0))
    (local.set $space (i32.load (i32.const 0)))
    (local.set $space_len (i32.load (i32.const 4)))
    (call $message (i32.const 0))

    ;; The key: namespace, `/`, message.
    (local.set $key_len (i32.add (i32.add (local.get $space_len) (i32.const 1)) (i32.load (i32.const 4))))
    (local.set $key (call $room (i32.const 0) (i32.const 0) (i32.const 1) (local.get $key_len)))
    (memory.copy (local.get $key) (local.get $space) (local.get $space_len))
    (i32.store8 (i32.add (local.get $key) (local.get $space_len)) (i32.const 0x2f))
    (memory.copy (i32.add (i32.add (local.get $key) (local.get $space_len)) (i32.const 1))
                 (i32.load (i32.const 0)) (i32.load (i32.const 4)))

    ;; All instances share one state, and `add` is atomic. The first one starts the minute.
    (if (i64.gt_s (call $add (local.get $key) (local.get $key_len) (i32.const 1) (i32.const 60000)) (i64.const 1)) (then
      (call $count (i32.const 192) (i32.const 9) (i32.const 1))
      (return (call $answer (i32.const 1) (i32.const 208) (i32.const 20))))) ;; drop

    (local.set $team (call $team_of (local.get $space) (local.get $space_len)))
    (if (i32.eqz (local.get $team)) (then (return (call $answer (i32.const 0) (i32.const 0) (i32.const 0))))) ;; keep

    ;; The team is JSON in the configuration, quotes and all, and JSON is what `set` takes.
    (call $set (i32.const 128) (i32.const 21)
               (local.get $team) (i32.sub (call $end_of_text (local.get $team)) (local.get $team)) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then ;; err(text): the same text is the answer
      (i32.store (i32.const 16) (i32.const 1))
      (i64.store (i32.const 20) (i64.load (i32.const 4)))
      (return (i32.const 16))))
    (call $remove (i32.const 160) (i32.const 21))
    (call $count (i32.const 240) (i32.const 8) (i32.const 1))
    (call $answer (i32.const 0) (i32.const 0) (i32.const 0))) ;; keep: changes count only with this

  ;; ok(verdict): 0, the verdict (0 is keep, 1 is drop), and for a drop where its reason is, and how long.
  (func $answer (param $verdict i32) (param $reason i32) (param $reason_len i32) (result i32)
    (i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $verdict))
    (i32.store (i32.const 24) (local.get $reason))
    (i32.store (i32.const 28) (local.get $reason_len))
    (i32.const 16))

  ;; Where the team of a namespace is, at its quote; 0 where there is none.
  (func $team_of (param $space i32) (param $len i32) (result i32)
    (local $at i32)
    (local $team i32)
    (local.set $at (global.get $teams))
    (loop $next
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x7d)) (then (return (i32.const 0))))
      (local.set $team (i32.add (call $end_of_text (local.get $at)) (i32.const 1)))
      (if (call $is_same (local.get $at) (local.get $space) (local.get $len)) (then (return (local.get $team))))
      (local.set $at (call $end_of_pair (call $end_of_text (local.get $team))))
      (br $next))
    unreachable)

  ;; Behind the `,` that is here, or at the `}`.
  (func $end_of_pair (param $at i32) (result i32)
    (i32.add (local.get $at) (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x2c))))

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

  ;; Whether the JSON string that begins at $json stands for this text. (Names of namespaces have no control characters.)
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
