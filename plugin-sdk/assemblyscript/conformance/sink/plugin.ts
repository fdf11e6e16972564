// The conformance sink (tests/conformance/README.md) with the AssemblyScript SDK: what it can, each thing once.

import { Config, Level, Outcome, Request, Sink, batch, event, host, http, output, register, state } from "./weir";
export { cabi_realloc, setup, deliver } from "./weir";

const WORDS = [
  "documents", "each", "select", "some", "retry", "reject", "error", "after", "past", "http", "throw", "loop", "log", "count", "state",
];

class Conformance extends Sink {
  word: string = "";
  text: string = "";
  number: u32 = 0;
  url: string = "";

  setup(config: Config): void {
    this.word = config.text("do");
    if (config.has("text")) this.text = config.text("text");
    if (config.has("number")) this.number = <u32>config.integer("number");
    if (config.has("url")) this.url = config.text("url");
    if (this.word == "refuse") config.refuse(this.text);
    else if (!WORDS.includes(this.word)) config.refuse("do: unknown word " + this.word);
  }

  deliver(): Outcome {
    const word = this.word;
    const size = batch.size();
    if (word == "documents") return written(output.write(batch.documents(0, size)));
    if (word == "each" || word == "select") {
      const lines: string[] = []; // joined once: `+` copies all that there is each time
      for (let i: u32 = 0; i < size; i++) lines.push(this.line(i));
      return written(output.writeText(lines.join("\n") + "\n"));
    }
    if (word == "some") {
      for (let i: u32 = 0; i < size; i++) {
        batch.select(i);
        const reason = event.reason();
        if (reason == "Bad") batch.reject(i, this.text);
        if (reason == "Later") batch.retry(i, this.text);
      }
    }
    if (word == "retry") return Outcome.retry(this.text);
    if (word == "reject") return Outcome.reject(this.text);
    if (word == "error") return Outcome.error(this.text);
    if (word == "after") batch.retryAfter(this.number);
    if (word == "past") batch.select(size);
    if (word == "http") {
      const request = new Request("POST", this.url).header("content-type", "application/x-ndjson").bytes(batch.documents(0, size));
      const response = http.send(request);
      if (response.error != null) return Outcome.retry(response.error!);
      if (!response.isOk) return Outcome.retry("HTTP " + response.status.toString());
    }
    if (word == "throw") throw new Error(this.text);
    if (word == "loop") while (true) {}
    if (word == "log") {
      host.log(Level.Debug, this.text);
      host.log(Level.Info, this.text);
      host.log(Level.Warn, this.text);
      host.log(Level.Error, this.text);
    }
    if (word == "count") host.count(this.text, this.number);
    if (word == "state") {
      const found = state.getText("k");
      const value = found == null ? "" : found;
      state.putText("k", value + "x");
      return written(output.writeText(value + " " + state.add("n", -2).toString() + "\n"));
    }
    return Outcome.done;
  }

  line(index: u32): string {
    if (this.word == "each") return batch.document(index);
    batch.select(index);
    return event.reason();
  }
}

function written(problem: string | null): Outcome {
  return problem == null ? Outcome.done : Outcome.error(problem);
}

register(new Conformance());
