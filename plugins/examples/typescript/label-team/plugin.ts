// Labels events with the team that owns their namespace: {"teams": {"shop": "payments"}}
import { filter, drop, count, state } from "./weir.js";

let teams: Map<string, string>;

export const { setup, process } = filter({
  setup(config: { teams?: unknown }) {
    const given = config.teams;
    const isMap = typeof given === "object" && given !== null && !Array.isArray(given);
    if (!isMap || !Object.values(given).every((team) => typeof team === "string")) {
      throw new Error("teams: a map of namespaces to teams is needed");
    }
    teams = new Map(Object.entries(given));
  },

  process(event) {
    const namespace = event.namespace;
    // The host's store is shared by all instances of this filter: variables here are not.
    if (state.add(`${namespace}/${event.message}`, 1, 60_000) > 1) {
      count("throttled");
      return drop("seen within a minute");
    }
    const team = teams.get(namespace);
    if (team === undefined) return; // kept as it is
    event.set("/metadata/labels/team", team); // any value; it becomes JSON
    event.remove("/metadata/annotations");
    count("labelled");
  },
});
