"""What a user sets on the command line: scenario files, ``--set``, ``--grid``, ``--rule``.

Example: ``--scenario night.toml --set crews=4`` takes the fields of the file and then four crews.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geodata.errors import InvalidInput, UnknownName, UnreadableSource
from twin.errors import ScenarioInvalid

if TYPE_CHECKING:
    from twin.pilot import Pilot
    from twin.programme import ParticipationRule

Fields = dict[str, dict[str, Any]]
"""Fields of scenarios by pilot id."""

MOST_LINES = 1000
"""Lines of a scenario file within which a field is looked for."""

AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


def scenario_of(pilots: Sequence[Pilot], file: Path | None, settings: Sequence[str]) -> Fields:
    """The fields that a user sets, by pilot: those of the file, then those of ``--set``, which win.

    Raises:
        InvalidInput: The file cannot be read, or a setting is malformed or given twice.
    """
    by_id = {pilot.id: pilot for pilot in pilots}
    fields: Fields = {pilot_id: {} for pilot_id in by_id}
    if file is not None:
        fields |= _by_pilot(read_document(file), by_id, file)
    seen = set()
    for setting in settings:
        pilot_id, name, text = split_setting(setting, by_id, "--set")
        if (pilot_id, name) in seen:
            raise InvalidInput("the field is set twice", field=name, value=setting)
        seen.add((pilot_id, name))
        fields[pilot_id] = {**fields[pilot_id], name: typed(by_id[pilot_id], name, text)}
    return fields


def _by_pilot(document: Mapping[str, Any], by_id: Mapping[str, Pilot], file: Path) -> Fields:
    """A file's fields by pilot; with one pilot they may stand at the top."""
    if len(by_id) == 1 and not set(document) & set(by_id):
        return {next(iter(by_id)): dict(document)}
    for name, value in document.items():
        if name not in by_id or not isinstance(value, Mapping):
            raise InvalidInput(
                "the scenario file has an entry that is no pilot of this run",
                file=file,
                field=name,
                value=value,
                expected="one table for each of " + ", ".join(by_id),
            )
    return {name: dict(value) for name, value in document.items()}


@contextmanager
def told_where(file: Path | None, settings: Sequence[str] = ()) -> Iterator[None]:
    """What is refused inside is told with the file, and the line, in which the field stands.

    Args:
        file: The scenario file, if the user named one.
        settings: What the user set beside it; a field set there is not the file's fault.
    """
    try:
        yield
    except InvalidInput as error:
        path = (error.field or "").split(".")
        named = {setting.partition("=")[0].strip().rpartition(".")[2] for setting in settings}
        if file is not None and error.file is None and path[0] not in named:
            pilot = error.pilot if isinstance(error, ScenarioInvalid) else None
            _tell_where(error, file, path, pilot)
        raise


def _tell_where(error: InvalidInput, file: Path, path: Sequence[str], pilot: str | None) -> None:
    """Add file and line to an error if the file has the field, at the top or in a table of a pilot."""
    document = read_document(file)
    tables = [[], *([name] for name in document if pilot in {None, name})]
    place = next(([*table, *path] for table in tables if _holds(document, [*table, path[0]])), None)
    if place is None:
        return
    error.file = str(file)
    if file.suffix == ".toml":
        while not _holds(document, place):  # what is missing has no line; what it is missing from has one
            place.pop()
        error.row = _line_of(file.read_text(encoding="utf-8-sig").splitlines(), place)


def _line_of(lines: Sequence[str], path: Sequence[str]) -> int | None:
    """The line of a TOML file on which the entry at a path begins; none beyond the first thousand.

    The parser tells no lines. So the file is read one statement more at a time, until it has the entry.
    """
    first = 0
    for end in range(1, min(len(lines), MOST_LINES) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a statement
        if _holds(document, path):
            return first + 1
        first = end
    return None


def _holds(document: Any, path: Sequence[str]) -> bool:
    """Whether a document has an entry at a path of keys and places in lists."""
    for part in path:
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, Mapping) and part in document:
            document = document[part]
        else:
            return False
    return True


def split_setting(setting: str, by_id: Mapping[str, Pilot], option: str) -> tuple[str, str, str]:
    """``pilot.key=value`` in its three parts; with one pilot its name may be left out.

    Raises:
        InvalidInput: The text is malformed or names no pilot of the run.
    """
    key, equals, text = setting.partition("=")
    pilot_id, dot, name = key.strip().rpartition(".")
    only = next(iter(by_id)) if len(by_id) == 1 else None
    wanted = "key=value" if only else "pilot.key=value"
    if not equals or not name or not text.strip():
        raise InvalidInput(f"{option} is malformed", field=option, value=setting, expected=wanted)
    if not dot and only is None:
        raise InvalidInput(
            f"several pilots run together, so {option} must say whose field it sets",
            field=option,
            value=setting,
            expected=" or ".join(f"{pilot}.{name}={text}" for pilot in by_id),
        )
    pilot_id = pilot_id or str(only)
    if pilot_id not in by_id:
        raise UnknownName(
            f"{option} names a pilot that is not in the run",
            field=option,
            value=setting,
            expected="a field of " + " or ".join(by_id),
        )
    return pilot_id, name, text.strip()


def typed(pilot: Pilot, name: str, text: str) -> Any:
    """A value from the command line in the type of its field: ``4`` is a number, or text where text is asked.

    A value that fits in no reading is handed on; planning the run says what was expected of it.
    """
    from pydantic import ValidationError

    try:
        read = json.loads(text)
    except json.JSONDecodeError:
        return text
    for candidate in (read, text):
        try:
            pilot.Scenario.model_validate({name: candidate})
        except ValidationError:
            continue
        return candidate
    return read


def grid_of(pilots: Sequence[Pilot], options: Sequence[str]) -> dict[str, list[Any]]:
    """The grid of a sweep: ``--grid crews=1,2,4`` gives ``{"crews": [1, 2, 4]}``.

    With several pilots the fields are named ``pilot.field``.

    Raises:
        InvalidInput: An option is malformed, or names a field or a value twice.
    """
    by_id = {pilot.id: pilot for pilot in pilots}
    grid: dict[str, list[Any]] = {}
    for option in options:
        pilot_id, name, text = split_setting(option, by_id, "--grid")
        parts = [part.strip() for part in text.split(",")]
        field = name if len(by_id) == 1 else f"{pilot_id}.{name}"
        if "" in parts or len(set(parts)) < len(parts) or field in grid:
            raise InvalidInput(
                "--grid has an empty value, or a field or value twice",
                field="--grid",
                value=option,
                expected="different values with commas between them, e.g. crews=1,2,4",
            )
        grid[field] = [typed(by_id[pilot_id], name, part) for part in parts]
    return grid


def rule_of(name: str) -> ParticipationRule:
    """The rule of this name, or the rule in this TOML or JSON file.

    Raises:
        InvalidInput: No rule is called this, or the file describes none.
    """
    from pydantic import ValidationError

    from twin.programme import RULES, ParticipationRule

    if name in RULES:
        return RULES[name]
    path = Path(name)
    if path.suffix not in {".toml", ".json"}:
        raise UnknownName(
            "no rule is called this",
            field="--rule",
            value=name,
            expected="one of " + ", ".join(RULES) + ", or a .toml or .json file",
        )
    try:
        return ParticipationRule.model_validate(read_document(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            f"the rule is not valid: {first['msg']}",
            file=path,
            field=".".join(map(str, first["loc"])) or None,
            value=first["input"],
        ) from error


def read_document(path: Path) -> dict[str, Any]:
    """A TOML or JSON file as a mapping.

    Raises:
        UnreadableSource: The file is missing, not text, or not valid; the line is named.
    """
    if path.suffix not in {".toml", ".json"}:
        raise UnreadableSource("the file is of an unknown format", file=path, expected=".toml or .json")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UnreadableSource(
            "the file is not UTF-8 text", file=path, row=line, value=error.object[error.start : error.end]
        ) from error
    except OSError as error:
        raise UnreadableSource(f"the file cannot be read: {error.strerror}", file=path) from error
    try:
        document = tomllib.loads(text) if path.suffix == ".toml" else _strict_json(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        line_found = AT_LINE.search(message)
        raise UnreadableSource(
            f"the file is not valid TOML: {AT_LINE.sub('', message)}",
            file=path,
            row=int(line_found[1]) if line_found else None,
        ) from error
    except json.JSONDecodeError as error:
        raise UnreadableSource(
            f"the file is not valid JSON: {error.msg}", file=path, row=error.lineno
        ) from error
    except ValueError as error:
        raise UnreadableSource(f"the file is not valid JSON: {error}", file=path) from error
    if not isinstance(document, dict):
        raise UnreadableSource("the file holds no table of fields", file=path, value=document)
    return document


def _strict_json(text: str) -> Any:
    """JSON in which no key stands twice and every number is finite."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} stands twice")
        return found

    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is no number")

    return json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
