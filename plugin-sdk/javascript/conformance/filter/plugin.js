// What a filter can do with this SDK; tests/conformance/README.md says what each word of `do` stands for.
import { filter, drop, log, now, random, count, state, http, secret } from "./weir.js";

let config;

const words = {
  keep: () => {},
  drop: () => drop(config.text),
  error: () => { throw new Error(config.text); },
  getters(event) {
    for (const field of ["id", "severity", "reason", "message", "namespace", "kind", "name", "component", "node", "count", "timestamp"]) {
      event.set(`/out/${field}`, event[field]);
    }
  },
  text: (event) => event.set("/out", event.text(config.pointer) ?? false),
  json(event) {
    const value = event.get(config.pointer);
    event.set("/out", value === undefined ? false : value);
  },
  set: (event) => event.set(config.pointer, JSON.parse(config.value)),
  remove: (event) => event.remove(config.pointer),
  copy: (event) => event.set("/out", event.message),
  emit: (event) => event.emit(JSON.parse(config.value)),
  config(event) {
    for (const key of ["text", "number", "list", "flag"]) event.set(`/out/${key}`, config[key]);
  },
  log() {
    for (const level of ["debug", "info", "warn", "error"]) log[level](config.text);
  },
  print: () => console.log(config.text),
  count: () => count(config.text, config.number),
  now: (event) => event.set("/out", now() > Date.UTC(2020) && now() < Date.UTC(2100)),
  random: (event) => event.set("/out", random() !== random()),
  state(event) {
    const value = state.get("k") ?? "";
    state.put("k", value + "x");
    event.set("/out", { value, sum: state.add("n", -2) });
  },
  ttl(event) {
    state.put("t", "x", 1);
    const end = now() + 20;
    while (now() < end);
    event.set("/out", state.get("t") === undefined);
  },
  http(event) {
    const answer = http.send({ method: "POST", url: config.url, headers: { "x-test": config.text }, body: config.value });
    event.set("/out", { status: answer.status, body: answer.text(), header: answer.headers["x-answer"] ?? "" });
  },
  basic: (event) => event.set("/out", secret.basic("user", "password") !== ""),
  hmac: (event) => event.set("/out", secret.hmacSha256(config.text, config.value).toHex()),
  throw: () => { throw new RangeError(config.text); },
  loop: () => { for (;;); },
};

export const { setup, process } = filter({
  setup(given) {
    if (given.do === "refuse") throw new Error(given.text);
    if (typeof given.do !== "string" || !Object.hasOwn(words, given.do)) throw new Error(`do: no word that is known: ${given.do}`);
    config = given;
  },
  process(event) {
    if (config.when !== undefined && event.reason !== config.when) return;
    return words[config.do](event);
  },
});
