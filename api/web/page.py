"""A page for people: any document as headings, tables and links, readable without scripts or pictures.

What JSON says is shown: a table for a list of like objects, a list of terms for an object, a list for the
rest. Features are drawn above their table. Links are links; what has a page of its own is one row here.
A screen reader finds one main heading, a navigation, captions and headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import unquote

from api.web.drawing import drawing

_MOST_ROWS, _MOST_COLUMNS, _MOST_DEPTH = 1000, 14, 12
_FIRST = ("id", "pilot", "city", "kpi", "value", "low", "high", "unit", "better")
_SHORT = 32
"""Letters that a cell holds in one line."""
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")


def page(document: Any, title: str, path: str) -> bytes:
    """A document as an HTML page.

    Args:
        document: What JSON would say.
        title: The page's main heading.
        path: The page's path, for the way back up.
    """
    links = document.get("links", []) if isinstance(document, Mapping) else []
    rest = (
        {
            name: value
            for name, value in document.items()
            if name != "links" and (name, value) != ("title", title)
        }
        if isinstance(document, Mapping)
        else document
    )
    body = "".join(
        [
            '<a class="skip" href="#main">Skip to content</a>',
            f'<header><nav aria-label="Path">{_trail(path)}</nav></header>',
            f'<main id="main"><h1>{escape(title or "Twinbox")}</h1>',
            drawing(_features(document)),
            _value(rest, 2),
            _links(links),
            "</main>",
            "<footer><p>Served by Twinbox. Add <code>?f=json</code> for the same as JSON.</p></footer>",
        ]
    )
    head = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title or "Twinbox")}</title><link rel="stylesheet" href="/static/plain.css">'
        '<link rel="icon" href="/static/icon.svg" type="image/svg+xml"></head>'
    )
    return f"{head}<body>{body}</body></html>\n".encode()


def _features(document: Any) -> Sequence[Mapping[str, Any]]:
    """The features of a document that is one or a collection of them."""
    if not isinstance(document, Mapping):
        return ()
    if document.get("type") == "Feature":
        return (document,)
    found = document.get("features", ())
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, (list, tuple)) else ()


def _trail(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    steps = ['<a href="/?f=html">Home</a>']
    for count, part in enumerate(parts, 1):
        name = escape(unquote(part))
        if count == len(parts):
            steps.append(f'<span aria-current="page">{name}</span>')
        else:
            steps.append(f'<a href="/{escape("/".join(parts[:count]))}?f=html">{name}</a>')
    return "<ol>" + "".join(f"<li>{step}</li>" for step in steps) + "</ol>"


def _links(links: Sequence[Any]) -> str:
    if not links:
        return ""
    items = []
    for item in links:
        words = escape(str(item.get("title") or item.get("rel", "link")))
        about = escape(f"{item.get('rel', '')}, {item.get('type', '')}")
        items.append(f"<li>{_anchor(str(item.get('href', '')), words)} <small>({about})</small></li>")
    return f"<section><h2>Links</h2><ul>{''.join(items)}</ul></section>"


def _anchor(href: str, words: str) -> str:
    if not href.startswith(("http://", "https://", "/")):
        return words
    return f'<a href="{escape(href)}">{words}</a>'


def _value(value: Any, level: int) -> str:
    if level > _MOST_DEPTH:
        return escape(str(value)[:500])
    if isinstance(value, Mapping):
        return _terms(value, level)
    if isinstance(value, (list, tuple)):
        return _list(value, level)
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return '<span class="none">none</span>'
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if _ADDRESS.fullmatch(text):
        return _anchor(text, escape(text))
    return escape(text)


def _terms(item: Mapping[str, Any], level: int) -> str:
    if not item:
        return '<span class="none">nothing</span>'
    plain = {name: value for name, value in item.items() if not _is_large(value)}
    large = {name: value for name, value in item.items() if _is_large(value)}
    html = ""
    if plain:
        rows = (
            f"<dt>{escape(str(name))}</dt><dd>{_value(value, level + 1)}</dd>"
            for name, value in plain.items()
        )
        html += f"<dl>{''.join(rows)}</dl>"
    heading = min(level, 6)
    for name, value in large.items():
        inner = _links(value) if name == "links" else _value(value, level + 1)
        html += f"<section><h{heading}>{escape(str(name))}</h{heading}>{inner}</section>"
    return html


def _is_large(value: Any) -> bool:
    if isinstance(value, Mapping):
        return len(value) > 0
    return isinstance(value, (list, tuple)) and any(
        isinstance(item, (Mapping, list, tuple)) for item in value
    )


def _list(items: Sequence[Any], level: int) -> str:
    if not items:
        return '<span class="none">nothing</span>'
    shown = list(items[:_MOST_ROWS])
    more = f"<p>{len(items) - len(shown)} more are not shown.</p>" if len(items) > len(shown) else ""
    if all(isinstance(item, Mapping) for item in shown):
        rows = [_row(item) for item in shown]
        columns = _in_order(dict.fromkeys(name for row in rows for name in row))[:_MOST_COLUMNS]
        return _table(columns, rows, level) + more
    if all(not isinstance(item, (Mapping, list, tuple)) for item in shown):
        return "<ul>" + "".join(f"<li>{_text(item)}</li>" for item in shown) + "</ul>" + more
    return "<ol>" + "".join(f"<li>{_value(item, level + 1)}</li>" for item in shown) + "</ol>" + more


def _in_order(names: Iterable[str]) -> list[str]:
    """Columns as people read them: what it is, its value and interval, then the rest as it came."""
    return sorted(names, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    """An object as a row: a feature's properties are its columns."""
    if item.get("type") == "Feature" and isinstance(item.get("properties"), Mapping):
        shape = item.get("geometry")
        kind = shape.get("type") if isinstance(shape, Mapping) else None
        return {"id": item.get("id"), **item["properties"], "geometry": kind}
    own = _own_page(item.get("links"))
    if not own:
        return dict(item)
    plain = {name: value for name, value in item.items() if not isinstance(value, (Mapping, list, tuple))}
    first = next(iter(plain), "id")
    return {**plain, first: _Link(own, str(plain.get(first, "more")))}


@dataclass(frozen=True)
class _Link:
    """A cell that leads to the page of its row."""

    href: str
    words: str


def _own_page(links: Any) -> str:
    """The page for people of what a row stands for, or its document; empty if it has none."""
    if not isinstance(links, (list, tuple)):
        return ""
    named = [item for item in links if isinstance(item, Mapping) and item.get("rel") in ("alternate", "self")]
    named.sort(key=lambda item: item.get("type") != "text/html")
    return str(named[0].get("href", "")) if named else ""


def _table(columns: Iterable[str], rows: Sequence[Mapping[str, Any]], level: int) -> str:
    columns = list(columns)
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(_cell(row.get(name), level) for name in columns) + "</tr>" for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table">{table}</div>'


def _cell(value: Any, level: int) -> str:
    """A cell: numbers stand below one another, short words are not broken."""
    if isinstance(value, _Link):
        return f'<td class="short">{_anchor(value.href, escape(value.words))}</td>'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f'<td class="number">{escape(str(value))}</td>'
    kind = ' class="short"' if isinstance(value, str) and len(value) <= _SHORT else ""
    return f"<td{kind}>{_value(value, level + 1)}</td>"
