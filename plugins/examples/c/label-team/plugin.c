// A transform: a filter that changes events. It labels those of a team's namespaces.
#include "weir.h"

static weir_str teams; // from namespaces to teams, as JSON: what is there after weir_setup stays

weir_answer weir_setup(weir_str config) {
    (void)config; // weir_config_map and its siblings look into it
    if (!weir_config_map("/teams", &teams))
        return weir_error(WEIR_LIT("teams: a map from namespaces to teams is needed"));
    for (weir_str rest = teams, space, team, text; weir_json_next(&rest, &space, &team);)
        if (!weir_json_text(team, &text)) return weir_error(WEIR_LIT("teams: every team must be a text"));
    return weir_ok();
}

weir_answer weir_process(void) {
    weir_str space = weir_event_namespace(), team;

    // All instances share one state, and `add` is atomic. The first one starts the minute.
    weir_str seen = weir_concat(weir_concat(space, WEIR_LIT("/")), weir_event_message());
    if (weir_state_add(seen, 1, 60000) > 1) {
        weir_host_count("throttled", 1);
        return weir_drop(WEIR_LIT("seen within a minute"));
    }
    if (!weir_json_member(teams, space, &team)) return weir_keep();

    // `team` is a JSON string, quotes and all, and that is what `set` takes. Any other text needs weir_json_quote.
    weir_str error;
    if (!weir_change_set("/metadata/labels/team", team, &error)) return weir_error(error);
    weir_change_remove("/metadata/annotations");
    weir_host_count("labelled", 1);
    return weir_keep(); // changes count only with this
}
