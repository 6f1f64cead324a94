"""JSON records: a list of objects, somewhere in the file, as web services answer.

Nested objects become columns named by their path: ``{"area": {"latitude": 58.4}}`` gives ``area.latitude``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading, Remark
from geodata.readers.text import check_encoding


class RecordsOptions(Options):
    """Options of the reader ``json``.

    Args:
        path: Keys that lead to the list, e.g. ``["data", "stations"]``; none if the file is the list.
        encoding: The file's encoding.
    """

    path: tuple[str, ...] = ()
    encoding: str = "utf-8"


def load_json(path: Path, encoding: str = "utf-8") -> Any:
    """Parse a JSON file; NaN and Infinity, which JSON does not have, are refused.

    Raises:
        UnreadableSource: It is truncated, damaged, nested too deeply, or in another encoding.
    """
    check_encoding(path, encoding)
    text = path.read_text(encoding="utf-8-sig" if encoding.lower() == "utf-8" else encoding)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UnreadableSource(
            f"the file is no JSON: {error.msg}",
            file=path,
            row=f"{error.lineno} (line)",
            value=_around(text, error.pos),
        ) from error
    except (RecursionError, ValueError) as error:
        raise UnreadableSource(f"the file is no JSON: {error}", file=path) from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _around(text: str, position: int) -> str:
    return text[max(0, position - 20) : position + 20] or "the end of the file"


def read(path: Path, options: RecordsOptions) -> Reading:
    """Read a list of JSON objects.

    Raises:
        UnreadableSource: The file is no JSON, or there is no list at the path.
    """
    found = load_json(path, options.encoding)
    for key in options.path:
        if not isinstance(found, dict) or key not in found:
            raise UnreadableSource(
                "the JSON file lacks a key", file=path, field=".".join(options.path), value=key
            )
        found = found[key]
    if not isinstance(found, list):
        raise UnreadableSource(
            "a list of objects is expected here",
            file=path,
            field=".".join(options.path) or None,
            value=type(found).__name__,
        )
    good = [item for item in found if isinstance(item, dict)]
    labels = [number for number, item in enumerate(found, 1) if isinstance(item, dict)]
    rejected = [
        Remark(number, "not an object", value=item, expected="an object")
        for number, item in enumerate(found, 1)
        if not isinstance(item, dict)
    ]
    reading = Reading.numbered(pd.json_normalize(good), rejected=rejected)
    reading.labels[:] = labels
    return reading


READER = Reader(RecordsOptions, read)
