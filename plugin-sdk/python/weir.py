"""Plugins for weir in Python: the host's functions, and what makes a plugin of a class.

    import weir

    class DropPulled(weir.Filter):
        def process(self, event):
            if event.reason == "Pulled":
                return weir.drop("reason Pulled")
"""

import json
import operator
import sys
import time
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Union

# wit_world is what componentize-py makes of wit/weir.wit while it builds.
from componentize_py_types import Err
from wit_world.imports import event as _event, host as _host, http as _http, secret as _secret, state as _state, types as _types

try:  # only filters may change events
    from wit_world.imports import change as _change
except ImportError:  # only sinks have these
    from wit_world.imports import batch as _batch, file as _file, output as _output, template as _template

Bytes = Union[bytes, bytearray, str]


class Error(Exception):
    """What went wrong, for people. Raised by the host's functions, and to be raised by plugins."""


# What is of another type than the contract's would end the instance instead of raising something.


def _text(value: Any) -> str:
    text = str(value)
    return text if text.isascii() else text.encode(errors="replace").decode()


def _bytes(value: Bytes) -> bytes:
    return value.encode(errors="replace") if isinstance(value, str) else bytes(value)


def _number(value: int, low: int = 0, high: int = 2**32 - 1) -> int:
    if not low <= operator.index(value) <= high:
        raise OverflowError(f"{value} is not between {low} and {high}")
    return value


def _call(function, *arguments):
    """Calls the host; its error is an Error."""
    try:
        return function(*arguments)
    except Err as error:
        raise Error(error.value) from None


# What a plugin answers


@dataclass(frozen=True)
class Drop:
    reason: str


@dataclass(frozen=True)
class Retry:
    reason: str


@dataclass(frozen=True)
class Reject:
    reason: str


def drop(reason: str) -> Drop:
    """The event goes no further. The same few words are one row in the metrics."""
    return Drop(reason)


def retry(reason: str) -> Retry:
    """Nothing of the batch was accepted; all of it comes again."""
    return Retry(reason)


def reject(reason: str) -> Reject:
    """Nothing of the batch will ever be accepted; it goes to the dead letters."""
    return Reject(reason)


# Events


class Event:
    """The event at hand. A field that it lacks reads as "" or 0. Pointers (RFC 6901) address the core/v1 form."""

    def _select(self) -> None:
        """Makes it the one that the host reads; a filter has one only."""

    def _read(self, field):
        self._select()
        return field()

    id: str = property(lambda self: self._read(_event.id), doc="<uid>/<resourceVersion>, the same after every restart.")
    severity: str = property(lambda self: self._read(_event.severity), doc="Normal, Warning, or what the reporter wrote.")
    reason: str = property(lambda self: self._read(_event.reason))
    message: str = property(lambda self: self._read(_event.message))
    namespace: str = property(lambda self: self._read(_event.namespace))
    kind: str = property(lambda self: self._read(_event.object_kind), doc="Kind of the object that the event is about.")
    name: str = property(lambda self: self._read(_event.object_name), doc="Name of the object that the event is about.")
    component: str = property(lambda self: self._read(_event.component))
    node: str = property(lambda self: self._read(_event.node), doc="Node or instance that reported it.")
    count: int = property(lambda self: self._read(_event.count), doc="How often it has been seen.")
    timestamp: int = property(lambda self: self._read(_event.timestamp), doc="When it was last seen, milliseconds since 1970.")

    def text(self, pointer: str) -> Optional[str]:
        """The text at a pointer; None where there is none."""
        self._select()
        return _event.text(_text(pointer))

    def json(self, pointer: str = "") -> Optional[str]:
        """The JSON text at a pointer; None where there is nothing."""
        self._select()
        return _event.json(_text(pointer))

    def get(self, pointer: str = "", default: Any = None) -> Any:
        """The value at a pointer; the default where there is nothing."""
        found = self.json(pointer)
        return default if found is None else json.loads(found)


class FilterEvent(Event):
    """The event that a filter decides about."""

    def set(self, pointer: str, value: Any) -> None:
        """Puts a value at a pointer, creating objects on the way; `-` appends to an array."""
        _call(_change.set, _text(pointer), _text(json.dumps(value, ensure_ascii=False)))

    def remove(self, pointer: str) -> None:
        """Removes what is at a pointer, if anything."""
        _change.remove(_text(pointer))

    def emit(self, event: Mapping) -> None:
        """Adds an event behind the one at hand."""
        _call(_change.emit, _text(json.dumps(event, ensure_ascii=False)))


class SinkEvent(Event):
    """An event of a batch."""

    _selected = 0  # index of the one at hand

    def __init__(self, index: int):
        self.index = index

    def _select(self) -> None:
        if SinkEvent._selected != self.index:
            _batch.select(self.index)
            SinkEvent._selected = self.index

    @property
    def document(self) -> str:
        """What is to be sent: the receiver's layout where it has one, else the event as JSON."""
        return _batch.document(self.index)

    def render(self, template: str) -> str:
        """The text that a template makes of this event."""
        self._select()
        return _call(_template.render, _text(template))

    def reject(self, reason: str) -> None:
        """It will never be accepted: it goes to the dead letters."""
        _batch.reject(self.index, _text(reason))

    def retry(self, reason: str) -> None:
        """It was not accepted this time."""
        _batch.retry(self.index, _text(reason))


class Batch:
    """The events that a sink delivers in one call."""

    def __len__(self) -> int:
        return _batch.size()

    def __iter__(self) -> Iterator[SinkEvent]:
        return map(SinkEvent, range(len(self)))

    def __getitem__(self, index: int) -> SinkEvent:
        return SinkEvent(range(len(self))[index])

    def documents(self, start: int = 0, end: Optional[int] = None) -> bytes:
        """Documents from `start` up to, not including, `end`, each followed by a newline."""
        return _batch.documents(_number(start), len(self) if end is None else _number(end))

    def retry_after(self, milliseconds: int) -> None:
        """Do not call again before so many milliseconds have passed, whatever the outcome."""
        _batch.retry_after(_number(milliseconds))


# What the host does for plugins


class log:
    @staticmethod
    def debug(message: str) -> None:
        _host.log(_host.Level.DEBUG, _text(message))

    @staticmethod
    def info(message: str) -> None:
        _host.log(_host.Level.INFO, _text(message))

    @staticmethod
    def warn(message: str) -> None:
        _host.log(_host.Level.WARN, _text(message))

    @staticmethod
    def error(message: str) -> None:
        _host.log(_host.Level.ERROR, _text(message))


def now() -> int:
    """Milliseconds since 1970."""
    return _host.now()


def random() -> int:
    """64 bits."""
    return _host.random()


def count(name: str, by: int = 1) -> None:
    """Adds to a counter of this plugin's own, shown with the host's metrics."""
    _host.count(_text(name), _number(by))


class state:
    """What the host keeps for each use of a plugin. `ttl` in milliseconds; 0 is for as long as there is room."""

    @staticmethod
    def get(key: str) -> Optional[bytes]:
        return _state.get(_text(key))

    @staticmethod
    def put(key: str, value: Bytes, ttl: int = 0) -> None:
        _state.put(_text(key), _bytes(value), _number(ttl))

    @staticmethod
    def add(key: str, by: int = 1, ttl: int = 0) -> int:
        """Adds to a number and returns the sum. The first `add` starts the `ttl`."""
        return _state.add(_text(key), _number(by, -(2**31), 2**31 - 1), _number(ttl))


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]  # names in lower case; of several with the same name the first
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class http:
    @staticmethod
    def send(method: str, url: str, headers: Mapping[str, str] = {}, body: Bytes = b"", timeout: int = 0) -> Response:
        """A request to what this use was granted. Raises Error when there is no answer. `timeout` in milliseconds."""
        pairs = [(_text(name), _text(value)) for name, value in headers.items()]
        request = _http.Request(_text(method), _text(url), pairs, _bytes(body), _number(timeout))
        answer = _call(_http.send, request)
        first = {name.lower(): value for name, value in reversed(answer.headers)}
        return Response(answer.status, first, answer.body)


class secret:
    """Secrets stay with the host: what the configuration has and what these return are placeholders."""

    @staticmethod
    def basic(user: str, password: str) -> str:
        return _secret.basic(_text(user), _text(password))

    @staticmethod
    def hmac_sha256(key: str, data: Bytes) -> bytes:
        return _secret.hmac_sha256(_text(key), _bytes(data))


class output:
    @staticmethod
    def write(data: Bytes) -> None:
        """Sinks: whole lines to the host's standard output."""
        _call(_output.write, _bytes(data))


class template:
    @staticmethod
    def check(source: str) -> None:
        """Sinks: whether a template can be read; raises what is wrong with it. `event.render` renders it."""
        _call(_template.check, _text(source))


class file:
    @staticmethod
    def append(path: str, lines: Bytes, size: int = 0, every: int = 0, backups: int = 0, age: int = 0, compress: bool = False) -> None:
        """Sinks: whole lines to the one file that the configuration names at `path`. `size` in MiB, `every` in minutes, `age` in days."""
        numbers = [_number(number) for number in (size, every, backups, age)]
        _call(_file.append, _text(path), _bytes(lines), _file.Rotation(*numbers, bool(compress)))


# What makes a plugin of a class


class _Plugin:
    def __init_subclass__(cls, **arguments):
        super().__init_subclass__(**arguments)
        if cls.__module__ == __name__:  # Filter and Sink
            return
        # componentize-py looks for a class of this name in the plugin's module.
        sys.modules[cls.__module__].WitWorld = type("WitWorld", (_World,), {"plugin": cls})

    def setup(self, config: dict) -> None:
        """Once for each instance, before its first event. Raise what is wrong with the configuration."""


class Filter(_Plugin):
    def process(self, event: FilterEvent) -> Optional[Drop]:
        """For each event. None keeps it. What is raised is an error; `onError` decides about the event."""
        raise NotImplementedError


class Sink(_Plugin):
    def deliver(self, batch: Batch) -> Union[None, Retry, Reject]:
        """For each batch. None says that all was accepted. What is raised is an error; the whole batch comes again."""
        raise NotImplementedError

    def probe(self) -> str:
        """Whether it would work, a line for each finding; for the world `sink-probe`."""
        return ""


class _World:
    """What componentize-py calls, on a new object each time: hence the class attributes."""

    plugin: type
    at_work: _Plugin

    def setup(self, config: str) -> None:
        if "random" in sys.modules:  # else each instance would have the numbers of the build
            sys.modules["random"].seed(_host.random())
        _World.at_work = _answer(self.plugin)
        _answer(self.at_work.setup, json.loads(config))

    def process(self):
        answer = _answer(self.at_work.process, FilterEvent())
        if answer is None:
            return _types.Verdict_Keep()
        if isinstance(answer, Drop):
            return _types.Verdict_Drop(_text(answer.reason))
        raise Err(_text(f"process answered {answer!r}, not None or weir.drop(reason)"))

    def deliver(self):
        SinkEvent._selected = 0
        answer = _answer(self.at_work.deliver, Batch())
        if answer is None:
            return _types.Outcome_Done()
        if isinstance(answer, Retry):
            return _types.Outcome_Retry(_text(answer.reason))
        if isinstance(answer, Reject):
            return _types.Outcome_Reject(_text(answer.reason))
        raise Err(_text(f"deliver answered {answer!r}, not None, weir.retry(reason) or weir.reject(reason)"))

    def probe(self) -> str:
        return _text(_answer(self.at_work.probe))


class _Printed:
    """What print() writes: lines of the host's log. By host.log, not host.print: bytes that are handed over are never freed."""

    encoding = "utf-8"

    def __init__(self, log):
        self.log = log
        self.rest = ""

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            self.log(line)
        return len(text)

    def flush(self) -> None:
        if self.rest:
            self.write("\n")

    def isatty(self) -> bool:
        return False


sys.stdout, sys.stderr = _PRINTED = _Printed(log.info), _Printed(log.warn)


def _answer(call, *arguments):
    """What is raised becomes the answered error: an exception that leaves the plugin ends the instance."""
    try:
        return call(*arguments)
    except MemoryError:
        raise  # and so it should: only a fresh instance has room again
    except Error as error:
        raise Err(_text(error)) from None
    except BaseException as error:
        # By hand: the module traceback reads the source file, and there are no files.
        place = error.__traceback__
        while place.tb_next:
            place = place.tb_next
        code = place.tb_frame.f_code
        raise Err(_text(f"{type(error).__name__}: {error} ({code.co_filename}, line {place.tb_lineno}, in {code.co_name})")) from None
    finally:
        for printed in _PRINTED:
            printed.flush()


# WASI's clock is a stub that ends the instance.
time.time = time.monotonic = time.perf_counter = lambda: _host.now() / 1000
time.time_ns = lambda: _host.now() * 1_000_000
