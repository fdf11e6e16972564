// A transform: gives events the label of the team that owns their namespace, and lets each message through once a minute.

import { Config, Filter, Verdict, change, event, host, register, state } from "./weir";
export { cabi_realloc, setup, process } from "./weir"; // a transform is a filter that changes events

class LabelTeam extends Filter {
  teams: Map<string, string> = new Map();

  // Called before the first event. What is missing, or no map of texts, refuses the configuration.
  setup(config: Config): void {
    this.teams = config.map("teams");
  }

  // Called for each event. Changes count when the answer is `keep`.
  process(): Verdict {
    const namespace = event.namespace();

    // weir keeps this number for a minute, for all instances of this plugin.
    if (state.add(namespace + "/" + event.message(), 1, 60000) > 1) {
      host.count("throttled", 1); // shown with weir's metrics
      return Verdict.drop("seen within a minute");
    }

    if (!this.teams.has(namespace)) return Verdict.keep;
    const problem = change.put("/metadata/labels/team", this.teams.get(namespace)); // written as JSON; change.set takes JSON as it is
    if (problem != null) return Verdict.error(problem);
    change.remove("/metadata/annotations");
    host.count("labelled", 1);
    return Verdict.keep;
  }
}

register(new LabelTeam());
