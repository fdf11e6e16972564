/* weir.h: filters and sinks for weir in C or C++. One header; needs clang 15.0.7 or later, and no libc.
 *
 * A plugin defines weir_setup, and weir_process (a filter) or weir_deliver (a sink). The host's functions are
 * weir_<interface>_<function>, as in weir.wit, where their comments say what they mean. JSON pointers (RFC 6901) and
 * other names are C strings; every text that may come from outside is a weir_str: UTF-8, a length, no NUL at its end.
 *
 * Memory: what the host and these functions give you lies in one arena. What is there when weir_setup returns stays,
 * the configuration too; what comes later is gone when weir_process or weir_deliver has returned. Nothing is freed. */
#ifndef WEIR_H
#define WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef __wasm32__
#error "weir.h is for WebAssembly: clang --target=wasm32"
#endif

typedef struct weir_str { const char *ptr; size_t len; } weir_str;

#ifdef __cplusplus
#define WEIR_LIT(literal) (weir_str{literal, sizeof(literal) - 1})
extern "C" {
#else
#define WEIR_LIT(literal) ((weir_str){literal, sizeof(literal) - 1})
#endif
#define WEIR_IMPORT(interface, name) \
    __attribute__((import_module("weir:plugin/" interface "@0.1.0"), import_name(name))) extern
#define WEIR_EXPORT(name) __attribute__((export_name(name)))
#define WEIR_SHARED __attribute__((weak)) /* one of it, however many files include this one */

/* --- What a plugin defines, and what it may answer ---------------------------------------------------------------- */

typedef struct weir_answer_ { uint32_t is_error, words[3]; } weir_answer_;
typedef const weir_answer_ *weir_answer; /* there is one place for it: make it where you return it */

weir_answer weir_setup(weir_str config);               /* weir_ok, weir_error */
WEIR_EXPORT("process") weir_answer weir_process(void); /* weir_keep, weir_drop, weir_error */
WEIR_EXPORT("deliver") weir_answer weir_deliver(void); /* weir_done, weir_retry, weir_reject, weir_error */
WEIR_EXPORT("probe") weir_answer weir_probe(void);     /* weir_found, weir_error; optional, for sinks */

WEIR_SHARED weir_answer_ weir_area_;
static inline weir_answer weir_answer_of_(uint32_t is_error, uint32_t a, uint32_t b, uint32_t c) {
    weir_area_.is_error = is_error;
    weir_area_.words[0] = a, weir_area_.words[1] = b, weir_area_.words[2] = c;
    return &weir_area_;
}
static inline weir_answer weir_ok(void) { return weir_answer_of_(0, 0, 0, 0); }
static inline weir_answer weir_error(weir_str text) { return weir_answer_of_(1, (uint32_t)text.ptr, text.len, 0); }
static inline weir_answer weir_keep(void) { return weir_ok(); }
static inline weir_answer weir_drop(weir_str why) { return weir_answer_of_(0, 1, (uint32_t)why.ptr, why.len); }
static inline weir_answer weir_done(void) { return weir_ok(); }
static inline weir_answer weir_retry(weir_str why) { return weir_answer_of_(0, 1, (uint32_t)why.ptr, why.len); }
static inline weir_answer weir_reject(weir_str why) { return weir_answer_of_(0, 2, (uint32_t)why.ptr, why.len); }
static inline weir_answer weir_found(weir_str lines) { return weir_answer_of_(0, (uint32_t)lines.ptr, lines.len, 0); }

/* --- Memory ------------------------------------------------------------------------------------------------------- */

#ifndef __wasi__ /* what compilers make of copies and loops; with wasi-libc it is there */
#define WEIR_BYTES __attribute__((weak, target("bulk-memory"), no_builtin))
WEIR_BYTES void *memcpy(void *to, const void *from, size_t len) { return __builtin_memcpy(to, from, len); }
WEIR_BYTES void *memmove(void *to, const void *from, size_t len) { return __builtin_memmove(to, from, len); }
WEIR_BYTES void *memset(void *to, int byte, size_t len) { return __builtin_memset(to, byte, len); }
WEIR_BYTES int memcmp(const void *a, const void *b, size_t len) {
    const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
    while (len && *x == *y) x++, y++, len--;
    return len ? *x - *y : 0;
}
WEIR_BYTES size_t strlen(const char *text) {
    const char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}
extern char __heap_base; /* the linker's: the first byte behind stack and data */
void __wasm_call_ctors(void);
/* Without it, constructors of C++ would run again at each call. The host calls it first, once. */
WEIR_SHARED WEIR_EXPORT("_initialize") void weir_initialize_(void) { __wasm_call_ctors(); }
#else
#include <stdlib.h>
#endif
WEIR_SHARED char *weir_bottom_, *weir_free_, *weir_top_; /* the arena: kept up to the first, free from the second */

/* The host calls it for what it hands over. Where memory is at its limit, the plugin traps. */
WEIR_SHARED WEIR_EXPORT("cabi_realloc") void *weir_realloc(void *old, size_t old_len, size_t align, size_t len) {
    const size_t page = 65536;
#ifndef __wasi__ /* begins in what is left of the first pages */
    char *end = (char *)(__builtin_wasm_memory_size(0) * page);
    if (!weir_top_) weir_bottom_ = weir_free_ = &__heap_base, weir_top_ = end;
#else /* the first malloc takes all memory that is there: let it be before the first page of ours */
    if (!weir_top_) weir_bottom_ = weir_free_ = weir_top_ = (char *)malloc(1);
#endif
    if (old && (char *)old + old_len == weir_free_) weir_free_ = (char *)old; /* the newest can grow where it is */
    char *at = (char *)(((uintptr_t)weir_free_ + align - 1) & -align);
    if ((size_t)(weir_top_ - at) < len) {
        size_t pages = len / page + 1, first = __builtin_wasm_memory_grow(0, pages);
        if (first == SIZE_MAX) __builtin_trap();
        if ((char *)(first * page) != weir_top_) weir_bottom_ = at = (char *)(first * page); /* a libc grew it, too */
        weir_top_ = (char *)((first + pages) * page);
    }
    if (old && old != at) __builtin_memmove(at, old, old_len < len ? old_len : len);
    weir_free_ = at + len;
    return at;
}
static inline void *weir_alloc(size_t len) { return weir_realloc(NULL, 0, 8, len); }

WEIR_SHARED weir_str weir_config_;
WEIR_SHARED WEIR_EXPORT("setup") weir_answer weir_setup_(const char *ptr, size_t len) {
    weir_config_.ptr = ptr, weir_config_.len = len;
    weir_answer answer = weir_setup(weir_config_);
    weir_bottom_ = weir_free_;
    return answer;
}
/* The host calls one of these when it has read an answer. */
#define WEIR_AFTER(name, function) \
    WEIR_SHARED WEIR_EXPORT(name) void function(weir_answer answer) { (void)answer, weir_free_ = weir_bottom_; }
WEIR_AFTER("cabi_post_process", weir_after_process_)
WEIR_AFTER("cabi_post_deliver", weir_after_deliver_)
WEIR_AFTER("cabi_post_probe", weir_after_probe_)

/* --- The host's functions. A bool says whether there was something, or whether it worked; `error` may be NULL ----- */

#define WEIR_S_(text) (text).ptr, (text).len /* as two parameters */
#define WEIR_C_(text) (text), __builtin_strlen(text)

typedef struct weir_maybe_ { uint8_t tag; weir_str text; } weir_maybe_; /* option<string>, result<_, string> */
static inline bool weir_some_(weir_maybe_ got, weir_str *text) {
    if (!got.tag) got.text.ptr = NULL, got.text.len = 0;
    if (text) *text = got.text;
    return got.tag;
}
#define WEIR_GETTER(function, name) \
    WEIR_IMPORT("event", name) void function##_(weir_str *); \
    static inline weir_str function(void) { weir_str got; function##_(&got); return got; }

/* event: the one at hand. A field that it lacks is empty. */
WEIR_GETTER(weir_event_id, "id")
WEIR_GETTER(weir_event_severity, "severity")
WEIR_GETTER(weir_event_reason, "reason")
WEIR_GETTER(weir_event_message, "message")
WEIR_GETTER(weir_event_namespace, "namespace")
WEIR_GETTER(weir_event_object_kind, "object-kind")
WEIR_GETTER(weir_event_object_name, "object-name")
WEIR_GETTER(weir_event_component, "component")
WEIR_GETTER(weir_event_node, "node")
WEIR_IMPORT("event", "count") uint32_t weir_event_count(void);
WEIR_IMPORT("event", "timestamp") uint64_t weir_event_timestamp(void); /* milliseconds since 1970 */
WEIR_IMPORT("event", "text") void weir_event_text_(const char *, size_t, weir_maybe_ *);
static inline bool weir_event_text(const char *pointer, weir_str *text) {
    weir_maybe_ got;
    return weir_event_text_(WEIR_C_(pointer), &got), weir_some_(got, text);
}
WEIR_IMPORT("event", "json") void weir_event_json_(const char *, size_t, weir_maybe_ *);
static inline bool weir_event_json(const char *pointer, weir_str *json) {
    weir_maybe_ got;
    return weir_event_json_(WEIR_C_(pointer), &got), weir_some_(got, json);
}

/* change: in filters only. A value is JSON: weir_json_quote makes it of a text. */
WEIR_IMPORT("change", "set") void weir_change_set_(const char *, size_t, const char *, size_t, weir_maybe_ *);
static inline bool weir_change_set(const char *pointer, weir_str json, weir_str *error) {
    weir_maybe_ got;
    return weir_change_set_(WEIR_C_(pointer), WEIR_S_(json), &got), !weir_some_(got, error);
}
WEIR_IMPORT("change", "remove") void weir_change_remove_(const char *, size_t);
static inline void weir_change_remove(const char *pointer) { weir_change_remove_(WEIR_C_(pointer)); }
WEIR_IMPORT("change", "emit") void weir_change_emit_(const char *, size_t, weir_maybe_ *);
static inline bool weir_change_emit(weir_str json, weir_str *error) {
    weir_maybe_ got;
    return weir_change_emit_(WEIR_S_(json), &got), !weir_some_(got, error);
}

/* host */
typedef enum weir_level { WEIR_DEBUG, WEIR_INFO, WEIR_WARN, WEIR_ERROR } weir_level;
WEIR_IMPORT("host", "log") void weir_host_log_(int32_t, const char *, size_t);
static inline void weir_host_log(weir_level level, weir_str text) { weir_host_log_((int32_t)level, WEIR_S_(text)); }
WEIR_IMPORT("host", "print") void weir_host_print_(int32_t, const char *, size_t);
static inline void weir_host_print(weir_str text) { weir_host_print_(1, WEIR_S_(text)); }
WEIR_IMPORT("host", "now") uint64_t weir_host_now(void); /* milliseconds since 1970 */
WEIR_IMPORT("host", "random") uint64_t weir_host_random(void);
WEIR_IMPORT("host", "count") void weir_host_count_(const char *, size_t, uint32_t);
static inline void weir_host_count(const char *name, uint32_t by) { weir_host_count_(WEIR_C_(name), by); }
/* Ends this instance: the host logs the text and makes a new one. */
__attribute__((noreturn)) static inline void weir_abort(weir_str text) {
    weir_host_log(WEIR_ERROR, text);
    __builtin_trap();
}

/* state: kept from event to event, and shared by all instances. `ttl` is in milliseconds; 0 has no end. */
WEIR_IMPORT("state", "get") void weir_state_get_(const char *, size_t, weir_maybe_ *);
static inline bool weir_state_get(weir_str key, weir_str *value) {
    weir_maybe_ got;
    return weir_state_get_(WEIR_S_(key), &got), weir_some_(got, value);
}
WEIR_IMPORT("state", "put") void weir_state_put_(const char *, size_t, const char *, size_t, uint32_t);
static inline void weir_state_put(weir_str key, weir_str value, uint32_t ttl) {
    weir_state_put_(WEIR_S_(key), WEIR_S_(value), ttl);
}
WEIR_IMPORT("state", "add") int64_t weir_state_add_(const char *, size_t, int32_t, uint32_t);
static inline int64_t weir_state_add(weir_str key, int32_t by, uint32_t ttl) {
    return weir_state_add_(WEIR_S_(key), by, ttl);
}

/* http: where it does not work, `response->error` says why. A status that is no 2xx is no error. */
typedef struct weir_header { weir_str name, value; } weir_header;
typedef struct weir_request {
    const char *method;
    weir_str url;
    const weir_header *headers;
    size_t header_count;
    weir_str body;
    uint32_t timeout; /* milliseconds; 0 is what is configured */
} weir_request;
typedef struct weir_response {
    uint16_t status;
    const weir_header *headers;
    size_t header_count;
    weir_str body, error;
} weir_response;
typedef struct weir_sent_ { /* result<response, string> */
    uint8_t tag;
    union { weir_str error; struct { uint16_t status; weir_str headers, body; } ok; } is;
} weir_sent_;
WEIR_IMPORT("http", "send") void weir_http_send_(const char *, size_t, const char *, size_t, const weir_header *,
                                                 size_t, const char *, size_t, uint32_t, weir_sent_ *);
static inline bool weir_http_send(const weir_request *request, weir_response *response) {
    weir_sent_ got;
    weir_http_send_(WEIR_C_(request->method), WEIR_S_(request->url), request->headers, request->header_count,
                    WEIR_S_(request->body), request->timeout, &got);
    __builtin_memset(response, 0, sizeof *response);
    if (got.tag) return response->error = got.is.error, false;
    response->status = got.is.ok.status, response->body = got.is.ok.body;
    response->headers = (const weir_header *)got.is.ok.headers.ptr, response->header_count = got.is.ok.headers.len;
    return true;
}

/* secret */
WEIR_IMPORT("secret", "basic") void weir_secret_basic_(const char *, size_t, const char *, size_t, weir_str *);
static inline weir_str weir_secret_basic(weir_str user, weir_str password) {
    weir_str got;
    return weir_secret_basic_(WEIR_S_(user), WEIR_S_(password), &got), got;
}
WEIR_IMPORT("secret", "hmac-sha256") void weir_secret_hmac_(const char *, size_t, const char *, size_t, weir_str *);
static inline weir_str weir_secret_hmac_sha256(weir_str key, weir_str data) { /* 32 bytes */
    weir_str got;
    return weir_secret_hmac_(WEIR_S_(key), WEIR_S_(data), &got), got;
}

/* batch, output, template, file: in sinks only */
WEIR_IMPORT("batch", "size") uint32_t weir_batch_size(void);
WEIR_IMPORT("batch", "select") void weir_batch_select(uint32_t index);
WEIR_IMPORT("batch", "document") void weir_batch_document_(uint32_t, weir_str *);
static inline weir_str weir_batch_document(uint32_t index) {
    weir_str got;
    return weir_batch_document_(index, &got), got;
}
WEIR_IMPORT("batch", "documents") void weir_batch_documents_(uint32_t, uint32_t, weir_str *);
static inline weir_str weir_batch_documents(uint32_t start, uint32_t end) {
    weir_str got;
    return weir_batch_documents_(start, end, &got), got;
}
WEIR_IMPORT("batch", "reject") void weir_batch_reject_(uint32_t, const char *, size_t);
static inline void weir_batch_reject(uint32_t index, weir_str reason) { weir_batch_reject_(index, WEIR_S_(reason)); }
WEIR_IMPORT("batch", "retry") void weir_batch_retry_(uint32_t, const char *, size_t);
static inline void weir_batch_retry(uint32_t index, weir_str reason) { weir_batch_retry_(index, WEIR_S_(reason)); }
WEIR_IMPORT("batch", "retry-after") void weir_batch_retry_after(uint32_t milliseconds);
WEIR_IMPORT("output", "write") void weir_output_write_(const char *, size_t, weir_maybe_ *);
static inline bool weir_output_write(weir_str bytes, weir_str *error) {
    weir_maybe_ got;
    return weir_output_write_(WEIR_S_(bytes), &got), !weir_some_(got, error);
}
WEIR_IMPORT("template", "check") void weir_template_check_(const char *, size_t, weir_maybe_ *);
static inline bool weir_template_check(weir_str source, weir_str *error) {
    weir_maybe_ got;
    return weir_template_check_(WEIR_S_(source), &got), !weir_some_(got, error);
}
WEIR_IMPORT("template", "render") void weir_template_render_(const char *, size_t, weir_maybe_ *);
static inline bool weir_template_render(weir_str source, weir_str *text_or_error) {
    weir_maybe_ got;
    return weir_template_render_(WEIR_S_(source), &got), *text_or_error = got.text, !got.tag;
}
typedef struct weir_rotation { uint32_t size, every, backups, age; bool compress; } weir_rotation;
WEIR_IMPORT("file", "append") void weir_file_append_(const char *, size_t, const char *, size_t, uint32_t, uint32_t,
                                                     uint32_t, uint32_t, int32_t, weir_maybe_ *);
static inline bool weir_file_append(weir_str path, weir_str lines, weir_rotation rotation, weir_str *error) {
    weir_maybe_ got;
    weir_file_append_(WEIR_S_(path), WEIR_S_(lines), rotation.size, rotation.every, rotation.backups,
                      rotation.age, rotation.compress, &got);
    return !weir_some_(got, error);
}

/* --- Texts -------------------------------------------------------------------------------------------------------- */

static inline bool weir_eq(weir_str a, weir_str b) { return a.len == b.len && !__builtin_memcmp(a.ptr, b.ptr, a.len); }
static inline bool weir_starts_with(weir_str text, weir_str start) {
    return text.len >= start.len && !__builtin_memcmp(text.ptr, start.ptr, start.len);
}
static inline bool weir_eq_ignore_case(weir_str a, weir_str b) { /* ASCII, as header names are */
    bool same = a.len == b.len;
    for (size_t i = 0; same && i < a.len; i++) {
        char x = a.ptr[i], y = b.ptr[i];
        same = (x >= 'A' && x <= 'Z' ? x + 32 : x) == (y >= 'A' && y <= 'Z' ? y + 32 : y);
    }
    return same;
}
/* A C string as a text, and a text as a C string (a copy). */
static inline weir_str weir_from(const char *text) { weir_str all = {text, __builtin_strlen(text)}; return all; }
static inline const char *weir_cstr(weir_str text) {
    char *copy = (char *)weir_alloc(text.len + 1);
    __builtin_memcpy(copy, text.ptr, text.len);
    return copy[text.len] = 0, copy;
}
/* A text that grows, doubling its room; begin with {0}. `buffer.text` is what is in it. */
typedef struct weir_buffer { weir_str text; size_t room; } weir_buffer;
static inline void weir_append(weir_buffer *buffer, weir_str more) {
    size_t len = buffer->text.len + more.len;
    if (len > buffer->room) {
        size_t room = len > buffer->room * 2 ? len : buffer->room * 2;
        buffer->text.ptr = (char *)weir_realloc((void *)buffer->text.ptr, buffer->room, 1, room);
        buffer->room = room;
    }
    __builtin_memcpy((char *)buffer->text.ptr + buffer->text.len, more.ptr, more.len);
    buffer->text.len = len;
}
static inline weir_str weir_concat(weir_str a, weir_str b) {
    weir_buffer both = {{NULL, 0}, 0};
    return weir_append(&both, a), weir_append(&both, b), both.text;
}
static inline weir_str weir_decimal(int64_t number) {
    char *end = (char *)weir_alloc(20) + 20, *at = end;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do *--at = (char)('0' + rest % 10); while (rest /= 10);
    if (number < 0) *--at = '-';
    weir_str text = {at, (size_t)(end - at)};
    return text;
}
/* A whole number of up to 18 digits, with nothing around it. */
static inline bool weir_number(weir_str text, int64_t *number) {
    size_t sign = text.len > 0 && text.ptr[0] == '-', digits = text.len - sign;
    int64_t value = 0;
    if (digits == 0 || digits > 18) return false;
    for (size_t i = sign; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        value = value * 10 + (text.ptr[i] - '0');
    }
    *number = sign ? -value : value;
    return true;
}
static inline bool weir_response_header(const weir_response *response, const char *name, weir_str *value) {
    for (size_t i = 0; i < response->header_count; i++)
        if (weir_eq_ignore_case(response->headers[i].name, weir_from(name)))
            return *value = response->headers[i].value, true;
    return false;
}

/* --- JSON: a value is the text of it, within the text that it was found in. For JSON that the host gave. ---------- */

static inline const char *weir_json_space_(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}
static inline const char *weir_json_end_(const char *at, const char *end) { /* of the value that begins here */
    if (at < end && (*at == '"' || *at == '[' || *at == '{')) {
        size_t depth = 0;
        do {
            char c = *at++;
            depth += c == '[' || c == '{';
            depth -= c == ']' || c == '}';
            if (c != '"') continue;
            while (at < end && *at != '"') at += 1 + (*at == '\\');
            at++;
        } while (depth && at < end);
    } else {
        while (at < end && *at > ' ' && *at != ',' && *at != ':' && *at != ']' && *at != '}') at++;
    }
    return at < end ? at : end;
}
static inline char *weir_utf8_(char *to, uint32_t code) {
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    *to++ = (char)(more ? (0xff00 >> (more + 1)) | code >> 6 * more : code);
    while (more-- > 0) *to++ = (char)(0x80 | (code >> 6 * more & 0x3f));
    return to;
}
static inline uint32_t weir_hex4_(const char *at, const char *end) { /* of `XXXX`; 0xfffd where that is not there */
    uint32_t code = 0;
    for (int i = 0; i < 4; i++, at++) {
        char c = at < end ? *at | 32 : 0;
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) return 0xfffd;
        code = code << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return code;
}
/* The text that a JSON string stands for; false where it is no string. */
static inline bool weir_json_text(weir_str json, weir_str *text) {
    if (json.len < 2 || json.ptr[0] != '"') return false;
    const char *at = json.ptr + 1, *end = at + json.len - 2, *plain = at;
    while (plain < end && *plain != '\\') plain++;
    text->ptr = at, text->len = (size_t)(end - at);
    if (plain == end) return true;
    char *to = (char *)weir_alloc(text->len);
    text->ptr = to;
    while (at < end) {
        char c = *at++;
        if (c != '\\' || at == end) {
            *to++ = c;
        } else if ((c = *at++) == 'u') {
            uint32_t code = weir_hex4_(at, end), low = 0;
            at += 4;
            bool is_high = code >= 0xd800 && code < 0xdc00;
            if (is_high && at + 1 < end && at[0] == '\\' && at[1] == 'u') low = weir_hex4_(at + 2, end);
            if (low >= 0xdc00 && low < 0xe000) code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00)), at += 6;
            to = weir_utf8_(to, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
        } else {
            *to++ = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
        }
    }
    text->len = (size_t)(to - text->ptr);
    return true;
}
static inline bool weir_json_bool(weir_str json, bool *flag) {
    *flag = weir_eq(json, WEIR_LIT("true"));
    return *flag || weir_eq(json, WEIR_LIT("false"));
}
/* The JSON string of a text. */
static inline weir_str weir_json_quote(weir_str text) {
    size_t len = 2;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.ptr[i];
        len += c < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
    }
    char *to = (char *)weir_alloc(len);
    weir_str json = {to, len};
    *to++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.ptr[i];
        if (c < 0x20) {
            __builtin_memcpy(to, c < 0x10 ? "\\u000" : "\\u001", 5);
            to += 5, c = (uint8_t)"0123456789abcdef"[c & 15];
        } else if (c == '"' || c == '\\') {
            *to++ = '\\';
        }
        *to++ = (char)c;
    }
    *to = '"';
    return json;
}
/* Walks through a list or a map: `rest` begins as the whole of it; a list's keys are empty. False at the end:
 *     for (weir_str rest = list, key, value; weir_json_next(&rest, &key, &value);) … */
static inline bool weir_json_next(weir_str *rest, weir_str *key, weir_str *value) {
    const char *end = rest->ptr + rest->len, *at = weir_json_space_(rest->ptr, end), *start;
    if (at == end || (*at != '[' && *at != '{' && *at != ',')) return false;
    start = weir_json_space_(at + 1, end);
    at = weir_json_end_(start, end);
    key->ptr = NULL, key->len = 0;
    value->ptr = start, value->len = (size_t)(at - start);
    start = weir_json_space_(at, end);
    if (start < end && *start == ':') {
        weir_json_text(*value, key);
        start = weir_json_space_(start + 1, end), at = weir_json_end_(start, end);
        value->ptr = start, value->len = (size_t)(at - start);
    }
    rest->ptr = at, rest->len = (size_t)(end - at);
    return value->len > 0;
}
static inline size_t weir_json_count(weir_str json) {
    weir_str key, value;
    size_t count = 0;
    while (weir_json_next(&json, &key, &value)) count++;
    return count;
}
/* What a map has under a key, or a list at an index (in digits). */
static inline bool weir_json_member(weir_str json, weir_str name, weir_str *value) {
    bool is_list = json.len && json.ptr[0] == '[';
    int64_t index = -1;
    if (is_list) weir_number(name, &index);
    for (weir_str key, each; weir_json_next(&json, &key, &each); index--)
        if (is_list ? index == 0 : weir_eq(key, name)) return *value = each, true;
    return false;
}
/* What is at a pointer; "" is the whole. */
static inline bool weir_json_find(weir_str json, const char *pointer, weir_str *value) {
    while (*pointer == '/') {
        char *token = (char *)weir_alloc(__builtin_strlen(pointer)), *to = token;
        for (pointer++; *pointer && *pointer != '/'; pointer++) {
            bool is_escape = *pointer == '~' && (pointer[1] == '0' || pointer[1] == '1');
            *to++ = !is_escape ? *pointer : *++pointer == '0' ? '~' : '/';
        }
        weir_str name = {token, (size_t)(to - token)};
        if (!weir_json_member(json, name, &json)) return false;
    }
    *value = json;
    return !*pointer;
}

/* --- The configuration: what is at a pointer, where it is of that type -------------------------------------------- */

static inline bool weir_config_json(const char *pointer, weir_str *json) {
    return weir_json_find(weir_config_, pointer, json);
}
static inline bool weir_config_text(const char *pointer, weir_str *text) {
    weir_str json;
    return weir_config_json(pointer, &json) && weir_json_text(json, text);
}
static inline bool weir_config_number(const char *pointer, int64_t *number) { /* whole ones */
    weir_str json;
    return weir_config_json(pointer, &json) && weir_number(json, number);
}
static inline bool weir_config_bool(const char *pointer, bool *flag) {
    weir_str json;
    return weir_config_json(pointer, &json) && weir_json_bool(json, flag);
}
static inline bool weir_config_list(const char *pointer, weir_str *list) {
    return weir_config_json(pointer, list) && list->ptr[0] == '[';
}
static inline bool weir_config_map(const char *pointer, weir_str *map) {
    return weir_config_json(pointer, map) && map->ptr[0] == '{';
}

#ifdef __cplusplus
}
#endif
#endif
