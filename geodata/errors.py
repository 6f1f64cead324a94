"""The one tree of errors that Twinbox raises on purpose.

The root stands here, below everything else, so that each layer can extend the tree. An error knows
nothing of HTTP or of exit codes: ``api/problems.py`` maps the tree to the former, ``api/cli/exits.py`` to
the latter, each once.

Example: ``InvalidInput("longitude lies outside the boundary", file="stops.csv", row=17, field="lon",
value=590.4, expected="between 23.9 and 25.8")`` reads as::

    longitude lies outside the boundary (stops.csv, row 17, field lon): got 590.4,
    expected between 23.9 and 25.8
"""

from __future__ import annotations

from typing import Any


class TwinboxError(Exception):
    """Something that a user can understand and act on.

    Args:
        message: What is wrong, in one sentence without a full stop.
        file: The file it was found in, as the user knows it.
        row: The row (1 is the first row of data) or line.
        field: The column, parameter or key.
        value: What stood there.
        expected: What should have stood there.
        hint: What to do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        file: object = None,
        row: object = None,
        field: str | None = None,
        value: object = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = None if file is None else str(file)
        self.row = row
        self.field = field
        self.value = value
        self.expected = expected
        self.hint = hint

    def __str__(self) -> str:
        where = ", ".join(
            part
            for part in (
                self.file,
                None if self.row is None else f"row {self.row}",
                None if self.field is None else f"field {self.field}",
            )
            if part
        )
        text = self.message + (f" ({where})" if where else "")
        if self.value is not None:
            text += f": got {shorten(self.value)}"
            if self.expected:
                text += f", expected {self.expected}"
        elif self.expected:
            text += f": expected {self.expected}"
        return text

    def details(self) -> dict[str, Any]:
        """The parts of the error, for machine-readable answers; absent parts are left out."""
        parts = {
            "file": self.file,
            "row": self.row,
            "field": self.field,
            "value": None if self.value is None else shorten(self.value),
            "expected": self.expected,
            "hint": self.hint,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process boundaries in sweeps; the default would lose the keyword arguments.
        return _rebuild, (type(self), self.message, {**self.__dict__})


def _rebuild(kind: type[TwinboxError], message: str, state: dict[str, Any]) -> TwinboxError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


def shorten(value: object, limit: int = 80) -> str:
    """The value as a short text that is safe to print."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


class InvalidInput(TwinboxError):
    """What the user gave cannot be used: a file, a parameter, a recipe, a request."""


class UnreadableSource(InvalidInput):
    """A source file is missing, truncated, mis-encoded, empty or not of the format it claims."""


class InvalidData(InvalidInput):
    """Data contradict the schema of their kind."""


class UnknownName(InvalidInput):
    """A city, pilot, kind, scenario field or run that nobody knows."""


class NotReady(TwinboxError):
    """The data that a run needs are not there, or not of the grade or state it needs."""


class DamagedPack(NotReady):
    """A pack's files do not match its manifest."""
