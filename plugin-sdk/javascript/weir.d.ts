// What weir.js has, for TypeScript and for editors.

/** The event at hand. A field that the event lacks reads as "" or 0. Pointers (RFC 6901) address the core/v1 form. */
export interface Event {
  /** Identity of this observation, the same after every restart: `<uid>/<resourceVersion>`. */
  readonly id: string;
  /** `Normal`, `Warning`, or what the reporter wrote. */
  readonly severity: string;
  readonly reason: string;
  readonly message: string;
  readonly namespace: string;
  /** Kind of the object that the event is about. */
  readonly kind: string;
  /** Name of the object that the event is about. */
  readonly name: string;
  readonly component: string;
  /** Node or instance that reported it. */
  readonly node: string;
  /** How often it has been seen. */
  readonly count: number;
  /** When it was last seen, milliseconds since the Unix epoch. */
  readonly timestamp: number;
  /** The text at a pointer; undefined where there is none. */
  text(pointer: string): string | undefined;
  /** The JSON text at a pointer, the whole event without one; undefined where there is nothing. */
  json(pointer?: string): string | undefined;
  /** The value at a pointer, parsed; undefined where there is nothing. */
  get(pointer?: string): any;
}

/** The event that a filter decides about. */
export interface FilterEvent extends Event {
  /** Puts a value at a pointer, creating objects on the way; `-` appends to an array. */
  set(pointer: string, value: unknown): void;
  /** Removes what is at a pointer, if anything. */
  remove(pointer: string): void;
  /** Adds an event behind the one at hand. */
  emit(event: object): void;
}

/** An event of a sink's batch. */
export interface SinkEvent extends Event {
  /** What is to be sent: the receiver's layout where it has one, else the event as JSON. */
  readonly document: string;
  /** The text that a template makes of this event. */
  render(template: string): string;
  /** It will never be accepted: it goes to the dead letters. */
  reject(reason: string): void;
  /** It was not accepted this time. */
  retry(reason: string): void;
}

/** The events that a sink delivers in one call. */
export interface Batch extends Iterable<SinkEvent> {
  readonly size: number;
  /** The event at an index; reading one that is not there ends the instance. */
  event(index: number): SinkEvent;
  /** Documents from `start` up to, not including, `end`, each followed by a newline. All of them by default. */
  documents(start?: number, end?: number): Uint8Array;
  /** Do not call again before so many milliseconds have passed, whatever the outcome. */
  retryAfter(milliseconds: number): void;
}

export interface Verdict { readonly tag: "keep" | "drop"; readonly val?: string }
export interface Outcome { readonly tag: "done" | "retry" | "reject"; readonly val?: string }

export const keep: Verdict;
/** The event goes no further. The same few words are one row in the metrics. */
export function drop(reason: string): Verdict;
/** All that was not rejected or marked for retry has been accepted. */
export const done: Outcome;
/** Nothing was accepted; the whole batch comes again. */
export function retry(reason: string): Outcome;
/** Nothing will ever be accepted; the whole batch goes to the dead letters. */
export function reject(reason: string): Outcome;

export interface Filter<Config = any> {
  /** Once for each instance, before its first event. Throw what is wrong with the configuration. */
  setup?(config: Config): void;
  /** For each event. Nothing returned is `keep`. What is thrown is an error; `onError` decides about the event. */
  process(event: FilterEvent): Verdict | void;
}

export interface Sink<Config = any> {
  /** Once for each instance, before its first batch. Throw what is wrong with the configuration. */
  setup?(config: Config): void;
  /** For each batch. Nothing returned is `done`. What is thrown is an error; the whole batch comes again. */
  deliver(batch: Batch): Outcome | void;
  /** Whether it would work, a line for each finding; for the world `sink-probe`. */
  probe?(): string;
}

/** `export const { setup, process } = filter({ setup(config) { … }, process(event) { … } })` */
export function filter<Config = any>(plugin: Filter<Config>): { setup(config: string): void; process(): Verdict };
/** `export const { setup, deliver } = sink({ setup(config) { … }, deliver(batch) { … } })` */
export function sink<Config = any>(plugin: Sink<Config>): { setup(config: string): void; deliver(): Outcome; probe(): string };

export const log: Record<"debug" | "info" | "warn" | "error", (message: string) => void>;
/** Milliseconds since the Unix epoch. */
export function now(): number;
/** 64 bits. */
export function random(): bigint;
/** Adds to a counter of this plugin's own, shown with the host's metrics. */
export function count(name: string, by?: number): void;

/** What the host keeps for each use of a plugin. `ttl` in milliseconds; 0, the default, is for as long as there is room. */
export const state: {
  get(key: string): string | undefined;
  getBytes(key: string): Uint8Array | undefined;
  put(key: string, value: string | Uint8Array, ttl?: number): void;
  /** Adds to a number and returns the sum. The first `add` starts the `ttl`. */
  add(key: string, by?: number, ttl?: number): number;
};

export interface Request {
  method?: string;
  url: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Milliseconds; 0, the default, is what the filter or receiver is configured with. */
  timeout?: number;
}

export interface Response {
  readonly status: number;
  /** Whether the status is 2xx. */
  readonly ok: boolean;
  /** Names in lower case; of several with the same name the first. */
  readonly headers: Record<string, string | undefined>;
  readonly body: Uint8Array;
  text(): string;
}

/** Requests through the host, to what this use was granted. Throws when there is no answer: not granted, connect, timeout. */
export const http: { send(request: Request): Response };

/** Secrets stay with the host: what the configuration has and what these return are placeholders. */
export const secret: {
  basic(user: string, password: string): string;
  hmacSha256(key: string, data: string | Uint8Array): Uint8Array;
};

/** Sinks: whether a template can be read; throws what is wrong with it. `event.render` renders it. */
export const template: { check(template: string): void };

export interface Rotation {
  /** MiB that a file may have. */
  size?: number;
  /** Minutes after which a file that is not empty is put aside. */
  every?: number;
  /** How many of the files put aside are kept. */
  backups?: number;
  /** Days for which files put aside are kept. */
  age?: number;
  compress?: boolean;
}

/** Sinks: whole lines to the one file that the configuration names at `path`. */
export const file: { append(path: string, lines: string | Uint8Array, rotation?: Rotation): void };
/** Sinks: whole lines to the host's standard output. */
export const output: { write(bytes: string | Uint8Array): void };

declare global {
  interface Console {
    log(...data: any[]): void;
    debug(...data: any[]): void;
    info(...data: any[]): void;
    warn(...data: any[]): void;
    error(...data: any[]): void;
  }
  var console: Console;
}
