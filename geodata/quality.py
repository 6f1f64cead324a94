"""Quality: what must hold for a dataset before it may stand in a pack.

Checks come from the kind (types, bounds, keys: turned into a pandera schema), from geography (areas that
must not overlap, people per square kilometre) and from experience: a wind whose median is 13 m/s is nearly
always one of 13 km/h. Every failure names its rows, and all are collected before anything is said.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geodata.cleaning.columns import Fault
from geodata.cleaning.ledger import INDEX, Ledger
from geodata.cleaning.units import convert
from geodata.errors import InvalidData
from geodata.kinds import Column, Kind

if TYPE_CHECKING:
    import pandera.pandas as pa

Mask = NDArray[np.bool_]

# No square kilometre of the world houses more: Mong Kok in Hong Kong has some 130,000 residents on one.
MOST_RESIDENTS_PER_KM2 = 150_000.0
# Overlaps narrower than this are drawing, not disagreement.
SLIVER_SHARE = 0.005


@dataclass(frozen=True)
class Usual:
    """Where the median of a column lies in any city, and the units by which sources are mistaken.

    Args:
        low: Least plausible median.
        high: Greatest plausible median.
        units: Units that sources use unawares.
    """

    low: float
    high: float
    units: tuple[str, ...]


USUAL: Mapping[tuple[str, str], Usual] = MappingProxyType(
    {
        ("streets", "speed_kmh"): Usual(10, 110, ("m/s", "mile/hour")),
        ("streets", "length_m"): Usual(5, 5000, ("km", "mile", "foot", "cm")),
        ("weather", "temperature_c"): Usual(-30, 38, ("degF", "kelvin")),
        ("weather", "dew_point_c"): Usual(-35, 28, ("degF", "kelvin")),
        ("weather", "relative_humidity_percent"): Usual(5, 100, ("1",)),
        ("weather", "pressure_pa"): Usual(80_000, 108_000, ("hPa", "kPa", "bar")),
        ("weather", "wind_speed_m_s"): Usual(0.3, 11, ("km/h", "knot", "mile/hour")),
        ("weather", "cloud_cover"): Usual(0, 1, ("%",)),
        ("prices", "price_eur_per_mwh"): Usual(10, 600, ("cent/kWh", "EUR/kWh")),
        ("trips", "distance_m"): Usual(150, 100_000, ("km", "mile")),
        ("rides", "travel_time_s"): Usual(15, 7200, ("minute", "hour")),
        ("headways", "headway_s"): Usual(60, 14_400, ("minute", "hour")),
        ("buildings", "height_m"): Usual(2, 120, ("cm", "foot", "mm")),
        ("trees", "height_m"): Usual(1.5, 40, ("cm", "foot")),
        ("trees", "dbh_cm"): Usual(4, 150, ("m", "mm")),
        ("trees", "crown_diameter_m"): Usual(0.8, 20, ("cm",)),
        ("terrain", "elevation_m"): Usual(-20, 4000, ("foot", "cm")),
    }
)


def check_magnitudes(table: pd.DataFrame, kind: Kind, *, dataset: str, file: str) -> None:
    """Refuse columns whose numbers speak of another unit.

    Raises:
        InvalidData: A median lies where no city has it; the error names the unit that would explain it.
    """
    for column in kind.columns:
        usual = USUAL.get((kind.name, column.name))
        if usual is None or column.name not in table:
            continue
        values = pd.to_numeric(table[column.name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        values = values[np.isfinite(values)]
        if not len(values) or usual.low <= (median := float(np.median(values))) <= usual.high:
            continue
        # A few rows of something rare prove nothing, unless the kind's own bounds are broken too.
        broken = (column.high is not None and median > column.high) or (
            column.low is not None and median < column.low
        )
        fitting = _fitting_units(median, usual, column)
        if (len(values) < 24 and not broken) or not (fitting or broken):
            continue
        raise InvalidData(
            f"dataset {dataset}: the numbers speak of another unit",
            file=file,
            field=column.name,
            value=f"a median of {median:.4g}",
            expected=f"a median of {usual.low:g} to {usual.high:g} {column.unit}",
            hint=f"they would fit if the source's unit were {' or '.join(fitting)}" if fitting else None,
        )


def _fitting_units(median: float, usual: Usual, column: Column) -> list[str]:
    fitting = []
    for unit in usual.units:
        moved = float(convert(np.array([median]), unit, column.unit or "1")[0])
        if usual.low <= moved <= usual.high:
            fitting.append(unit)
    return fitting


def schema_of(kind: Kind, columns: Sequence[str] | None = None) -> pa.DataFrameSchema:
    """A kind as a pandera schema.

    Args:
        kind: The kind.
        columns: Which of its columns are there; all required ones and no others if left out.
    """
    import pandera.pandas as pa

    present = [
        column for column in kind.columns if (column.required if columns is None else column.name in columns)
    ]
    return pa.DataFrameSchema(
        {column.name: pa.Column(checks=_checks(column), nullable=column.nullable) for column in present},
        unique=list(kind.key) if set(kind.key) <= {column.name for column in present} else None,
    )


def _checks(column: Column) -> list[pa.Check]:
    import pandera.pandas as pa

    checks = []
    if column.allowed:
        checks.append(pa.Check.isin(column.allowed, name="allowed", error="not an allowed value"))
    if column.type in {"number", "integer"}:
        checks.append(pa.Check(_finite, name="finite", error="not a finite number"))
    if column.low is not None:
        checks.append(pa.Check.ge(column.low, name="low", error="too small"))
    if column.high is not None:
        checks.append(pa.Check.le(column.high, name="high", error="too large"))
    return checks


def _finite(values: pd.Series[Any]) -> pd.Series[bool]:
    return pd.Series(np.isfinite(values.to_numpy(np.float64, na_value=np.nan)), index=values.index)


def row_faults(table: pd.DataFrame, kind: Kind) -> list[tuple[Column, Fault]]:
    """What single rows break of their kind's schema.

    Args:
        table: Rows in the kind's columns, indexed 0, 1, 2, ...
        kind: The kind.

    Returns:
        Columns with the cells that are at fault, in the order of the kind's columns.
    """
    failures = _failures(table, kind)
    faults = []
    for column in kind.columns:
        own = failures[failures["column"] == column.name]
        for reason in ("is empty", "not an allowed value", "not a finite number", "too small", "too large"):
            rows = own.loc[own["reason"] == reason, "index"].to_numpy(np.int64)
            if len(rows):
                mask = np.zeros(len(table), np.bool_)
                mask[rows] = True
                faults.append((column, Fault(mask, reason, table[column.name], column.expected)))
    return [*faults, *_equal(table, kind)]


def _equal(table: pd.DataFrame, kind: Kind) -> list[tuple[Column, Fault]]:
    """Rows whose two ends are one."""
    if not kind.unequal or not set(kind.unequal) <= set(table.columns):
        return []
    one, other = kind.unequal
    mask = (table[one] == table[other]).fillna(value=False).to_numpy(bool)
    column = kind.column(other)
    assert column is not None
    return [(column, Fault(mask, f"is the same as {one}", table[other], f"another value than in {one}"))]


def _failures(table: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Failed cells of a table as rows of column, reason, index; keys are not looked at here."""
    import pandera.errors

    present = [column.name for column in kind.columns if column.name in table]
    schema = schema_of(kind, present)
    schema.unique = None
    plain = pd.DataFrame(table[present])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            schema.validate(plain, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
        reason = cases["check"].where(cases["check"] != "not_nullable", "is empty")
        return pd.DataFrame({"column": cases["column"], "reason": reason, "index": cases["index"]})
    return pd.DataFrame({"column": [], "reason": [], "index": []})


def one_for_each_key(table: pd.DataFrame, kind: Kind, ledger: Ledger, *, least: bool) -> pd.DataFrame:
    """One row for each key.

    Args:
        table: Rows in the kind's columns.
        kind: The kind.
        ledger: Where the others are noted.
        least: Whether to keep the row with the least of the first required number, rather than the first.
    """
    keys = [name for name in kind.key if name in table]
    if not keys:
        return table
    numbers = [column.name for column in kind.columns if column.type == "number" and column.required]
    if least and numbers:
        table = table.sort_values([*keys, numbers[0]], kind="stable")
    again = table.duplicated(keys, keep="first").to_numpy()
    if not again.any():
        return table
    content = [name for name in table.columns if name not in {INDEX, "geometry"}]
    same = table.duplicated(content, keep="first").to_numpy() & again
    shown = table[keys].astype("string").agg(", ".join, axis=1).to_numpy(object)
    named = ", ".join(keys)
    table, other, shown = (
        ledger.drop(table, same, "the same row again", field=named, values=shown, expected="each row once"),
        again[~same],
        shown[~same],
    )
    return ledger.drop(
        table, other, "the same key with other values", field=named, values=shown, expected="each key once"
    )


def too_dense(table: pd.DataFrame, kind: Kind) -> list[tuple[Column, Fault]]:
    """Areas that claim more residents than any square kilometre of the world houses."""
    column = kind.column("population")
    if column is None or "population" not in table or "geometry" not in table:
        return []
    area_km2 = shapely.area(table["geometry"].to_numpy()) / 1e6
    people = table["population"].to_numpy(np.float64, na_value=np.nan)
    mask = (area_km2 > 0) & (people > MOST_RESIDENTS_PER_KM2 * area_km2) & (people > 1000)
    expected = f"at most {MOST_RESIDENTS_PER_KM2:g} residents per km2"
    return [(column, Fault(mask, "more residents than an area can house", table["population"], expected))]


def check_overlaps(table: Any, kind: Kind, ledger: Ledger, *, dataset: str) -> Any:
    """Cut away slivers by which areas overlap that should not; refuse real overlaps.

    Returns:
        The table, without slivers.

    Raises:
        InvalidData: Two areas overlap by more than a sliver; the error names both.
    """
    if not kind.disjoint or len(table) < 2:
        return table
    shapes = table.geometry.to_numpy().copy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pair = one < other
    one, other = one[pair], other[pair]
    common = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    share = common / np.minimum(shapely.area(shapes[one]), shapely.area(shapes[other]))
    for place in np.flatnonzero(share > SLIVER_SHARE)[:1]:
        pair_at = int(one[place]), int(other[place])
        raise _overlap(
            table, kind, ledger, pair_at, f"{dataset}: two areas overlap by {common[place] / 1e6:.3g}"
        )
    cut = np.zeros(len(table), np.bool_)
    areas = np.zeros(len(table))
    for place in np.flatnonzero(common > 1e-6):
        shapes[other[place]] = shapely.difference(shapes[other[place]], shapes[one[place]])
        cut[other[place]] = True
        areas[other[place]] += common[place]
    ledger.repair(
        table, cut, "sliver of overlap with another area cut away", field="geometry",
        values=[f"{area:.3g} m2" for area in areas], expected="areas that do not overlap",
    )  # fmt: skip
    return table.set_geometry(shapes, crs=table.crs)


def _overlap(table: Any, kind: Kind, ledger: Ledger, pair: tuple[int, int], said: str) -> InvalidData:
    one, other = pair
    file, row = ledger.label(int(table[INDEX].iloc[other]))
    names = table[kind.key[0]]
    return InvalidData(
        f"dataset {said} km2",
        file=file,
        row=row,
        field="geometry",
        value=f"{names.iloc[other]} and {names.iloc[one]}",
        expected="areas that do not overlap",
    )


_GARBLED = r"[ÃÂÄ][\u0080-\u00bf]|[ÃÂ][¡-¿]|\ufffd"


def check_text(table: pd.DataFrame, kind: Kind, ledger: Ledger, *, dataset: str) -> None:
    """Refuse text that was decoded by the wrong encoding.

    Raises:
        InvalidData: Names read like ``TÃ¤htvere``; the error names a row.
    """
    for column in kind.columns:
        if column.type != "text" or column.name not in table:
            continue
        garbled = (
            table[column.name].astype("string").str.contains(_GARBLED, regex=True, na=False).to_numpy(bool)
        )
        if not garbled.any():
            continue
        first = int(np.flatnonzero(garbled)[0])
        file, row = ledger.label(int(table[INDEX].iloc[first]))
        raise InvalidData(
            f"dataset {dataset}: {int(garbled.sum())} cells were decoded by the wrong encoding",
            file=file,
            row=row,
            field=column.name,
            value=table[column.name].iloc[first],
            expected="readable text",
            hint="give the file's encoding in the reader's options, e.g. utf-8 or cp1252",
        )


def check_whole(table: pd.DataFrame, kind: Kind, *, dataset: str) -> None:
    """The last look before a table is written: the whole schema, keys included.

    Raises:
        InvalidData: Something does not hold; this is a recipe that leaves a required column out, or a defect.
    """
    import pandera.errors

    missing = [column for column in kind.columns if column.required and column.name not in table]
    if missing:
        raise InvalidData(
            f"dataset {dataset}: a column of the kind {kind.name} is missing",
            field=missing[0].name,
            expected=missing[0].expected,
            hint="the recipe must say how it is made",
        )
    present = [column.name for column in kind.columns if column.name in table]
    try:
        schema_of(kind, present).validate(pd.DataFrame(table[present]), lazy=True)
    except pandera.errors.SchemaErrors as error:
        case = error.failure_cases.iloc[0]
        raise InvalidData(
            f"dataset {dataset} breaks the kind {kind.name}: {case['check']}",
            row=case["index"],
            field=str(case["column"]),
            value=case["failure_case"],
        ) from error
