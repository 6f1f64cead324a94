"""What may be done with what: actions, and scopes that name them.

A scope is an action, a colon and a pattern of resource ids: ``read:tallinn.buildings`` lets read one dataset,
``read:tallinn.*`` all of a city, ``run:*`` run any process. Scopes of a key only take away from what its
tenant may do; they never add.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from geodata.errors import InvalidInput

RESOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,190}")
_PATTERN = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._+*-]{0,190}")


class Action(StrEnum):
    """What a caller does with a resource."""

    READ = "read"
    DOWNLOAD = "download"
    RUN = "run"
    WRITE = "write"
    UPLOAD = "upload"


@dataclass(frozen=True)
class Scope:
    """An action on resources that match a pattern."""

    action: str
    pattern: str

    def covers(self, action: str, resource: str) -> bool:
        """Whether this scope lets do an action on a resource; whoever may download may read."""
        same = self.action in ("*", action) or (self.action == "download" and action == "read")
        return same and fnmatchcase(resource, self.pattern)

    def __str__(self) -> str:
        return f"{self.action}:{self.pattern}"


def scope(text: str) -> Scope:
    """A scope from its text.

    Raises:
        InvalidInput: The action is unknown or the pattern holds other characters than ids and ``*``.
    """
    action, _, pattern = text.partition(":")
    if action not in {"*", *Action} or not _PATTERN.fullmatch(pattern):
        raise InvalidInput(
            "this is no scope",
            field="scope",
            value=text,
            expected=f"one of {', '.join(Action)} or *, a colon, and a resource such as tallinn.buildings",
        )
    return Scope(action, pattern)


def scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Scopes from their texts, sorted, each once."""
    return tuple(sorted({scope(text) for text in texts}, key=str))
