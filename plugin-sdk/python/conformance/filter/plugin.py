"""What a filter can do with this SDK; tests/conformance/README.md says what each word of `do` stands for."""

import json

import weir

FIELDS = ["id", "severity", "reason", "message", "namespace", "kind", "name", "component", "node", "count", "timestamp"]
WORDS = {}


def word(function):
    WORDS[function.__name__.strip("_")] = function
    return function


class Conformance(weir.Filter):
    def setup(self, config):
        if config.get("do") == "refuse":
            raise weir.Error(config["text"])
        if not isinstance(config.get("do"), str) or config["do"] not in WORDS:
            raise weir.Error(f"do: no word that is known: {config.get('do')!r}")
        self.config = config

    def process(self, event):
        if self.config.get("when", event.reason) != event.reason:
            return None
        return WORDS[self.config["do"]](event, self.config)


@word
def keep(event, config):
    return None


@word
def drop(event, config):
    return weir.drop(config["text"])


@word
def error(event, config):
    raise weir.Error(config["text"])


@word
def getters(event, config):
    for field in FIELDS:
        event.set(f"/out/{field}", getattr(event, field))


@word
def text(event, config):
    found = event.text(config["pointer"])
    event.set("/out", False if found is None else found)


@word
def json_(event, config):
    event.set("/out", event.get(config["pointer"], default=False))


@word
def set_(event, config):
    event.set(config["pointer"], json.loads(config["value"]))


@word
def remove(event, config):
    event.remove(config["pointer"])


@word
def copy(event, config):
    event.set("/out", event.message)


@word
def emit(event, config):
    event.emit(json.loads(config["value"]))


@word
def config_(event, config):
    for key in ["text", "number", "list", "flag"]:
        event.set(f"/out/{key}", config[key])


@word
def log(event, config):
    for level in [weir.log.debug, weir.log.info, weir.log.warn, weir.log.error]:
        level(config["text"])


@word
def print_(event, config):
    print(config["text"])


@word
def count(event, config):
    weir.count(config["text"], config["number"])


@word
def now(event, config):
    event.set("/out", 1577836800000 < weir.now() < 4102444800000)


@word
def random(event, config):
    event.set("/out", weir.random() != weir.random())


@word
def state(event, config):
    value = (weir.state.get("k") or b"").decode()
    weir.state.put("k", value + "x")
    event.set("/out", {"value": value, "sum": weir.state.add("n", -2)})


@word
def ttl(event, config):
    weir.state.put("t", "x", ttl=1)
    end = weir.now() + 20
    while weir.now() < end:
        pass
    event.set("/out", weir.state.get("t") is None)


@word
def http(event, config):
    answer = weir.http.send("POST", config["url"], headers={"x-test": config["text"]}, body=config["value"])
    event.set("/out", {"status": answer.status, "body": answer.text, "header": answer.headers.get("x-answer", "")})


@word
def basic(event, config):
    event.set("/out", weir.secret.basic("user", "password") != "")


@word
def hmac(event, config):
    event.set("/out", weir.secret.hmac_sha256(config["text"], config["value"]).hex())


@word
def throw(event, config):
    raise ValueError(config["text"])


@word
def loop(event, config):
    while True:
        pass
