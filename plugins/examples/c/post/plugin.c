// A sink: it gets batches of events, and says what became of them.
#include "weir.h"

static weir_str url; // what is there after weir_setup stays

weir_answer weir_setup(weir_str config) {
    (void)config; // weir_config_text and its siblings look into it
    if (!weir_config_text("/url", &url)) return weir_error(WEIR_LIT("url: a text is needed"));
    if (!weir_starts_with(url, WEIR_LIT("http://")) && !weir_starts_with(url, WEIR_LIT("https://")))
        return weir_error(WEIR_LIT("url: must begin with http:// or https://"));
    return weir_ok();
}

weir_answer weir_deliver(void) {
    weir_header headers[] = {{WEIR_LIT("content-type"), WEIR_LIT("application/x-ndjson")}};
    weir_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .header_count = 1,
        .body = weir_batch_documents(0, weir_batch_size()), // each with a newline behind it
    };
    weir_response response;
    if (!weir_http_send(&request, &response)) return weir_retry(response.error); // the whole batch comes again
    if (response.status / 100 == 2) return weir_done();                          // it is acknowledged, and gone

    weir_str status = weir_concat(WEIR_LIT("HTTP "), weir_decimal(response.status)), after;
    if (response.status != 429 && response.status / 100 != 5)
        return weir_reject(status); // it will never be taken: the batch goes to the dead letters
    int64_t seconds;
    if (weir_response_header(&response, "retry-after", &after) && weir_number(after, &seconds) && seconds >= 0)
        weir_batch_retry_after(seconds < 3600 ? (uint32_t)seconds * 1000 : 3600000); // an hour is the most
    return weir_retry(status);
}
