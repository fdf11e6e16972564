"""What a sink can do with this SDK; tests/conformance/README.md says what each word of `do` stands for."""

import weir

WORDS = {}


def word(function):
    WORDS[function.__name__] = function
    return function


class Conformance(weir.Sink):
    def setup(self, config):
        if config.get("do") == "refuse":
            raise weir.Error(config["text"])
        if not isinstance(config.get("do"), str) or config["do"] not in WORDS:
            raise weir.Error(f"do: no word that is known: {config.get('do')!r}")
        self.config = config

    def deliver(self, batch):
        return WORDS[self.config["do"]](batch, self.config)


@word
def documents(batch, config):
    weir.output.write(batch.documents())


@word
def each(batch, config):
    weir.output.write("".join(event.document + "\n" for event in batch))


@word
def select(batch, config):
    weir.output.write("".join(event.reason + "\n" for event in batch))


@word
def some(batch, config):
    for event in batch:
        if event.reason == "Bad":
            event.reject(config["text"])
        elif event.reason == "Later":
            event.retry(config["text"])


@word
def retry(batch, config):
    return weir.retry(config["text"])


@word
def reject(batch, config):
    return weir.reject(config["text"])


@word
def error(batch, config):
    raise weir.Error(config["text"])


@word
def after(batch, config):
    batch.retry_after(config["number"])


@word
def past(batch, config):
    weir.SinkEvent(len(batch)).reason


@word
def http(batch, config):
    headers = {"content-type": "application/x-ndjson"}
    try:
        answer = weir.http.send("POST", config["url"], headers=headers, body=batch.documents())
    except weir.Error as error:
        return weir.retry(str(error))
    return None if answer.ok else weir.retry(f"HTTP {answer.status}")


@word
def log(batch, config):
    for level in [weir.log.debug, weir.log.info, weir.log.warn, weir.log.error]:
        level(config["text"])


@word
def count(batch, config):
    weir.count(config["text"], config["number"])


@word
def state(batch, config):
    value = (weir.state.get("k") or b"").decode()
    weir.state.put("k", value + "x")
    weir.output.write(f"{value} {weir.state.add('n', -2)}\n")


@word
def throw(batch, config):
    raise ValueError(config["text"])


@word
def loop(batch, config):
    while True:
        pass
