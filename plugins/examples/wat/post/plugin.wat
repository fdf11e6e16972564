;; A sink by hand: posts each batch to a URL, a line an event. Its configuration: {"url": "http://collector/events"}.
;; The names and layouts are the component model's canonical ABI; plugin-sdk/wat/README.md lists them all.
;;
;; It reads its configuration as text, not as JSON. That is right for what the host hands over (no spaces between the
;; parts), with two limits: a `url` deeper inside would be taken as well, and a URL with `"` or `\` in it is refused.
(module
  ;; Bytes come as two words at the address given: where they are, how many. They go out as two parameters.
  (import "weir:plugin/batch@0.1.0" "size" (func $size (result i32)))
  (import "weir:plugin/batch@0.1.0" "documents" (func $documents (param $start i32) (param $end i32) (param $result i32)))
  (import "weir:plugin/batch@0.1.0" "retry-after" (func $retry_after (param $milliseconds i32)))
  (import "weir:plugin/http@0.1.0" "send"
    (func $send (param $method i32) (param $method_len i32) (param $url i32) (param $url_len i32)
                (param $headers i32) (param $header_count i32) (param $body i32) (param $body_len i32)
                (param $timeout i32) (param $result i32)))

  ;; Memory: 0 what the host answers, 16 what this plugin answers, 32 the answer to a request (24 bytes),
  ;; 64 fixed texts, from 1024 on whatever comes.
  (memory (export "memory") 1)
  (data (i32.const 64) "\"url\":\"")                                                  ;; 7 bytes
  (data (i32.const 80) "url: a text that begins with http:// or https:// is needed") ;; 58 bytes
  (data (i32.const 144) "http://")                                                    ;; 7 bytes
  (data (i32.const 152) "https://")                                                   ;; 8 bytes
  (data (i32.const 160) "POST")                                                       ;; 4 bytes
  (data (i32.const 168) "content-type")                                               ;; 12 bytes
  (data (i32.const 192) "application/x-ndjson")                                       ;; 20 bytes
  ;; The list of headers: of each the name and the value, where it is and how long. 168, 12, 192, 20, low bytes first.
  (data (i32.const 224) "\a8\00\00\00\0c\00\00\00\c0\00\00\00\14\00\00\00")
  (data (i32.const 240) "retry-after")                                                ;; 11 bytes
  (data (i32.const 256) "HTTP ...")                                                   ;; 8 bytes, with the status

  (global $free (mut i32) (i32.const 1024)) ;; memory is free from here on
  (global $kept (mut i32) (i32.const 1024)) ;; and used for good below this
  (global $url (mut i32) (i32.const 0))
  (global $url_len (mut i32) (i32.const 0))

  ;; The host calls this for room before it hands something over. It knows how long that is, so it never asks for more
  ;; later: the first two parameters are 0. Nothing is given back one by one.
  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $len i32) (result i32)
    (local $at i32)
    (local $missing i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8))) ;; at a multiple of 8
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (local.set $missing (i32.sub (global.get $free) (i32.shl (memory.size) (i32.const 16)))) ;; a page has 64 KiB
    (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
      (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.shr_u (local.get $missing) (i32.const 16)) (i32.const 1)))) (then
        unreachable)))) ;; `limits.memory` is reached
    (local.get $at))

  ;; setup: func(config: string) -> result<_, string>, once, before the first batch.
  (func (export "setup") (param $config i32) (param $len i32) (result i32)
    (local $end i32)
    (local $byte i32)
    (global.set $kept (global.get $free)) ;; the configuration stays
    (global.set $url (call $find (i32.const 64) (i32.const 7) (local.get $config) (local.get $len)))
    (if (i32.eqz (global.get $url)) (then (return (call $refuse))))
    (if (i32.eqz (i32.or (call $is_same (global.get $url) (i32.const 144) (i32.const 7))
                         (call $is_same (global.get $url) (i32.const 152) (i32.const 8)))) (then (return (call $refuse))))
    (local.set $end (global.get $url))
    (block $ends
      (loop $next
        (local.set $byte (i32.load8_u (local.get $end)))
        (br_if $ends (i32.eq (local.get $byte) (i32.const 0x22))) ;; `"`
        (if (i32.eq (local.get $byte) (i32.const 0x5c)) (then (return (call $refuse)))) ;; `\`
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $next)))
    (global.set $url_len (i32.sub (local.get $end) (global.get $url)))
    (i32.store (i32.const 16) (i32.const 0)) ;; ok
    (i32.const 16))

  ;; err(text): 1, where it is, how long it is.
  (func $refuse (result i32)
    (i32.store (i32.const 16) (i32.const 1))
    (i32.store (i32.const 20) (i32.const 80))
    (i32.store (i32.const 24) (i32.const 58))
    (i32.const 16))

  ;; deliver: func() -> result<outcome, string>, for each batch.
  (func (export "deliver") (result i32)
    (local $status i32)
    (global.set $free (global.get $kept)) ;; what was for the batch before is not needed any more
    (call $documents (i32.const 0) (call $size) (i32.const 0)) ;; each with a newline behind it
    (call $send (i32.const 160) (i32.const 4)
                (global.get $url) (global.get $url_len)
                (i32.const 224) (i32.const 1)
                (i32.load (i32.const 0)) (i32.load (i32.const 4))
                (i32.const 0) ;; the time limit that is configured
                (i32.const 32))

    ;; 32: 1 is err(text), where it is at 36, its length at 40. No answer came: the whole batch comes again.
    (if (i32.load8_u (i32.const 32)) (then
      (return (call $answer (i32.const 1) (i32.load (i32.const 36)) (i32.load (i32.const 40))))))

    ;; 32: 0 is ok(response): the status at 36 (2 bytes), headers at 40 and 44, the body at 48 and 52.
    (local.set $status (i32.load16_u (i32.const 36)))
    (if (i32.eq (i32.div_u (local.get $status) (i32.const 100)) (i32.const 2)) (then
      (return (call $answer (i32.const 0) (i32.const 0) (i32.const 0))))) ;; done

    ;; The status in digits, behind `HTTP `.
    (i32.store8 (i32.const 261) (i32.add (i32.const 0x30) (i32.div_u (local.get $status) (i32.const 100))))
    (i32.store8 (i32.const 262)
      (i32.add (i32.const 0x30) (i32.rem_u (i32.div_u (local.get $status) (i32.const 10)) (i32.const 10))))
    (i32.store8 (i32.const 263) (i32.add (i32.const 0x30) (i32.rem_u (local.get $status) (i32.const 10))))
    (if (i32.eqz (i32.or (i32.eq (local.get $status) (i32.const 429))
                         (i32.eq (i32.div_u (local.get $status) (i32.const 100)) (i32.const 5)))) (then
      (return (call $answer (i32.const 2) (i32.const 256) (i32.const 8))))) ;; reject: it will never be taken
    (call $wait_as_asked (i32.load (i32.const 40)) (i32.load (i32.const 44)))
    (call $answer (i32.const 1) (i32.const 256) (i32.const 8))) ;; retry

  ;; ok(outcome): 0, the outcome (0 is done, 1 retry, 2 reject), and where its reason is, and how long.
  (func $answer (param $outcome i32) (param $reason i32) (param $reason_len i32) (result i32)
    (i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $outcome))
    (i32.store (i32.const 24) (local.get $reason))
    (i32.store (i32.const 28) (local.get $reason_len))
    (i32.const 16))

  ;; Hands on `retry-after: 3`. A header has 16 bytes: name, its length, value, its length.
  (func $wait_as_asked (param $header i32) (param $count i32)
    (local $at i32)
    (local $left i32)
    (local $digit i32)
    (local $seconds i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (if (call $is_retry_after (i32.load (local.get $header)) (i32.load offset=4 (local.get $header))) (then
          (local.set $at (i32.load offset=8 (local.get $header)))
          (local.set $left (i32.load offset=12 (local.get $header)))
          (br_if $done (i32.gt_u (i32.sub (local.get $left) (i32.const 1)) (i32.const 5))) ;; one to six digits
          (loop $digits
            (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
            (br_if $done (i32.gt_u (local.get $digit) (i32.const 9))) ;; a date: not read here
            (local.set $seconds (i32.add (i32.mul (local.get $seconds) (i32.const 10)) (local.get $digit)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br_if $digits (local.get $left)))
          (call $retry_after (i32.mul (local.get $seconds) (i32.const 1000)))
          (br $done)))
        (local.set $header (i32.add (local.get $header) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))

  ;; Whether a header's name is `retry-after`. The bit 0x20 makes small letters of capitals, and leaves `-` as it is.
  (func $is_retry_after (param $name i32) (param $len i32) (result i32)
    (local $i i32)
    (if (i32.ne (local.get $len) (i32.const 11)) (then (return (i32.const 0))))
    (loop $next
      (if (i32.ne (i32.or (i32.load8_u (i32.add (local.get $name) (local.get $i))) (i32.const 0x20))
                  (i32.load8_u offset=240 (local.get $i))) (then (return (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $len))))
    (i32.const 1))

  ;; Whether so many bytes are the same.
  (func $is_same (param $a i32) (param $b i32) (param $len i32) (result i32)
    (local $i i32)
    (loop $next
      (if (i32.ne (i32.load8_u (i32.add (local.get $a) (local.get $i)))
                  (i32.load8_u (i32.add (local.get $b) (local.get $i)))) (then (return (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $len))))
    (i32.const 1))

  ;; Behind the first place in a text where this word is; 0 where it is nowhere.
  (func $find (param $word i32) (param $word_len i32) (param $text i32) (param $len i32) (result i32)
    (block $nowhere
      (loop $next
        (br_if $nowhere (i32.lt_u (local.get $len) (local.get $word_len)))
        (if (call $is_same (local.get $text) (local.get $word) (local.get $word_len)) (then
          (return (i32.add (local.get $text) (local.get $word_len)))))
        (local.set $text (i32.add (local.get $text) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $next)))
    (i32.const 0))
)
