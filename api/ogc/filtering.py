"""Filters in CQL2, the Common Query Language: parsed by the library ``cql2``, evaluated column by column.

Evaluation is three-valued as in SQL: a comparison with an empty cell is neither true nor false, and only rows
for which the filter is true are chosen.

Example: ``height_m > 10 AND species LIKE 'Tilia%' AND S_INTERSECTS(geometry, POINT(24.75 59.43))``
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import cql2
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import shapely
import shapely.geometry

from api.catalogue.features import FeatureTable, Rows, transformer
from api.parameters import instant
from geodata.errors import InvalidInput

_PART3 = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/"
_CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"
CONFORMANCE = (
    *(_PART3 + name for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")),
    *(
        _CQL2 + name
        for name in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
        )
    ),
)
_MOST_TEXT, _MOST_DEPTH, _MOST_NODES, _MOST_VERTICES = 8192, 60, 2000, 10_000
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_SPATIAL = ("intersects", "disjoint", "equals", "touches", "within", "overlaps", "crosses", "contains")
GEOMETRY = "geometry"


@dataclass(frozen=True)
class Filter:
    """A filter that has been read.

    Attributes:
        tree: CQL2 in its JSON form.
        crs: CRS of the geometries in it.
    """

    tree: Any
    crs: str = "OGC:CRS84"

    def rows(self, table: FeatureTable) -> Rows:
        """The rows for which the filter is true, in the table's order."""
        kept = _Evaluation(table, self.crs).truth(self.tree)
        return np.flatnonzero(pc.fill_null(kept, fill_value=False).to_numpy(zero_copy_only=False))


def read(text: str, language: str, crs: str = "OGC:CRS84") -> Filter:
    """Read a filter.

    Args:
        text: The filter.
        language: ``cql2-text`` or ``cql2-json``.
        crs: CRS of its geometries.

    Raises:
        InvalidInput: It is no CQL2, or too long or deep.
    """
    if language not in ("cql2-text", "cql2-json"):
        raise InvalidInput(
            "this filter language is not known",
            field="filter-lang",
            value=language,
            expected="cql2-text or cql2-json",
        )
    depth = _depth(text)
    if len(text) > _MOST_TEXT or depth > _MOST_DEPTH:
        raise InvalidInput(
            "the filter is too long or too deep",
            field="filter",
            expected=f"{_MOST_TEXT} letters, depth {_MOST_DEPTH}",
        )
    try:
        if language == "cql2-json":
            tree = orjson.loads(text)
            cql2.parse_json(text)
        else:
            tree = cql2.parse_text(text).to_json()
    except (
        cql2.ParseError,
        cql2.ValidationError,
        orjson.JSONDecodeError,
        ValueError,
        RecursionError,
    ) as error:
        raise InvalidInput(
            f"the filter is no CQL2: {str(error)[:200]}", field="filter", value=text
        ) from error
    _count(tree)
    return Filter(tree, crs)


def _depth(text: str) -> int:
    """How deep a filter may nest at most: brackets and negations, quoted text left out."""
    bare = re.sub(r"'(?:[^']|'')*'", "''", text) if "'" in text else text
    depth = most = 0
    for character in bare:
        if character in "([{":
            depth += 1
            most = max(most, depth)
        elif character in ")]}":
            depth -= 1
    return most + len(re.findall(r"\bnot\b", bare, re.IGNORECASE)) + bare.count("--")


def _count(tree: Any) -> None:
    nodes, queue = 0, [tree]
    while queue:
        node = queue.pop()
        nodes += 1
        if isinstance(node, dict):
            queue += node.get("args", []) if isinstance(node.get("args"), list) else []
        elif isinstance(node, list):
            queue += node
    if nodes > _MOST_NODES:
        raise InvalidInput(
            "the filter has too many terms", field="filter", value=nodes, expected=f"{_MOST_NODES}"
        )


class _Evaluation:
    """One filter on one table."""

    def __init__(self, table: FeatureTable, crs: str) -> None:
        self.table, self.crs = table, crs
        self.rows = table.rows

    def truth(self, node: Any) -> pa.Array:
        """A condition as an array of true, false and null."""
        if isinstance(node, bool):
            return pa.array([node] * self.rows, pa.bool_())
        if isinstance(node, dict) and "op" in node:
            op, args = str(node["op"]).lower(), node.get("args")
            if isinstance(args, list) and args:
                return self._operation(op, args)
        if isinstance(node, dict) and "property" in node:
            column = self._column(node["property"])
            if pa.types.is_boolean(column.type):
                return column
        raise _wrong("this is no condition", node)

    def _operation(self, op: str, args: list[Any]) -> pa.Array:  # noqa: PLR0911 - one for each kind
        if op in ("and", "or"):
            join = pc.and_kleene if op == "and" else pc.or_kleene
            result = self.truth(args[0])
            for more in args[1:]:
                result = join(result, self.truth(more))
            return result
        if op == "not" and len(args) == 1:
            return pc.invert(self.truth(args[0]))
        if op == "isnull" and len(args) == 1:
            return self._is_null(args[0])
        if op in _COMPARE and len(args) == 2:
            return self._compare(_COMPARE[op], args[0], args[1])
        if op == "between" and len(args) == 3:
            low = self._compare(pc.greater_equal, args[0], args[1])
            return pc.and_kleene(low, self._compare(pc.less_equal, args[0], args[2]))
        if op == "in" and len(args) == 2 and isinstance(args[1], list):
            return self._one_of(args[0], args[1])
        if op == "like" and len(args) == 2:
            return self._like(args[0], args[1])
        if op.startswith("s_") and op[2:] in _SPATIAL and len(args) == 2:
            return self._spatial(op[2:], args[0], args[1])
        raise _wrong("this operator is not offered", op)

    def _is_null(self, node: Any) -> pa.Array:
        if isinstance(node, dict) and node.get("property") == GEOMETRY:
            return pa.array(np.isnan(self.table.west))
        value = self._value(node)
        return self._full(pc.is_null(value))

    def _full(self, value: Any) -> pa.Array:
        """A result as an array with one entry a row, also where only constants were compared."""
        if isinstance(value, pa.ChunkedArray):
            return value.combine_chunks()
        if isinstance(value, pa.Scalar):
            return pa.array([value.as_py()] * self.rows, pa.bool_())
        return value

    def _compare(self, compare: Callable[[Any, Any], Any], left: Any, right: Any) -> pa.Array:
        a, b = self._alike(self._value(left), self._value(right))
        try:
            return self._full(compare(a, b))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            raise _wrong("these two cannot be compared", f"{left} and {right}") from error

    def _alike(self, a: Any, b: Any) -> tuple[Any, Any]:
        """A text beside a column of instants is an instant; else both as they are."""
        for first, second, swap in ((a, b, False), (b, a, True)):
            if (
                pa.types.is_timestamp(first.type)
                and pa.types.is_string(second.type)
                and isinstance(second, pa.Scalar)
            ):
                moment = _timestamp(str(second.as_py()))
                return (moment, first) if swap else (first, moment)
        return a, b

    def _one_of(self, left: Any, choices: list[Any]) -> pa.Array:
        result = self._compare(pc.equal, left, choices[0]) if choices else pa.array([False] * self.rows)
        for choice in choices[1:]:
            result = pc.or_kleene(result, self._compare(pc.equal, left, choice))
        return result

    def _like(self, left: Any, pattern: Any) -> pa.Array:
        value, folded = self._value(left), _fold_of(pattern)
        if not isinstance(folded, str) or not pa.types.is_string(value.type):
            raise _wrong("LIKE compares text with a pattern", pattern)
        try:
            return self._full(pc.match_like(value, folded))
        except pa.ArrowInvalid as error:
            raise _wrong("this is no pattern", pattern) from error

    def _value(self, node: Any) -> Any:  # noqa: PLR0911 - one for each kind of value
        if isinstance(node, dict):
            if "property" in node:
                return self._column(node["property"])
            if "timestamp" in node or "date" in node:
                return _timestamp(str(node.get("timestamp", node.get("date"))))
            op = str(node.get("op", "")).lower()
            args = node.get("args")
            if op == "casei" and isinstance(args, list) and len(args) == 1:
                value = self._value(args[0])
                if pa.types.is_string(value.type):
                    return pc.utf8_lower(value)
            if op in ("+", "-", "*", "/") and isinstance(args, list) and len(args) == 2:
                return self._arithmetic(op, args)
            raise _wrong("this is no value", node)
        if isinstance(node, bool):
            return pa.scalar(node)
        if isinstance(node, (int, float)):
            return pa.scalar(float(node))
        if isinstance(node, str):
            return pa.scalar(node)
        raise _wrong("this is no value", node)

    def _arithmetic(self, op: str, args: list[Any]) -> Any:
        functions = {"+": pc.add, "-": pc.subtract, "*": pc.multiply, "/": pc.divide}
        try:
            values = [pc.cast(self._value(arg), pa.float64()) for arg in args]
            return functions[op](*values)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise _wrong("this cannot be computed", op) from error

    def _column(self, name: Any) -> pa.Array:
        columns = self.table.columns
        if name not in columns.column_names:
            raise _wrong("there is no such queryable", name, ", ".join([*columns.column_names, GEOMETRY]))
        column = columns[name].combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_large_string(column.type):
            column = column.cast(pa.string())
        if pa.types.is_integer(column.type):
            return column.cast(pa.float64())
        return column

    def _spatial(self, relation: str, left: Any, right: Any) -> pa.Array:
        flipped = not (isinstance(left, dict) and left.get("property") == GEOMETRY)
        if flipped:
            left, right = right, left
        if not (isinstance(left, dict) and left.get("property") == GEOMETRY):
            raise _wrong("a spatial function compares the property geometry with a geometry", left)
        shape = self._shape(right)
        rows = np.arange(self.rows)
        if relation != "disjoint":  # all others need the bounds to meet
            west, south, east, north = shapely.bounds(shape).tolist()
            table = self.table
            over = (
                (table.west <= east) & (table.east >= west) & (table.south <= north) & (table.north >= south)
            )
            rows = np.flatnonzero(over)
        shapes = self.table.shapes(rows)
        test = getattr(shapely, relation)
        hits = test(shape, shapes) if flipped else test(shapes, shape)
        result = np.zeros(self.rows, dtype=bool)
        result[rows] = hits
        return pa.array(result, mask=np.isnan(self.table.west))

    def _shape(self, node: Any) -> shapely.Geometry:
        shape: shapely.Geometry
        try:
            if isinstance(node, dict) and isinstance(node.get("bbox"), list):
                numbers = [float(number) for number in node["bbox"]]
                half = len(numbers) // 2
                shape = shapely.box(numbers[0], numbers[1], numbers[half], numbers[half + 1])
            else:
                shape = shapely.geometry.shape(node)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, shapely.GEOSException) as error:
            raise _wrong("this is no geometry", node) from error
        points = shapely.get_coordinates(shape)
        if shape.is_empty or len(points) > _MOST_VERTICES or not np.isfinite(points).all():
            raise _wrong("the geometry is empty, too large, or not finite", len(points))
        if self.crs != "OGC:CRS84":
            to = transformer(self.crs, "OGC:CRS84")
            shape = shapely.transform(shape, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))
            if not np.isfinite(shapely.get_coordinates(shape)).all():
                raise _wrong("the geometry leaves the range of its CRS", self.crs)
        return shape


def _fold_of(pattern: Any) -> Any:
    """The text of a pattern, also inside ``CASEI``."""
    if isinstance(pattern, dict) and str(pattern.get("op", "")).lower() == "casei" and pattern.get("args"):
        inner = pattern["args"][0]
        return inner.lower() if isinstance(inner, str) else None
    return pattern


def _timestamp(text: str) -> pa.Scalar:
    moment: datetime = instant(text, "filter")
    return pa.scalar(moment.astimezone(UTC), pa.timestamp("us", "UTC"))


def _wrong(what: str, value: Any, expected: str | None = None) -> InvalidInput:
    return InvalidInput(
        f"the filter cannot be used: {what}", field="filter", value=str(value), expected=expected
    )
