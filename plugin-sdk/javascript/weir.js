// Plugins for weir in JavaScript: the host's functions, and what makes a plugin of plain functions.
// weir.d.ts beside this file says what each of them takes and gives.

import * as at from "weir:plugin/event@0.1.0";
import * as host from "weir:plugin/host@0.1.0";
import * as stored from "weir:plugin/state@0.1.0";
import * as client from "weir:plugin/http@0.1.0";
import * as secrets from "weir:plugin/secret@0.1.0";

// What only filters or only sinks have is looked for, so that one file serves both.
const found = (name) => import(`weir:plugin/${name}@0.1.0`).catch(() => undefined);
const change = await found("change");
const batches = await found("batch");
const templates = await found("template");
const files = await found("file");
const stdout = await found("output");

// A value of another type than the contract's, or half a surrogate pair, would trap instead of throwing.
const text = (value) => String(value).toWellFormed();
const within = (value, low, high) => Math.min(Math.max(value, low), high) | 0;
const u32 = (value) => within(value, 0, 0xffffffff);
const bytes = (value) => (value instanceof Uint8Array ? value : encode(text(value)));

// QuickJS has no TextEncoder. The detour over base64 is native code: a loop over a megabyte would take
// longer than a call may.
const encode = (string) => Uint8Array.fromBase64(btoa(unescape(encodeURIComponent(string))));
const decode = (array) => {
  const latin1 = atob(array.toBase64());
  try {
    return decodeURIComponent(escape(latin1));
  } catch {
    return latin1.replace(/[\x80-\xff]/g, "\ufffd"); // not UTF-8
  }
};

export const now = () => host.now();
// The contract's 64 bits arrive as a double, of which the upper half is exact.
const upper = () => BigInt(Math.min(Math.floor(host.random() / 2 ** 32), 0xffffffff));
export const random = () => (upper() << 32n) | upper();
export const count = (name, by = 1) => host.count(text(name), u32(by));
export const log = {};
for (const level of ["debug", "info", "warn", "error"]) {
  log[level] = (message) => host.log(level, text(message));
}

// The built-in clock, chance and console are not there, or trap, or repeat themselves in each instance.
const shown = (value) => (typeof value === "object" && !(value instanceof Error) ? JSON.stringify(value) : value);
const line = (level) => (...values) => log[level](values.map((value) => text(shown(value))).join(" "));
globalThis.console = { ...Object.fromEntries(Object.keys(log).map((level) => [level, line(level)])), log: line("info") };
globalThis.TextEncoder ??= class { encode(string = "") { return encode(text(string)); } };
globalThis.TextDecoder ??= class { decode(array = new Uint8Array()) { return decode(new Uint8Array(array)); } };
Math.random = () => Number(random() >> 11n) / 2 ** 53;
Date.now = now;
globalThis.Date = new Proxy(Date, {
  apply: () => new Date(now()).toString(),
  construct: (target, values, made) => Reflect.construct(target, values.length ? values : [now()], made),
});

export const state = {
  get: (key) => { const value = state.getBytes(key); return value && decode(value); },
  getBytes: (key) => stored.get(text(key)) ?? undefined,
  put: (key, value, ttl = 0) => stored.put(text(key), bytes(value), u32(ttl)),
  add: (key, by = 1, ttl = 0) => stored.add(text(key), within(by, -(2 ** 31), 2 ** 31 - 1), u32(ttl)),
};

export const secret = {
  basic: (user, password) => secrets.basic(text(user), text(password)),
  hmacSha256: (key, data) => secrets.hmacSha256(text(key), bytes(data)),
};

export const http = {
  send({ method = "GET", url, headers = {}, body = "", timeout = 0 }) {
    const pairs = Object.entries(headers).map(([name, value]) => [text(name), text(value)]);
    const answer = client.send({ method: text(method), url: text(url), headers: pairs, body: bytes(body), timeout: u32(timeout) });
    const first = {};
    for (const [name, value] of answer.headers) first[name.toLowerCase()] ??= value;
    return { status: answer.status, ok: answer.status >= 200 && answer.status < 300, headers: first, body: answer.body, text: () => decode(answer.body) };
  },
};

export const output = { write: (data) => stdout.write(bytes(data)) };
export const template = { check: (source) => templates.check(text(source)) };
export const file = {
  append: (path, lines, { size = 0, every = 0, backups = 0, age = 0, compress = false } = {}) =>
    files.append(text(path), bytes(lines), { size: u32(size), every: u32(every), backups: u32(backups), age: u32(age), compress: !!compress }),
};

let selected; // the index of the batch's event at hand

class Event {
  #index;
  constructor(index) { this.#index = index; }
  #select() {
    if (this.#index === selected) return;
    batches.select(u32(this.#index));
    selected = this.#index;
  }
  #read(field) { this.#select(); return at[field](); }

  get id() { return this.#read("id"); }
  get severity() { return this.#read("severity"); }
  get reason() { return this.#read("reason"); }
  get message() { return this.#read("message"); }
  get namespace() { return this.#read("namespace"); }
  get kind() { return this.#read("objectKind"); }
  get name() { return this.#read("objectName"); }
  get component() { return this.#read("component"); }
  get node() { return this.#read("node"); }
  get count() { return this.#read("count") >>> 0; } // arrives with a sign
  get timestamp() { return this.#read("timestamp"); }
  text(pointer) { this.#select(); return at.text(text(pointer)) ?? undefined; }
  json(pointer = "") { this.#select(); return at.json(text(pointer)) ?? undefined; }
  get(pointer = "") { const json = this.json(pointer); return json === undefined ? undefined : JSON.parse(json); }

  // Filters
  set(pointer, value) { change.set(text(pointer), text(JSON.stringify(value))); }
  remove(pointer) { change.remove(text(pointer)); }
  emit(value) { change.emit(text(JSON.stringify(value))); }

  // Sinks
  get document() { return batches.document(u32(this.#index)); }
  render(source) { this.#select(); return templates.render(text(source)); }
  reject(reason) { batches.reject(u32(this.#index), text(reason)); }
  retry(reason) { batches.retry(u32(this.#index), text(reason)); }
}

const batch = {
  get size() { return batches.size(); },
  event: (index) => new Event(index),
  *[Symbol.iterator]() { for (let index = 0; index < this.size; index++) yield new Event(index); },
  documents: (start = 0, end = batches.size()) => batches.documents(u32(start), u32(end)),
  retryAfter: (milliseconds) => batches.retryAfter(u32(milliseconds)),
};

export const keep = Object.freeze({ tag: "keep" });
export const drop = (reason) => ({ tag: "drop", val: text(reason) });
export const done = Object.freeze({ tag: "done" });
export const retry = (reason) => ({ tag: "retry", val: text(reason) });
export const reject = (reason) => ({ tag: "reject", val: text(reason) });

export const filter = (plugin) => ({
  setup: (config) => answered(() => { plugin.setup?.(JSON.parse(config)); }),
  process: () => answered(() => one(["keep", "drop"], plugin.process(new Event()) ?? keep)),
});

export const sink = (plugin) => ({
  setup: (config) => answered(() => { plugin.setup?.(JSON.parse(config)); }),
  deliver: () => answered(() => {
    selected = undefined;
    return one(["done", "retry", "reject"], plugin.deliver(batch) ?? done);
  }),
  probe: () => answered(() => text(plugin.probe?.() ?? "")),
});

function one(tags, answer) {
  if (tags.includes(answer.tag)) return answer;
  const what = answer instanceof Promise ? "a Promise: nothing is asynchronous here" : text(shown(answer));
  throw new Error(`the plugin answered ${what}, not ${tags.join(" or ")}`);
}

// What is thrown becomes the answered error; a mistake in the code (a TypeError, say) tells its place too.
function answered(call) {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof Error) || error.name === "Error") throw text(error?.message ?? error);
    throw text(`${error} ${error.stack?.split("\n")[0].trim() ?? ""}`);
  }
}
