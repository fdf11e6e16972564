// What a filter can do with weir.h, each thing where the configuration's `do` says so: tests/conformance/README.md.
#include "weir.h"

typedef weir_answer action(void);

static action *chosen;
static weir_str text, pointer, value, url, when;
static bool has_when;
static int64_t number;

static weir_answer set_text(const char *at, weir_str what) {
    weir_str error;
    return weir_change_set(at, weir_json_quote(what), &error) ? weir_keep() : weir_error(error);
}
static weir_answer set_number(const char *at, int64_t what) {
    weir_str error;
    return weir_change_set(at, weir_decimal(what), &error) ? weir_keep() : weir_error(error);
}
static weir_answer set_bool(const char *at, bool what) {
    weir_str error;
    return weir_change_set(at, what ? WEIR_LIT("true") : WEIR_LIT("false"), &error) ? weir_keep() : weir_error(error);
}

static weir_answer do_keep(void) { return weir_keep(); }
static weir_answer do_drop(void) { return weir_drop(text); }
static weir_answer do_error(void) { return weir_error(text); }
static weir_answer do_getters(void) {
    set_text("/out/id", weir_event_id());
    set_text("/out/severity", weir_event_severity());
    set_text("/out/reason", weir_event_reason());
    set_text("/out/message", weir_event_message());
    set_text("/out/namespace", weir_event_namespace());
    set_text("/out/kind", weir_event_object_kind());
    set_text("/out/name", weir_event_object_name());
    set_text("/out/component", weir_event_component());
    set_text("/out/node", weir_event_node());
    set_number("/out/count", weir_event_count());
    return set_number("/out/timestamp", (int64_t)weir_event_timestamp());
}
static weir_answer do_text(void) {
    weir_str found;
    return weir_event_text(weir_cstr(pointer), &found) ? set_text("/out", found) : set_bool("/out", false);
}
static weir_answer do_json(void) {
    weir_str found, error;
    if (!weir_event_json(weir_cstr(pointer), &found)) return set_bool("/out", false);
    return weir_change_set("/out", found, &error) ? weir_keep() : weir_error(error);
}
static weir_answer do_copy(void) { return set_text("/out", weir_event_message()); }
static weir_answer do_set(void) {
    weir_str error;
    return weir_change_set(weir_cstr(pointer), value, &error) ? weir_keep() : weir_error(error);
}
static weir_answer do_remove(void) {
    weir_change_remove(weir_cstr(pointer));
    return weir_keep();
}
static weir_answer do_emit(void) {
    weir_str error;
    return weir_change_emit(value, &error) ? weir_keep() : weir_error(error);
}
static weir_answer do_config(void) {
    weir_str list, error;
    bool flag;
    if (!weir_config_list("/list", &list) || !weir_config_bool("/flag", &flag)) return weir_error(WEIR_LIT("list, flag"));
    weir_buffer json = {0};
    for (weir_str rest = list, key, item, plain; weir_json_next(&rest, &key, &item);) {
        if (!weir_json_text(item, &plain)) return weir_error(WEIR_LIT("list: all must be texts"));
        weir_append(&json, json.text.len ? WEIR_LIT(",") : WEIR_LIT("["));
        weir_append(&json, weir_json_quote(plain));
    }
    weir_append(&json, json.text.len ? WEIR_LIT("]") : WEIR_LIT("[]"));
    if (!weir_change_set("/out/list", json.text, &error)) return weir_error(error);
    set_text("/out/text", text);
    set_number("/out/number", number);
    return set_bool("/out/flag", flag);
}
static weir_answer do_log(void) {
    for (int level = WEIR_DEBUG; level <= WEIR_ERROR; level++) weir_host_log((weir_level)level, text);
    return weir_keep();
}
static weir_answer do_print(void) {
    weir_host_print(weir_concat(text, WEIR_LIT("\n")));
    return weir_keep();
}
static weir_answer do_count(void) {
    weir_host_count(weir_cstr(text), (uint32_t)number);
    return weir_keep();
}
static weir_answer do_now(void) {
    uint64_t now = weir_host_now();
    return set_bool("/out", now > 1577836800000 && now < 4102444800000);
}
static weir_answer do_random(void) {
    uint64_t first = weir_host_random();
    return set_bool("/out", first != weir_host_random());
}
static weir_answer do_state(void) {
    weir_str kept = WEIR_LIT("");
    weir_state_get(WEIR_LIT("k"), &kept);
    weir_state_put(WEIR_LIT("k"), weir_concat(kept, WEIR_LIT("x")), 0);
    set_text("/out/value", kept);
    return set_number("/out/sum", weir_state_add(WEIR_LIT("n"), -2, 0));
}
static weir_answer do_ttl(void) {
    weir_str kept;
    weir_state_put(WEIR_LIT("t"), WEIR_LIT("x"), 1);
    uint64_t end = weir_host_now() + 20;
    while (weir_host_now() < end) {}
    return set_bool("/out", !weir_state_get(WEIR_LIT("t"), &kept));
}
static weir_answer do_http(void) {
    weir_header headers[] = {{WEIR_LIT("x-test"), text}};
    weir_request request = {.method = "POST", .url = url, .headers = headers, .header_count = 1, .body = value};
    weir_response response;
    if (!weir_http_send(&request, &response)) return weir_error(response.error);
    weir_str header = WEIR_LIT("");
    weir_response_header(&response, "x-answer", &header);
    set_number("/out/status", response.status);
    set_text("/out/body", response.body);
    return set_text("/out/header", header);
}
static weir_answer do_basic(void) {
    return set_bool("/out", weir_secret_basic(WEIR_LIT("user"), WEIR_LIT("password")).len > 0);
}
static weir_answer do_hmac(void) {
    weir_str mac = weir_secret_hmac_sha256(text, value);
    char digits[64];
    weir_str hex = {digits, mac.len * 2};
    for (size_t i = 0; i < mac.len; i++) {
        digits[2 * i] = "0123456789abcdef"[mac.ptr[i] >> 4 & 15];
        digits[2 * i + 1] = "0123456789abcdef"[mac.ptr[i] & 15];
    }
    return set_text("/out", hex);
}
static weir_answer do_throw(void) { weir_abort(text); }
static weir_answer do_loop(void) { for (;;) {} }

static const struct { weir_str word; action *action; } actions[] = {
    {WEIR_LIT("keep"), do_keep},   {WEIR_LIT("drop"), do_drop},     {WEIR_LIT("error"), do_error},
    {WEIR_LIT("text"), do_text},   {WEIR_LIT("getters"), do_getters}, {WEIR_LIT("json"), do_json},
    {WEIR_LIT("copy"), do_copy},   {WEIR_LIT("set"), do_set},       {WEIR_LIT("remove"), do_remove},
    {WEIR_LIT("emit"), do_emit},   {WEIR_LIT("config"), do_config}, {WEIR_LIT("log"), do_log},
    {WEIR_LIT("print"), do_print}, {WEIR_LIT("count"), do_count},   {WEIR_LIT("now"), do_now},
    {WEIR_LIT("state"), do_state}, {WEIR_LIT("random"), do_random}, {WEIR_LIT("ttl"), do_ttl},
    {WEIR_LIT("http"), do_http},   {WEIR_LIT("basic"), do_basic},   {WEIR_LIT("hmac"), do_hmac},
    {WEIR_LIT("throw"), do_throw}, {WEIR_LIT("loop"), do_loop},
};

weir_answer weir_setup(weir_str config) {
    (void)config;
    weir_config_text("/text", &text);
    weir_config_text("/pointer", &pointer);
    weir_config_text("/value", &value);
    weir_config_text("/url", &url);
    weir_config_number("/number", &number);
    has_when = weir_config_text("/when", &when);
    weir_str word;
    if (!weir_config_text("/do", &word)) return weir_error(WEIR_LIT("do: a text is needed"));
    if (weir_eq(word, WEIR_LIT("refuse"))) return weir_error(text);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (weir_eq(word, actions[i].word)) chosen = actions[i].action;
    return chosen ? weir_ok() : weir_error(weir_concat(WEIR_LIT("do: unknown word "), word));
}

weir_answer weir_process(void) {
    return has_when && !weir_eq(weir_event_reason(), when) ? weir_keep() : chosen();
}
