// Posts events, a line each: {"url": "https://collector.example/events"}
import { sink, retry, reject, http, type Response } from "./weir.js";

let url: string;

export const { setup, deliver } = sink({
  setup(config: { url?: unknown }) {
    if (typeof config.url !== "string" || !/^https?:\/\//.test(config.url)) {
      throw new Error("url: an address that starts with http:// or https:// is needed");
    }
    url = config.url;
  },

  // Called for each batch. Returning nothing says that all of it was accepted.
  deliver(batch) {
    let answer: Response;
    try {
      answer = http.send({
        method: "POST",
        url,
        headers: { "content-type": "application/x-ndjson" },
        body: batch.documents(), // bytes from the host to the host: cheap, however large
      });
    } catch (error) {
      return retry((error as Error).message); // no connection, no answer in time: the batch comes again
    }
    if (answer.ok) return;
    if (answer.status !== 429 && answer.status < 500) return reject(`HTTP ${answer.status}`); // to the dead letters
    const seconds = Number(answer.headers["retry-after"]);
    if (seconds > 0) batch.retryAfter(seconds * 1000);
    return retry(`HTTP ${answer.status}`);
  },
});
