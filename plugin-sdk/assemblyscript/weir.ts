// @ts-nocheck: editors know neither decorators on functions nor the compiler's built-ins; what is exported has its types all the same.
/**
 * weir's SDK for plugins in AssemblyScript: filters and sinks of the contract `weir:plugin@0.1.0`, in this one file.
 *
 *     import { Config, Filter, Verdict, event, register } from "./weir";
 *     export { cabi_realloc, setup, process } from "./weir"; // of a sink: deliver instead of process
 *
 *     class Mine extends Filter { ... }
 *     register(new Mine());
 *
 * AssemblyScript has no exceptions that can be caught: what can fail answers its error as a text, and null where all is well.
 */

// === what a plugin is ===

/** What `process` answers. */
export class Verdict {
  private constructor(readonly tag: u8, readonly kind: u8, readonly text: string) {}

  static keep: Verdict = new Verdict(0, 0, "");
  /** Why, in a few words; the same words are one row in the drop metrics. */
  static drop(reason: string): Verdict { return new Verdict(0, 1, reason); }
  /** The filter's `onError` decides what becomes of the event. */
  static error(text: string): Verdict { return new Verdict(1, 0, text); }
}

/** What `deliver` answers. */
export class Outcome {
  private constructor(readonly tag: u8, readonly kind: u8, readonly text: string) {}

  /** All that was not rejected or marked for retry has been accepted. */
  static done: Outcome = new Outcome(0, 0, "");
  /** Nothing was accepted; the whole batch comes again. */
  static retry(reason: string): Outcome { return new Outcome(0, 1, reason); }
  /** Nothing will ever be accepted; the whole batch goes to the dead letters. */
  static reject(reason: string): Outcome { return new Outcome(0, 2, reason); }
  /** As `retry`, but shown as the plugin's error. */
  static error(text: string): Outcome { return new Outcome(1, 0, text); }
}

/** What `probe` answers, for `weir check --connect`: what was found, or an error. */
export class Finding {
  private constructor(readonly tag: u8, readonly text: string) {}

  static good(text: string): Finding { return new Finding(0, text); }
  static error(text: string): Finding { return new Finding(1, text); }
}

export abstract class Plugin {
  /** Called before the first event. What `config` was asked for and lacks refuses the configuration, as `config.refuse` does. */
  setup(config: Config): void {}
}

/** Keeps, changes or drops events. */
export abstract class Filter extends Plugin {
  abstract process(): Verdict;
}

/** Delivers batches of events. */
export abstract class Sink extends Plugin {
  abstract deliver(): Outcome;
  /** Called by `weir check --connect`, where the main file exports `probe` too. It writes nothing. */
  probe(): Finding { return Finding.good(""); }
}

let plugin: Plugin | null = null;

/** Once, in the main file: the plugin that weir's calls go to. */
export function register(instance: Plugin): void {
  plugin = instance;
}

// === configuration ===

/**
 * The configuration, typed. A setting is named by its key, or by a JSON pointer such as `/tls/verify`. One that is missing or of another
 * kind refuses the configuration, and the error names it; until then the answer is an empty value. `has` is for settings that may be missing.
 */
export class Config {
  /** The first thing that is wrong; the answer of `setup`. */
  problem: string | null = null;

  constructor(readonly json: Json) {}

  has(key: string): bool {
    const found = this.find(key);
    return found != null && found.kind != JsonKind.Null;
  }
  text(key: string): string {
    const found = this.find(key);
    if (found != null && found.kind == JsonKind.Text) return found.text;
    return this.wrong(key, "a text");
  }
  /** A whole number. */
  integer(key: string): i64 {
    const found = this.find(key);
    if (found != null && found.isInteger) return found.integer;
    this.wrong(key, "a whole number");
    return 0;
  }
  number(key: string): f64 {
    const found = this.find(key);
    if (found != null && found.kind == JsonKind.Number) return found.number;
    this.wrong(key, "a number");
    return 0;
  }
  flag(key: string): bool {
    const found = this.find(key);
    if (found != null && found.kind == JsonKind.Flag) return found.flag;
    this.wrong(key, "true or false");
    return false;
  }
  /** A list of texts. */
  texts(key: string): string[] {
    const found = this.find(key);
    if (found == null || found.kind != JsonKind.List) {
      this.wrong(key, "a list of texts");
      return [];
    }
    const texts: string[] = [];
    for (let i = 0; i < found.items.length; i++) {
      if (found.items[i].kind != JsonKind.Text) this.wrong(key + "[" + i.toString() + "]", "a text");
      texts.push(found.items[i].text);
    }
    return texts;
  }
  /** A map of texts. */
  map(key: string): Map<string, string> {
    const map = new Map<string, string>();
    const found = this.find(key);
    if (found == null || found.kind != JsonKind.Object) {
      this.wrong(key, "a map of texts");
      return map;
    }
    for (let i = 0; i < found.items.length; i++) {
      if (found.items[i].kind != JsonKind.Text) this.wrong(key + "." + found.keys[i], "a text");
      map.set(found.keys[i], found.items[i].text);
    }
    return map;
  }
  /** Refuses the configuration with a text of the plugin's own. */
  refuse(text: string): void {
    if (this.problem == null) this.problem = text;
  }

  private find(key: string): Json | null {
    return key.startsWith("/") ? this.json.at(key) : this.json.get(key);
  }
  private wrong(key: string, expected: string): string {
    this.refuse(key + ": expected " + expected);
    return "";
  }
}

// === JSON ===

export enum JsonKind { Null, Flag, Number, Text, List, Object }

/** A JSON value that was read: of the configuration, of `event.json`, of a server's answer. */
export class Json {
  kind: JsonKind = JsonKind.Null;
  flag: bool = false;
  /** Of a text: the text. Of a number: its digits, as they were written. */
  text: string = "";
  /** Of a list: its items. Of an object: its values, in the order of `keys`. */
  items: Json[] = [];
  keys: string[] = [];

  /** Null where the text is no JSON, or nested more than 100 deep. */
  static parse(text: string): Json | null {
    const reader = new JsonReader(text);
    const value = reader.value(0);
    reader.space();
    return value != null && reader.at == text.length ? value : null;
  }

  get number(): f64 { return this.kind == JsonKind.Number ? F64.parseFloat(this.text) : 0; }
  /** Whether it is a number without fraction and exponent that an i64 surely holds. */
  get isInteger(): bool {
    if (this.kind != JsonKind.Number || this.text.length > 18) return false;
    return !this.text.includes(".") && !this.text.includes("e") && !this.text.includes("E");
  }
  get integer(): i64 { return this.isInteger ? I64.parseInt(this.text) : 0; }

  /** The value of a key, where this is an object that has it. */
  get(key: string): Json | null {
    const index = this.keys.lastIndexOf(key);
    return index < 0 ? null : this.items[index];
  }
  /** What is at a JSON pointer below this value; "" is the value itself. */
  at(pointer: string): Json | null {
    let found: Json | null = this;
    const steps = pointer.split("/");
    for (let i = 1; i < steps.length && found != null; i++) {
      const step = steps[i].replaceAll("~1", "/").replaceAll("~0", "~");
      if (found.kind == JsonKind.List) {
        const index = <i32>I32.parseInt(step);
        found = index.toString() == step && index >= 0 && index < found.items.length ? found.items[index] : null;
      } else {
        found = found.get(step);
      }
    }
    return found;
  }
}

/** Reads one JSON text. A function that answers null has met something else than it looks for. */
class JsonReader {
  at: i32 = 0;

  constructor(readonly source: string) {}

  peek(): i32 { return this.at < this.source.length ? this.source.charCodeAt(this.at) : -1; }

  skip(code: i32): bool {
    if (this.peek() != code) return false;
    this.at++;
    return true;
  }
  space(): void {
    for (;;) {
      const code = this.peek();
      if (code != 0x20 && code != 0x0a && code != 0x0d && code != 0x09) return;
      this.at++;
    }
  }
  word(word: string): bool {
    if (!this.source.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  value(depth: i32): Json | null {
    if (depth > 100) return null;
    this.space();
    const value = new Json();
    const code = this.peek();
    if (code == 0x7b /* { */ || code == 0x5b /* [ */) return this.nested(value, code == 0x7b, depth);
    if (code == 0x22 /* " */) {
      const text = this.text();
      if (text == null) return null;
      value.kind = JsonKind.Text;
      value.text = text;
      return value;
    }
    if (this.word("null")) return value;
    value.kind = JsonKind.Flag;
    if (this.word("false")) return value;
    value.flag = true;
    if (this.word("true")) return value;
    const digits = this.number();
    if (digits == null) return null;
    value.kind = JsonKind.Number;
    value.text = digits;
    return value;
  }

  nested(value: Json, isObject: bool, depth: i32): Json | null {
    const end = isObject ? 0x7d : 0x5d;
    value.kind = isObject ? JsonKind.Object : JsonKind.List;
    this.at++;
    this.space();
    if (this.skip(end)) return value;
    do {
      if (isObject) {
        this.space();
        const key = this.text();
        if (key == null) return null;
        value.keys.push(key);
        this.space();
        if (!this.skip(0x3a /* : */)) return null;
      }
      const item = this.value(depth + 1);
      if (item == null) return null;
      value.items.push(item);
      this.space();
    } while (this.skip(0x2c /* , */));
    return this.skip(end) ? value : null;
  }

  number(): string | null {
    const start = this.at;
    this.skip(0x2d /* - */);
    if (!this.skip(0x30 /* 0 */) && !this.digits()) return null;
    if (this.skip(0x2e /* . */) && !this.digits()) return null;
    if (this.skip(0x65 /* e */) || this.skip(0x45 /* E */)) {
      if (!this.skip(0x2b /* + */)) this.skip(0x2d /* - */);
      if (!this.digits()) return null;
    }
    return this.source.substring(start, this.at);
  }
  digits(): bool {
    const start = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    return this.at > start;
  }

  text(): string | null {
    if (!this.skip(0x22)) return null;
    const start = this.at;
    let escapes = 0;
    for (;;) {
      const code = this.peek();
      if (code < 0x20) return null; // also the end of the source
      if (code == 0x22) break;
      if (code == 0x5c) {
        escapes++;
        this.at++;
        if (this.peek() < 0) return null;
      }
      this.at++;
    }
    const end = this.at++;
    return escapes ? this.unescaped(start, end) : this.source.substring(start, end);
  }
  /** A text never gets longer by this. */
  unescaped(start: i32, end: i32): string | null {
    const units = new StaticArray<u16>(end - start);
    let length = 0;
    for (let i = start; i < end; i++) {
      let code = this.source.charCodeAt(i);
      if (code == 0x5c) {
        code = this.source.charCodeAt(++i);
        if (code == 0x75 /* u */) {
          if (i + 4 >= end) return null;
          code = hexadecimal(this.source, i + 1);
          if (code < 0) return null;
          i += 4;
        } else {
          const which = '"\\/bfnrt'.indexOf(String.fromCharCode(code));
          if (which < 0) return null;
          code = '"\\/\b\f\n\r\t'.charCodeAt(which);
        }
      }
      units[length++] = <u16>code;
    }
    return String.UTF16.decodeUnsafe(changetype<usize>(units), <usize>length << 1);
  }
}

function hexadecimal(source: string, start: i32): i32 {
  let value = 0;
  for (let i = start; i < start + 4; i++) {
    const code = source.charCodeAt(i);
    const letter = (code | 0x20) - 0x61;
    if (code >= 0x30 && code <= 0x39) value = (value << 4) | (code - 0x30);
    else if (letter >= 0 && letter < 6) value = (value << 4) | (letter + 10);
    else return -1;
  }
  return value;
}

/** A text as a JSON string, quotes included. */
export function quote(text: string): string {
  let length = text.length + 2;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20) length += 5;
    else if (code == 0x22 || code == 0x5c) length++;
  }
  // The characters go straight into the string: joining strings would copy them again and again.
  const quoted = changetype<string>(__new(<usize>length << 1, idof<string>()));
  let to = changetype<usize>(quoted);
  store<u16>(to, 0x22);
  to += 2;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20) {
      store<u32>(to, 0x0075005c); // \u
      store<u32>(to, 0x00300030, 4);
      store<u16>(to, 0x30 + (code >> 4), 8);
      store<u16>(to, "0123456789abcdef".charCodeAt(code & 15), 10);
      to += 12;
      continue;
    }
    if (code == 0x22 || code == 0x5c) {
      store<u16>(to, 0x5c);
      to += 2;
    }
    store<u16>(to, <u16>code);
    to += 2;
  }
  store<u16>(to, 0x22);
  return quoted;
}

/** The JSON of a text, a number, a bool, or a list of those. */
export function stringify<T>(value: T): string {
  if (isString<T>()) return quote(<string>value);
  if (isBoolean<T>()) return value ? "true" : "false";
  if (isFloat<T>()) return isFinite(value) ? value.toString() : "null";
  if (isInteger<T>()) return value.toString();
  if (isArray<T>()) {
    const items: string[] = [];
    for (let i = 0; i < value.length; i++) items.push(stringify(value[i]));
    return "[" + items.join(",") + "]";
  }
  ERROR("stringify takes texts, numbers, bools and lists of those");
}

// === the contract's interfaces ===

/** The event at hand. A field that the event lacks is "" or 0. Nothing is copied until it is asked for. */
export namespace event {
  /** Identity of this observation, the same after every restart: `<uid>/<resourceVersion>`. */
  export function id(): string { event_id(OUT); return takeText(OUT); }
  /** `Normal`, `Warning`, or what the reporter wrote. */
  export function severity(): string { event_severity(OUT); return takeText(OUT); }
  export function reason(): string { event_reason(OUT); return takeText(OUT); }
  export function message(): string { event_message(OUT); return takeText(OUT); }
  export function namespace(): string { event_namespace(OUT); return takeText(OUT); }
  /** The kind of the object the event is about. */
  export function objectKind(): string { event_object_kind(OUT); return takeText(OUT); }
  export function objectName(): string { event_object_name(OUT); return takeText(OUT); }
  /** The reporting component. */
  export function component(): string { event_component(OUT); return takeText(OUT); }
  /** Node or instance that reported it. */
  export function node(): string { event_node(OUT); return takeText(OUT); }
  /** How often it has been seen. */
  export function count(): u32 { return event_count(); }
  /** When it was last seen, in milliseconds since 1970. */
  export function timestamp(): u64 { return event_timestamp(); }
  /** The string at a JSON pointer such as `/metadata/labels/app`, without quotes; null where there is no string. */
  export function text(pointer: string): string | null {
    const bytes = utf8(pointer);
    event_text(start(bytes), bytes.byteLength, OUT);
    return takeOption();
  }
  /** The JSON at a pointer; "" is the whole event. Null where there is nothing. */
  export function json(pointer: string): string | null {
    const bytes = utf8(pointer);
    event_json(start(bytes), bytes.byteLength, OUT);
    return takeOption();
  }
}

/** Changing the event at hand: filters only. Changes count when `process` answers `keep`. */
export namespace change {
  /** Puts JSON at a pointer, creating objects on the way; `-` appends to a list. Answers what is wrong, or null. */
  export function set(pointer: string, json: string): string | null {
    const bytes = utf8(pointer), value = utf8(json);
    change_set(start(bytes), bytes.byteLength, start(value), value.byteLength, OUT);
    return takeOption();
  }
  /** Puts a text, a number, a bool, or a list of those at a pointer. Answers what is wrong, or null. */
  export function put<T>(pointer: string, value: T): string | null {
    return set(pointer, stringify(value));
  }
  /** Removes what is at a pointer, if anything. */
  export function remove(pointer: string): void {
    const bytes = utf8(pointer);
    change_remove(start(bytes), bytes.byteLength);
  }
  /** Adds an event (JSON) behind the one at hand. Answers what is wrong, or null. */
  export function emit(json: string): string | null {
    const value = utf8(json);
    change_emit(start(value), value.byteLength, OUT);
    return takeOption();
  }
}

export enum Level { Debug, Info, Warn, Error }

/** What every plugin may use. */
export namespace host {
  export function log(level: Level, message: string): void {
    const bytes = utf8(message);
    host_log(level, start(bytes), bytes.byteLength);
  }
  /** Text for standard output; it is shown as log lines. */
  export function print(text: string): void {
    const bytes = utf8(text);
    host_print(1, start(bytes), bytes.byteLength);
  }
  /** Milliseconds since 1970. */
  export function now(): u64 { return host_now(); }
  /** 64 random bits. */
  export function random(): u64 { return host_random(); }
  /** Adds to a counter of this plugin's own, shown with weir's metrics. */
  export function count(name: string, by: u32): void {
    const bytes = utf8(name);
    host_count(start(bytes), bytes.byteLength, by);
  }
}

/** A small store that the host keeps: it outlives a fault and a reload, and all lanes share it. Only `add` is atomic. */
export namespace state {
  export function get(key: string): Uint8Array | null {
    const bytes = utf8(key);
    state_get(start(bytes), bytes.byteLength, OUT);
    return load<u8>(OUT) ? takeBytes(OUT + 4) : null;
  }
  /** What was put as text. */
  export function getText(key: string): string | null {
    const bytes = utf8(key);
    state_get(start(bytes), bytes.byteLength, OUT);
    return takeOption();
  }
  /** `ttl` in milliseconds; 0 is for as long as there is room. */
  export function put(key: string, value: Uint8Array, ttl: u32 = 0): void {
    const bytes = utf8(key);
    state_put(start(bytes), bytes.byteLength, value.dataStart, value.byteLength, ttl);
  }
  export function putText(key: string, value: string, ttl: u32 = 0): void {
    put(key, Uint8Array.wrap(utf8(value)), ttl);
  }
  /** Adds to a number and returns the sum. The first `add` starts the time. */
  export function add(key: string, by: i32, ttl: u32 = 0): i64 {
    const bytes = utf8(key);
    return state_add(start(bytes), bytes.byteLength, by, ttl);
  }
}

export class Header {
  constructor(readonly name: string, readonly value: string) {}
}

export class Request {
  headers: Header[] = [];
  body: Uint8Array = new Uint8Array(0);
  /** Milliseconds; 0 is what the filter or receiver is configured with. */
  timeout: u32 = 0;

  constructor(readonly method: string, readonly url: string) {}

  header(name: string, value: string): Request {
    this.headers.push(new Header(name, value));
    return this;
  }
  bytes(body: Uint8Array): Request {
    this.body = body;
    return this;
  }
  text(body: string): Request {
    return this.bytes(Uint8Array.wrap(utf8(body)));
  }
}

export class Response {
  /** Not granted, name lookup, connect, TLS, timeout, too large, stopping; null where there is a response, of any status. */
  error: string | null = null;
  status: u16 = 0;
  headers: Header[] = [];
  body: Uint8Array = new Uint8Array(0);

  get isOk(): bool { return this.status >= 200 && this.status < 300; }

  /** The first header of this name, in any case. */
  header(name: string): string | null {
    for (let i = 0; i < this.headers.length; i++) {
      if (isSameName(this.headers[i].name, name)) return this.headers[i].value;
    }
    return null;
  }
  get text(): string { return String.UTF8.decodeUnsafe(this.body.dataStart, this.body.byteLength); }
}

/** In any case. Names are ASCII; `toLowerCase` would bring 10 KB of Unicode tables. */
function isSameName(one: string, other: string): bool {
  if (one.length != other.length) return false;
  for (let i = 0; i < one.length; i++) {
    const code = one.charCodeAt(i), letter = code | 0x20;
    if (code == other.charCodeAt(i)) continue;
    if (letter < 0x61 || letter > 0x7a || letter != (other.charCodeAt(i) | 0x20)) return false;
  }
  return true;
}

/** HTTP through the host, towards origins that the configuration of weir grants. Waiting is no time of the plugin's. */
export namespace http {
  export function send(request: Request): Response {
    const method = utf8(request.method), url = utf8(request.url), body = request.body;
    const count = request.headers.length;
    const buffers: ArrayBuffer[] = []; // until the call is over, the collector must find them
    const pairs = heap.alloc(<usize>count * 16 + 1);
    for (let i = 0; i < count; i++) {
      const name = utf8(request.headers[i].name), value = utf8(request.headers[i].value);
      buffers.push(name);
      buffers.push(value);
      storePair(pairs + <usize>i * 16, start(name), name.byteLength);
      storePair(pairs + <usize>i * 16 + 8, start(value), value.byteLength);
    }
    http_send(start(method), method.byteLength, start(url), url.byteLength, pairs, count, body.dataStart, body.byteLength, request.timeout, OUT);
    heap.free(pairs);

    const response = new Response();
    if (load<u8>(OUT)) {
      response.error = takeText(OUT + 4);
      return response;
    }
    response.status = load<u16>(OUT, 4);
    const list = load<usize>(OUT, 8), length = load<i32>(OUT, 12);
    for (let i = 0; i < length; i++) {
      const pair = list + <usize>i * 16;
      response.headers.push(new Header(takeText(pair), takeText(pair + 8)));
    }
    if (length) heap.free(list);
    response.body = takeBytes(OUT + 16);
    return response;
  }
}

/** Secrets stay with the host: what the configuration holds are placeholders, which it replaces in headers and URLs. */
export namespace secret {
  /** A placeholder for `Basic …` of a user and a password. */
  export function basic(user: string, password: string): string {
    const first = utf8(user), second = utf8(password);
    secret_basic(start(first), first.byteLength, start(second), second.byteLength, OUT);
    return takeText(OUT);
  }
  /** HMAC-SHA256 of data; the key may be a placeholder. */
  export function hmacSha256(key: string, data: Uint8Array): Uint8Array {
    const bytes = utf8(key);
    secret_hmac(start(bytes), bytes.byteLength, data.dataStart, data.byteLength, OUT);
    return takeBytes(OUT);
  }
}

/** A template's text, or what is wrong with it. */
export class Rendered {
  constructor(readonly text: string, readonly error: string | null) {}
}

/** Go's text/template with sprig's text functions: sinks only. */
export namespace template {
  /** What is wrong with a template, or null. For `setup`. */
  export function check(text: string): string | null {
    const bytes = utf8(text);
    template_check(start(bytes), bytes.byteLength, OUT);
    return takeOption();
  }
  /** What a template makes of the event at hand. */
  export function render(text: string): Rendered {
    const bytes = utf8(text);
    template_render(start(bytes), bytes.byteLength, OUT);
    const failed = load<u8>(OUT) != 0, made = takeText(OUT + 4);
    return failed ? new Rendered("", made) : new Rendered(made, null);
  }
}

/** When a file is put aside, and what becomes of those put aside; 0 is "never" and "no limit". */
export class Rotation {
  size_mib: u32 = 0;
  every_minutes: u32 = 0;
  backups: u32 = 0;
  age_days: u32 = 0;
  compress: bool = false;
}

/** The one file that the configuration names at its key `path`: sinks only. */
export namespace file {
  /** Appends whole lines, and returns when the disk has them. Answers what went wrong, or null. */
  export function append(path: string, lines: Uint8Array, rotation: Rotation): string | null {
    const name = utf8(path), r = rotation;
    file_append(start(name), name.byteLength, lines.dataStart, lines.byteLength, r.size_mib, r.every_minutes, r.backups, r.age_days, r.compress, OUT);
    return takeOption();
  }
}

/** The host's standard output: sinks only. */
export namespace output {
  /** Whole lines at a time. Answers what went wrong, or null. */
  export function write(bytes: Uint8Array): string | null {
    output_write(bytes.dataStart, bytes.byteLength, OUT);
    return takeOption();
  }
  export function writeText(text: string): string | null {
    return write(Uint8Array.wrap(utf8(text)));
  }
}

/** The events that a sink has to deliver in one call. Index 0 is selected at first; an index past the end traps. */
export namespace batch {
  export function size(): u32 { return batch_size(); }
  /** Makes the event at this index the one at hand. */
  export function select(index: u32): void { batch_select(index); }
  /** The document to send: the receiver's layout where it has one, else the event. */
  export function document(index: u32): string { batch_document(index, OUT); return takeText(OUT); }
  /** Documents from `from` up to, not including, `to`, each followed by a newline; as bytes, which is much cheaper than as text. */
  export function documents(from: u32, to: u32): Uint8Array { batch_documents(from, to, OUT); return takeBytes(OUT); }
  /** This event will never be accepted. */
  export function reject(index: u32, reason: string): void {
    const bytes = utf8(reason);
    batch_reject(index, start(bytes), bytes.byteLength);
  }
  /** This event was not accepted this time. */
  export function retry(index: u32, reason: string): void {
    const bytes = utf8(reason);
    batch_retry(index, start(bytes), bytes.byteLength);
  }
  /** Do not call again before this many milliseconds have passed, whatever the outcome. */
  export function retryAfter(milliseconds: u32): void { batch_retry_after(milliseconds); }
}

// === what the main file exports ===

/** Where the host puts what it returns. The collector knows nothing of it: it is freed when it has been copied. */
export function cabi_realloc(old: usize, oldLength: usize, alignment: usize, length: usize): usize {
  if (!length) return alignment;
  return oldLength ? heap.realloc(old, length) : heap.alloc(length);
}

export function setup(text: usize, length: usize): usize {
  const json = Json.parse(length ? String.UTF8.decodeUnsafe(text, length) : "");
  if (length) heap.free(text);
  if (json == null) return answerText(1, "the configuration is no JSON");
  const config = new Config(json);
  plugin!.setup(config);
  const problem = config.problem;
  return problem == null ? answerText(0, "") : answerText(1, problem);
}

export function process(): usize {
  const verdict = (plugin! as Filter).process();
  return answer(verdict.tag, verdict.kind, verdict.text);
}

export function deliver(): usize {
  const outcome = (plugin! as Sink).deliver();
  return answer(outcome.tag, outcome.kind, outcome.text);
}

export function probe(): usize {
  const finding = (plugin! as Sink).probe();
  return answerText(finding.tag, finding.text);
}

// Lazy: `abort_` is compiled before this file's variables are.
@lazy let isAborting: bool = false;

/** What `throw` and a failed check end in, by the compiler's option `--use abort=weir/abort_`: the text goes to the log, then it traps. */
export function abort_(message: string | null, fileName: string | null, line: u32, column: u32): void {
  if (!isAborting) {
    isAborting = true; // what is below may fail too, for want of memory
    const text = message == null ? "abort" : message, name = fileName == null ? "" : fileName;
    host.log(Level.Error, text + " (" + name + ":" + line.toString() + ":" + column.toString() + ")");
  }
  unreachable();
}

/** What `Math.random` starts from, by the option `--use seed=weir/seed_`. */
export function seed_(): f64 {
  return reinterpret<f64>(host_random());
}

// === the canonical ABI ===

/** Where the host writes what a function returns: nothing here is larger. */
const OUT: usize = memory.data(24, 8);
/** What the host reads when a call has returned. */
const ANSWER: usize = memory.data(16, 4);
/** The text of the last answer, kept until the next one. */
let answered: usize = 0;

function utf8(text: string): ArrayBuffer {
  return String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
}

@inline
function start(bytes: ArrayBuffer): usize {
  return changetype<usize>(bytes);
}

function storePair(at: usize, pointer: usize, length: usize): void {
  store<usize>(at, pointer);
  store<usize>(at, length, 4);
}

function takeText(at: usize): string {
  const pointer = load<usize>(at), length = load<usize>(at, 4);
  if (!length) return "";
  const text = String.UTF8.decodeUnsafe(pointer, length);
  heap.free(pointer);
  return text;
}

function takeBytes(at: usize): Uint8Array {
  const pointer = load<usize>(at), length = load<usize>(at, 4);
  const bytes = new Uint8Array(<i32>length);
  if (length) {
    memory.copy(bytes.dataStart, pointer, length);
    heap.free(pointer);
  }
  return bytes;
}

/** An option's text; of a result without a value the error. */
function takeOption(): string | null {
  return load<u8>(OUT) ? takeText(OUT + 4) : null;
}

/** result<verdict, string> and result<outcome, string>: an error has no case in front of its text. */
function answer(tag: u8, kind: u8, text: string): usize {
  store<u8>(ANSWER, tag);
  store<u8>(ANSWER, kind, 4);
  storeAnswered(ANSWER + (tag ? 4 : 8), text);
  return ANSWER;
}

function answerText(tag: u8, text: string): usize {
  store<u8>(ANSWER, tag);
  storeAnswered(ANSWER + 4, text);
  return ANSWER;
}

function storeAnswered(at: usize, text: string): void {
  if (answered) heap.free(answered);
  answered = 0;
  const length = String.UTF8.byteLength(text);
  if (length) {
    answered = heap.alloc(length);
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, answered, false, String.UTF8.ErrorMode.REPLACE);
  }
  storePair(at, answered, length);
}

@external("weir:plugin/event@0.1.0", "id") declare function event_id(out: usize): void;
@external("weir:plugin/event@0.1.0", "severity") declare function event_severity(out: usize): void;
@external("weir:plugin/event@0.1.0", "reason") declare function event_reason(out: usize): void;
@external("weir:plugin/event@0.1.0", "message") declare function event_message(out: usize): void;
@external("weir:plugin/event@0.1.0", "namespace") declare function event_namespace(out: usize): void;
@external("weir:plugin/event@0.1.0", "object-kind") declare function event_object_kind(out: usize): void;
@external("weir:plugin/event@0.1.0", "object-name") declare function event_object_name(out: usize): void;
@external("weir:plugin/event@0.1.0", "component") declare function event_component(out: usize): void;
@external("weir:plugin/event@0.1.0", "node") declare function event_node(out: usize): void;
@external("weir:plugin/event@0.1.0", "count") declare function event_count(): u32;
@external("weir:plugin/event@0.1.0", "timestamp") declare function event_timestamp(): u64;
@external("weir:plugin/event@0.1.0", "text") declare function event_text(pointer: usize, length: usize, out: usize): void;
@external("weir:plugin/event@0.1.0", "json") declare function event_json(pointer: usize, length: usize, out: usize): void;

@external("weir:plugin/change@0.1.0", "set")
declare function change_set(pointer: usize, length: usize, json: usize, jsonLength: usize, out: usize): void;
@external("weir:plugin/change@0.1.0", "remove") declare function change_remove(pointer: usize, length: usize): void;
@external("weir:plugin/change@0.1.0", "emit") declare function change_emit(json: usize, length: usize, out: usize): void;

@external("weir:plugin/host@0.1.0", "log") declare function host_log(level: i32, message: usize, length: usize): void;
@external("weir:plugin/host@0.1.0", "print") declare function host_print(fd: i32, bytes: usize, length: usize): void;
@external("weir:plugin/host@0.1.0", "now") declare function host_now(): u64;
@external("weir:plugin/host@0.1.0", "random") declare function host_random(): u64;
@external("weir:plugin/host@0.1.0", "count") declare function host_count(name: usize, length: usize, by: u32): void;

@external("weir:plugin/state@0.1.0", "get") declare function state_get(key: usize, length: usize, out: usize): void;
@external("weir:plugin/state@0.1.0", "put") declare function state_put(key: usize, length: usize, value: usize, valueLength: usize, ttl: u32): void;
@external("weir:plugin/state@0.1.0", "add") declare function state_add(key: usize, length: usize, by: i32, ttl: u32): i64;

@external("weir:plugin/http@0.1.0", "send")
declare function http_send(
  method: usize, methodLength: usize, url: usize, urlLength: usize, headers: usize, headersLength: usize, body: usize, bodyLength: usize,
  timeout: u32, out: usize
): void;

@external("weir:plugin/secret@0.1.0", "basic")
declare function secret_basic(user: usize, userLength: usize, password: usize, passwordLength: usize, out: usize): void;
@external("weir:plugin/secret@0.1.0", "hmac-sha256")
declare function secret_hmac(key: usize, keyLength: usize, data: usize, dataLength: usize, out: usize): void;

@external("weir:plugin/template@0.1.0", "check") declare function template_check(text: usize, length: usize, out: usize): void;
@external("weir:plugin/template@0.1.0", "render") declare function template_render(text: usize, length: usize, out: usize): void;

@external("weir:plugin/file@0.1.0", "append")
declare function file_append(
  path: usize, pathLength: usize, lines: usize, linesLength: usize,
  size: u32, every: u32, backups: u32, age: u32, compress: i32, out: usize
): void;

@external("weir:plugin/output@0.1.0", "write") declare function output_write(bytes: usize, length: usize, out: usize): void;

@external("weir:plugin/batch@0.1.0", "size") declare function batch_size(): u32;
@external("weir:plugin/batch@0.1.0", "select") declare function batch_select(index: u32): void;
@external("weir:plugin/batch@0.1.0", "document") declare function batch_document(index: u32, out: usize): void;
@external("weir:plugin/batch@0.1.0", "documents") declare function batch_documents(from: u32, to: u32, out: usize): void;
@external("weir:plugin/batch@0.1.0", "reject") declare function batch_reject(index: u32, reason: usize, length: usize): void;
@external("weir:plugin/batch@0.1.0", "retry") declare function batch_retry(index: u32, reason: usize, length: usize): void;
@external("weir:plugin/batch@0.1.0", "retry-after") declare function batch_retry_after(milliseconds: u32): void;
