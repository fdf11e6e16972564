// The conformance filter (tests/conformance/README.md) with the AssemblyScript SDK: what it can, each thing once.

import { Config, Filter, Level, Request, Verdict, change, event, host, http, register, secret, state } from "./weir";
export { cabi_realloc, setup, process } from "./weir";

const WORDS = [
  "keep", "drop", "error", "getters", "text", "json", "copy", "set", "remove", "emit", "config", "log",
  "print", "count", "now", "random", "state", "ttl", "http", "basic", "hmac", "throw", "loop",
];

class Conformance extends Filter {
  word: string = "";
  text: string = "";
  pointer: string = "";
  value: string = "";
  number: i32 = 0;
  list: string[] = [];
  flag: bool = false;
  url: string = "";
  when: string | null = null;

  setup(config: Config): void {
    this.word = config.text("do");
    if (config.has("text")) this.text = config.text("text");
    if (config.has("pointer")) this.pointer = config.text("pointer");
    if (config.has("value")) this.value = config.text("value");
    if (config.has("number")) this.number = <i32>config.integer("number");
    if (config.has("list")) this.list = config.texts("list");
    if (config.has("flag")) this.flag = config.flag("flag");
    if (config.has("url")) this.url = config.text("url");
    if (config.has("when")) this.when = config.text("when");
    if (this.word == "refuse") config.refuse(this.text);
    else if (!WORDS.includes(this.word)) config.refuse("do: unknown word " + this.word);
  }

  process(): Verdict {
    if (this.when != null && this.when! != event.reason()) return Verdict.keep;
    if (this.word == "drop") return Verdict.drop(this.text);
    if (this.word == "error") return Verdict.error(this.text);
    const problem = this.act();
    return problem == null ? Verdict.keep : Verdict.error(problem);
  }

  // Answers what went wrong.
  act(): string | null {
    const word = this.word;
    if (word == "getters") return this.getters();
    if (word == "text") {
      const text = event.text(this.pointer);
      return text == null ? change.put("/out", false) : change.put("/out", text);
    }
    if (word == "json") {
      const json = event.json(this.pointer);
      return change.set("/out", json == null ? "false" : json);
    }
    if (word == "copy") return change.put("/out", event.message());
    if (word == "set") return change.set(this.pointer, this.value);
    if (word == "remove") change.remove(this.pointer);
    if (word == "emit") return change.emit(this.value);
    if (word == "config") {
      change.put("/out/text", this.text);
      change.put("/out/number", this.number);
      change.put("/out/list", this.list);
      return change.put("/out/flag", this.flag);
    }
    if (word == "log") {
      host.log(Level.Debug, this.text);
      host.log(Level.Info, this.text);
      host.log(Level.Warn, this.text);
      host.log(Level.Error, this.text);
    }
    if (word == "print") host.print(this.text + "\n");
    if (word == "count") host.count(this.text, this.number);
    if (word == "now") return change.put("/out", host.now() > 1577836800000 && host.now() < 4102444800000); // 2020 and 2100
    if (word == "random") return change.put("/out", host.random() != host.random());
    if (word == "state") return this.remember();
    if (word == "ttl") {
      state.putText("t", "x", 1);
      const end = host.now() + 20;
      while (host.now() < end) {}
      return change.put("/out", state.getText("t") == null);
    }
    if (word == "http") return this.post();
    if (word == "basic") return change.put("/out", secret.basic("user", "password").length > 0);
    if (word == "hmac") return change.put("/out", hexadecimal(secret.hmacSha256(this.text, bytes(this.value))));
    if (word == "throw") throw new Error(this.text);
    if (word == "loop") while (true) {}
    return null;
  }

  getters(): string | null {
    change.put("/out/id", event.id());
    change.put("/out/severity", event.severity());
    change.put("/out/reason", event.reason());
    change.put("/out/message", event.message());
    change.put("/out/namespace", event.namespace());
    change.put("/out/kind", event.objectKind());
    change.put("/out/name", event.objectName());
    change.put("/out/component", event.component());
    change.put("/out/node", event.node());
    change.put("/out/count", event.count());
    return change.put("/out/timestamp", event.timestamp());
  }

  remember(): string | null {
    const found = state.getText("k");
    const value = found == null ? "" : found;
    state.putText("k", value + "x");
    change.put("/out/value", value);
    return change.put("/out/sum", state.add("n", -2));
  }

  post(): string | null {
    const response = http.send(new Request("POST", this.url).header("x-test", this.text).text(this.value));
    if (response.error != null) return response.error;
    const header = response.header("x-answer");
    change.put("/out/status", response.status);
    change.put("/out/body", response.text);
    return change.put("/out/header", header == null ? "" : header);
  }
}

function bytes(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function hexadecimal(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += (<u32>bytes[i]).toString(16).padStart(2, "0");
  return text;
}

register(new Conformance());
