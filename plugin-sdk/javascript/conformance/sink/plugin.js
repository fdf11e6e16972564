// What a sink can do with this SDK; tests/conformance/README.md says what each word of `do` stands for.
import { sink, retry, reject, log, count, state, http, output } from "./weir.js";

let config;

const words = {
  documents: (batch) => output.write(batch.documents()),
  each: (batch) => output.write([...batch].map((event) => event.document + "\n").join("")),
  select: (batch) => output.write([...batch].map((event) => event.reason + "\n").join("")),
  some(batch) {
    for (const event of batch) {
      if (event.reason === "Bad") event.reject(config.text);
      if (event.reason === "Later") event.retry(config.text);
    }
  },
  retry: () => retry(config.text),
  reject: () => reject(config.text),
  error: () => { throw new Error(config.text); },
  after: (batch) => batch.retryAfter(config.number),
  past: (batch) => { batch.event(batch.size).reason; },
  http(batch) {
    let answer;
    try {
      answer = http.send({ method: "POST", url: config.url, headers: { "content-type": "application/x-ndjson" }, body: batch.documents() });
    } catch (error) {
      return retry(error.message);
    }
    if (!answer.ok) return retry(`HTTP ${answer.status}`);
  },
  log() {
    for (const level of ["debug", "info", "warn", "error"]) log[level](config.text);
  },
  count: () => count(config.text, config.number),
  state() {
    const value = state.get("k") ?? "";
    state.put("k", value + "x");
    output.write(`${value} ${state.add("n", -2)}\n`);
  },
  throw: () => { throw new RangeError(config.text); },
  loop: () => { for (;;); },
};

export const { setup, deliver } = sink({
  setup(given) {
    if (given.do === "refuse") throw new Error(given.text);
    if (typeof given.do !== "string" || !Object.hasOwn(words, given.do)) throw new Error(`do: no word that is known: ${given.do}`);
    config = given;
  },
  deliver: (batch) => words[config.do](batch),
});
