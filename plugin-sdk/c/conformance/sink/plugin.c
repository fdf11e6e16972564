// What a sink can do with weir.h, each thing where the configuration's `do` says so: tests/conformance/README.md.
#include "weir.h"

typedef weir_answer action(void);

static action *chosen;
static weir_str text, url;
static int64_t number;

static weir_answer write(weir_str bytes) {
    weir_str error;
    return weir_output_write(bytes, &error) ? weir_done() : weir_error(error);
}

static weir_answer do_documents(void) { return write(weir_batch_documents(0, weir_batch_size())); }
static weir_answer do_each(void) {
    weir_buffer lines = {0};
    for (uint32_t i = 0; i < weir_batch_size(); i++) {
        weir_append(&lines, weir_batch_document(i));
        weir_append(&lines, WEIR_LIT("\n"));
    }
    return write(lines.text);
}
static weir_answer do_select(void) {
    weir_buffer lines = {0};
    for (uint32_t i = 0; i < weir_batch_size(); i++) {
        weir_batch_select(i);
        weir_append(&lines, weir_event_reason());
        weir_append(&lines, WEIR_LIT("\n"));
    }
    return write(lines.text);
}
static weir_answer do_some(void) {
    for (uint32_t i = 0; i < weir_batch_size(); i++) {
        weir_batch_select(i);
        weir_str reason = weir_event_reason();
        if (weir_eq(reason, WEIR_LIT("Bad"))) weir_batch_reject(i, text);
        if (weir_eq(reason, WEIR_LIT("Later"))) weir_batch_retry(i, text);
    }
    return weir_done();
}
static weir_answer do_retry(void) { return weir_retry(text); }
static weir_answer do_reject(void) { return weir_reject(text); }
static weir_answer do_error(void) { return weir_error(text); }
static weir_answer do_after(void) {
    weir_batch_retry_after((uint32_t)number);
    return weir_done();
}
static weir_answer do_past(void) {
    weir_batch_select(weir_batch_size());
    return weir_done();
}
static weir_answer do_http(void) {
    weir_header headers[] = {{WEIR_LIT("content-type"), WEIR_LIT("application/x-ndjson")}};
    weir_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .header_count = 1,
        .body = weir_batch_documents(0, weir_batch_size()),
    };
    weir_response response;
    if (!weir_http_send(&request, &response)) return weir_retry(response.error);
    if (response.status / 100 == 2) return weir_done();
    return weir_retry(weir_concat(WEIR_LIT("HTTP "), weir_decimal(response.status)));
}
static weir_answer do_log(void) {
    for (int level = WEIR_DEBUG; level <= WEIR_ERROR; level++) weir_host_log((weir_level)level, text);
    return weir_done();
}
static weir_answer do_count(void) {
    weir_host_count(weir_cstr(text), (uint32_t)number);
    return weir_done();
}
static weir_answer do_state(void) {
    weir_str kept = WEIR_LIT("");
    weir_state_get(WEIR_LIT("k"), &kept);
    weir_state_put(WEIR_LIT("k"), weir_concat(kept, WEIR_LIT("x")), 0);
    weir_buffer line = {0};
    weir_append(&line, kept);
    weir_append(&line, WEIR_LIT(" "));
    weir_append(&line, weir_decimal(weir_state_add(WEIR_LIT("n"), -2, 0)));
    weir_append(&line, WEIR_LIT("\n"));
    return write(line.text);
}
static weir_answer do_throw(void) { weir_abort(text); }
static weir_answer do_loop(void) { for (;;) {} }

static const struct { weir_str word; action *action; } actions[] = {
    {WEIR_LIT("documents"), do_documents}, {WEIR_LIT("each"), do_each},     {WEIR_LIT("select"), do_select},
    {WEIR_LIT("some"), do_some},           {WEIR_LIT("retry"), do_retry},   {WEIR_LIT("reject"), do_reject},
    {WEIR_LIT("error"), do_error},         {WEIR_LIT("after"), do_after},   {WEIR_LIT("past"), do_past},
    {WEIR_LIT("http"), do_http},           {WEIR_LIT("log"), do_log},       {WEIR_LIT("count"), do_count},
    {WEIR_LIT("state"), do_state},         {WEIR_LIT("throw"), do_throw},   {WEIR_LIT("loop"), do_loop},
};

weir_answer weir_setup(weir_str config) {
    (void)config;
    weir_config_text("/text", &text);
    weir_config_text("/url", &url);
    weir_config_number("/number", &number);
    weir_str word;
    if (!weir_config_text("/do", &word)) return weir_error(WEIR_LIT("do: a text is needed"));
    if (weir_eq(word, WEIR_LIT("refuse"))) return weir_error(text);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (weir_eq(word, actions[i].word)) chosen = actions[i].action;
    return chosen ? weir_ok() : weir_error(weir_concat(WEIR_LIT("do: unknown word "), word));
}

weir_answer weir_deliver(void) { return chosen(); }
