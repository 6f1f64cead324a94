"""OData's query options as SensorThings uses them: ``$filter``, ``$orderby``, ``$expand``, ``$select`` ….

Example: ``$filter=result gt 800 and phenomenonTime ge 2026-03-01T00:00:00Z`` keeps a class's stuffy hours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from api.parameters import instant, integer
from geodata.errors import InvalidInput

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>@?[A-Za-z_][\w.@/-]*)|(?P<mark>[(),]))",
    re.ASCII,
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}
_FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "substringof": (2, lambda part, text: str(part) in str(text)),
    "contains": (2, lambda text, part: str(part) in str(text)),
    "startswith": (2, lambda text, part: str(text).startswith(str(part))),
    "endswith": (2, lambda text, part: str(text).endswith(str(part))),
    "tolower": (1, lambda text: str(text).lower()),
    "toupper": (1, lambda text: str(text).upper()),
    "length": (1, lambda text: len(str(text))),
    "year": (1, lambda time: time.year),
    "month": (1, lambda time: time.month),
    "day": (1, lambda time: time.day),
    "hour": (1, lambda time: time.hour),
    "round": (1, round),
}
_MOST_DEPTH, _MOST_TOKENS, MOST_TOP = 20, 400, 1000
Value = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Options:
    """Query options, of a request or of one expansion."""

    top: int = 100
    skip: int = 0
    count: bool = False
    filter: Value | None = None
    orderby: tuple[tuple[str, bool], ...] = ()
    select: tuple[str, ...] = ()
    expand: Mapping[str, Options] = field(default_factory=dict)


_NAMES = ("$top", "$skip", "$count", "$filter", "$orderby", "$select", "$expand", "$resultFormat")


def options(given: Mapping[str, str], depth: int = 0) -> Options:
    """Query options from their texts.

    Raises:
        InvalidInput: One is unknown or not understood.
    """
    unknown = sorted(set(given) - set(_NAMES))
    if unknown or depth > 4:
        raise InvalidInput(
            "this query option is not known here",
            field=unknown[0] if unknown else "$expand",
            expected=", ".join(_NAMES),
        )
    count = given.get("$count", "false")
    if count not in ("true", "false"):
        raise InvalidInput("this is neither true nor false", field="$count", value=count)
    return Options(
        top=integer(given["$top"], "$top", 0, MOST_TOP) if "$top" in given else 100,
        skip=integer(given["$skip"], "$skip", 0, 10**12) if "$skip" in given else 0,
        count=count == "true",
        filter=_Parser(given["$filter"]).whole() if "$filter" in given else None,
        orderby=_orderby(given["$orderby"]) if "$orderby" in given else (),
        select=tuple(part.strip() for part in given["$select"].split(",")) if "$select" in given else (),
        expand=_expand(given["$expand"], depth) if "$expand" in given else {},
    )


def _orderby(text: str) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in text.split(","):
        name, _, way = part.strip().partition(" ")
        if not re.fullmatch(r"@?[A-Za-z][\w./@]*", name) or way.strip() not in ("", "asc", "desc"):
            raise InvalidInput(
                "this is no order", field="$orderby", value=text, expected="phenomenonTime desc"
            )
        order.append((name, way.strip() == "desc"))
    return tuple(order)


def _expand(text: str, depth: int) -> dict[str, Options]:
    found: dict[str, Options] = {}
    for part in split(text, ","):
        name, _, inner = part.strip().partition("(")
        if inner and not inner.endswith(")"):
            raise InvalidInput("a bracket is not closed", field="$expand", value=text)
        pairs = [item.partition("=") for item in split(inner[:-1], ";") if item.strip()]
        head, _, rest = name.partition("/")
        given = {key.strip(): value for key, _, value in pairs}
        if rest:
            given["$expand"] = rest
        found[head] = options(given, depth + 1)
    return found


def split(text: str, mark: str) -> list[str]:
    """Split at a mark that stands outside brackets and quotes."""
    parts, depth, quoted, last = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
            if letter == mark and depth == 0:
                parts.append(text[last:place])
                last = place + 1
    return [*parts, text[last:]]


class _Parser:
    """Reads a filter: alternatives of conjunctions of comparisons, with functions and brackets."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens(text)
        self.at = 0
        self.depth = 0

    def _tokens(self, text: str) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None or len(tokens) >= _MOST_TOKENS:
                raise self._wrong()
            tokens.append((str(found.lastgroup), found.group(str(found.lastgroup))))
            place = found.end()
        return tokens

    def _wrong(self) -> InvalidInput:
        return InvalidInput(
            "the filter is not understood", field="$filter", value=self.text, expected="name eq 'x'"
        )

    def whole(self) -> Value:
        """The filter as a function of an entity."""
        value = self._or()
        if self.at != len(self.tokens):
            raise self._wrong()
        return value

    def _next(self, *words: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at][1] in words:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def _or(self) -> Value:
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise self._wrong()
        parts = [self._and()]
        while self._next("or"):
            parts.append(self._and())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def _and(self) -> Value:
        parts = [self._not()]
        while self._next("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def _not(self) -> Value:
        if self._next("not"):
            self.depth += 1
            if self.depth > _MOST_DEPTH:
                raise self._wrong()
            inner = self._not()
            self.depth -= 1
            return lambda item: not inner(item)
        left = self._value()
        sign = self._next(*_COMPARE)
        if sign is None:
            return left
        right, compare = self._value(), _COMPARE[sign]
        return lambda item: _compared(compare, left(item), right(item))

    def _value(self) -> Value:
        if self._next("("):
            inner = self._or()
            if not self._next(")"):
                raise self._wrong()
            return inner
        if self.at >= len(self.tokens):
            raise self._wrong()
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "text":
            return _constant(text[1:-1].replace("''", "'"))
        if kind == "time":
            return _constant(instant(text, "$filter"))
        if kind == "number":
            return _constant(float(text))
        if kind == "name":
            return self._named(text)
        raise self._wrong()

    def _named(self, name: str) -> Value:
        if name in ("true", "false", "null"):
            return _constant({"true": True, "false": False, "null": None}[name])
        if name in _FUNCTIONS and self._next("("):
            return self._called(*_FUNCTIONS[name])
        path = name.split("/")
        return lambda item: member(item, path)

    def _called(self, count: int, function: Callable[..., Any]) -> Value:
        arguments = [self._value()]
        while self._next(","):
            arguments.append(self._value())
        if len(arguments) != count or not self._next(")"):
            raise self._wrong()

        def call(item: Mapping[str, Any]) -> Any:
            values = [argument(item) for argument in arguments]
            try:
                return None if None in values else function(*values)
            except (TypeError, AttributeError, ValueError, OverflowError):
                return None

        return call


def _constant(value: Any) -> Value:
    return lambda _: value


def _compared(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if isinstance(right, datetime) and isinstance(left, str):
        left = _time(left)
    elif isinstance(left, datetime) and isinstance(right, str):
        right = _time(right)
    try:
        return bool(compare(left, right))
    except TypeError:
        return False


def _time(text: str) -> datetime | None:
    """The instant of a text, of an interval its start; None if it is none."""
    try:
        return datetime.fromisoformat(text.partition("/")[0]).astimezone(UTC)
    except ValueError:
        return None


def member(item: Mapping[str, Any], path: Sequence[str]) -> Any:
    """A member of an entity by its path; ``id`` is its ``@iot.id``."""
    value: Any = item
    for part in path:
        name = "@iot.id" if part == "id" else part
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def ordered(items: list[dict[str, Any]], orderby: tuple[tuple[str, bool], ...]) -> list[dict[str, Any]]:
    """Entities in an order; those without the member come last."""
    for name, falling in reversed(orderby):
        path = name.split("/")

        def key(item: Mapping[str, Any], path: list[str] = path) -> tuple[str, Any]:
            value = member(item, path)
            return (type(value).__name__ if not isinstance(value, (int, float)) else "number", value or 0)

        have = [item for item in items if isinstance(member(item, path), (str, int, float))]
        none = [item for item in items if not isinstance(member(item, path), (str, int, float))]
        items = [*sorted(have, key=key, reverse=falling), *none]
    return items
