// A filter: drops events whose reason is in a list.

import { Config, Filter, Verdict, event, register } from "./weir";
export { cabi_realloc, setup, process } from "./weir"; // what weir calls

class DropReasons extends Filter {
  reasons: string[] = [];

  // Called before the first event. What is missing, or no list of texts, refuses the configuration.
  setup(config: Config): void {
    this.reasons = config.texts("reasons");
    if (this.reasons.length == 0) config.refuse("reasons: expected at least one");
  }

  // Called for each event. Verdict.error("…") would be handled as the filter's `onError` says.
  process(): Verdict {
    const reason = event.reason(); // copied from weir now, and only this
    if (this.reasons.includes(reason)) return Verdict.drop("reason " + reason);
    return Verdict.keep;
  }
}

register(new DropReasons());
