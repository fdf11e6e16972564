// A filter: it sees one event after another, and drops those whose reason is listed.
#include "weir.h"

static weir_str *reasons; // what lies in memory when weir_setup returns stays there
static size_t reason_count;

// Called once, before the first event. An error refuses the configuration.
weir_answer weir_setup(weir_str config) {
    (void)config; // its JSON; weir_config_list and its siblings look into it
    weir_str list;
    if (!weir_config_list("/reasons", &list)) return weir_error(WEIR_LIT("reasons: a list of texts is needed"));

    reasons = weir_alloc(weir_json_count(list) * sizeof *reasons);
    for (weir_str rest = list, key, item; weir_json_next(&rest, &key, &item);)
        if (!weir_json_text(item, &reasons[reason_count++])) return weir_error(WEIR_LIT("reasons: each must be a text"));
    return reason_count > 0 ? weir_ok() : weir_error(WEIR_LIT("reasons: at least one is needed"));
}

// Called for each event. Only what is asked for is copied into the plugin's memory.
weir_answer weir_process(void) {
    weir_str reason = weir_event_reason();
    for (size_t i = 0; i < reason_count; i++)
        if (weir_eq(reasons[i], reason))
            return weir_drop(weir_concat(WEIR_LIT("reason "), reason)); // these words are a row in the metrics
    return weir_keep();
}
