// Drops the events whose reason is in a configured list: {"reasons": ["Pulled", "Created"]}
import { filter, drop } from "./weir.js";

let reasons;

export const { setup, process } = filter({
  // Called once, before the first event. What is thrown here refuses the configuration, and weir says so.
  setup(config) {
    const given = config.reasons;
    if (!Array.isArray(given) || given.length === 0 || !given.every((reason) => typeof reason === "string")) {
      throw new Error("reasons: a list of texts is needed");
    }
    reasons = new Set(given);
  },

  // Called for each event. Returning nothing keeps it.
  process(event) {
    const reason = event.reason; // each field is asked of the host: keep what is needed twice
    if (reasons.has(reason)) return drop(`reason ${reason}`);
  },
});
