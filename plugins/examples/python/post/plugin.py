"""Posts events, a line each: {"url": "https://collector.example/events"}"""

import weir


class Post(weir.Sink):
    def setup(self, config):
        self.url = config.get("url")
        if not isinstance(self.url, str) or not self.url.startswith(("http://", "https://")):
            raise weir.Error("url: an address that starts with http:// or https:// is needed")

    # Called for each batch. Returning nothing says that all of it was accepted.
    def deliver(self, batch):
        headers = {"content-type": "application/x-ndjson"}
        try:
            answer = weir.http.send("POST", self.url, headers=headers, body=batch.documents())
        except weir.Error as error:
            return weir.retry(str(error))  # no connection, no answer in time: the batch comes again
        if answer.ok:
            return None
        if answer.status != 429 and answer.status < 500:
            return weir.reject(f"HTTP {answer.status}")  # to the dead letters
        seconds = answer.headers.get("retry-after", "")
        if seconds.isdecimal():
            batch.retry_after(int(seconds) * 1000)
        return weir.retry(f"HTTP {answer.status}")
