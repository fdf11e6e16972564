// A sink: posts each batch of events to an HTTP server, a line of JSON an event.

import { Config, Outcome, Request, Sink, batch, http, register } from "./weir";
export { cabi_realloc, setup, deliver } from "./weir"; // what weir calls

class Post extends Sink {
  url: string = "";

  // Called before the first batch. What is missing, or no text, refuses the configuration.
  setup(config: Config): void {
    this.url = config.text("url");
    if (!this.url.startsWith("http://") && !this.url.startsWith("https://")) config.refuse("url: expected http:// or https://");
  }

  // Called for each batch.
  deliver(): Outcome {
    const request = new Request("POST", this.url)
      .header("content-type", "application/x-ndjson")
      .bytes(batch.documents(0, batch.size()));
    const response = http.send(request);
    if (response.error != null) return Outcome.retry(response.error!); // the whole batch comes again

    if (response.isOk) return Outcome.done;
    const status = "HTTP " + response.status.toString();
    if (response.status != 429 && response.status < 500) return Outcome.reject(status); // to the dead letters, with this reason

    const seconds = response.header("retry-after");
    if (seconds != null && isDigits(seconds)) batch.retryAfter(<u32>I32.parseInt(seconds) * 1000);
    return Outcome.retry(status);
  }
}

// A server may also answer a date, which is not taken.
function isDigits(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) < 0x30 || text.charCodeAt(i) > 0x39) return false;
  }
  return text.length > 0 && text.length < 7;
}

register(new Post());
