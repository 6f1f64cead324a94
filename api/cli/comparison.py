"""Runs against a base run: what differs in their plans, and what came of it.

A difference belongs to the scenario only if nothing else differs; so everything that differs is listed, and
what cannot be compared (another unit, a city or KPI that one run lacks) is shown as such, never left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from api.cli.formats import ABSENT, DIRECTIONS, decimals, interval, line_up, number, rounded_share, signed
from api.cli.report import demo_cities
from api.cli.screen import Numbers, say, stamp, table
from geodata.errors import InvalidInput

if TYPE_CHECKING:
    from twin.result import Result

Finding = Literal["better", "worse", "higher", "lower", "same", "not sure", "not comparable"]


@dataclass(frozen=True)
class Value:
    """A KPI's value with its interval, NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """One KPI of one city in a run, against the base run."""

    run_id: str
    pilot: str
    city: str
    kpi: str
    unit: str
    better: str
    base: Value
    other: Value
    difference: float
    finding: Finding
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """Runs against the first of them."""

    run_ids: tuple[str, ...]
    hashes: tuple[str, ...]
    plans: Mapping[str, tuple[str, ...]]
    differences: tuple[Difference, ...]
    demo: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The comparison as data."""
        return {
            "base": self.run_ids[0],
            "runs": self.run_ids[1:],
            "plans": self.plans,
            "differences": [asdict(item) for item in self.differences],
            "demo": self.demo,
        }


def compared(results: Sequence[Result]) -> Comparison:
    """Hold results against the first of them.

    Raises:
        InvalidInput: Two of them have no KPI of one city in common.
    """
    base, *others = results
    differences = []
    for other in others:
        found = _differences(base, other)
        if all(item.finding == "not comparable" for item in found):
            raise InvalidInput(
                "the runs have no KPI of a city in common that has a value in both",
                field="run",
                value=other.run_id,
                expected=f"a run of the same pilots and cities as {base.run_id}",
            )
        differences += found
    demo = dict.fromkeys(name for result in results for name in demo_cities(result.manifest))
    return Comparison(
        tuple(result.run_id for result in results),
        tuple(result.run_hash[:10] for result in results),
        _plans([flat(result.manifest["plan"]) for result in results]),
        tuple(differences),
        tuple(demo),
    )


def _differences(base: Result, other: Result) -> list[Difference]:
    rows = [
        {(str(row.pilot), str(row.city), str(row.kpi)): row for row in result.kpis.itertuples()}
        for result in (base, other)
    ]
    keys = list(dict.fromkeys([*rows[0], *rows[1]]))
    return [_difference(other.run_id, key, rows[0].get(key), rows[1].get(key)) for key in keys]


def _difference(run_id: str, key: tuple[str, str, str], base: Any, other: Any) -> Difference:
    nothing = Value(math.nan, math.nan, math.nan)
    one, two = (nothing if r is None else Value(r.value, r.low, r.high) for r in (base, other))
    known = other if base is None else base
    reason = ""
    if base is None or other is None:
        reason = "only in one of the runs"
    elif base.unit != other.unit:
        reason = f"another unit: {base.unit} and {other.unit}"
    elif math.isnan(one.value) or math.isnan(two.value):
        reason = "no value in one of the runs"
    change = math.nan if reason else two.value - one.value
    finding: Finding = "not comparable" if reason else judge(one, two, known.better)
    return Difference(run_id, *key, known.unit, known.better, one, two, change, finding, reason)


def judge(base: Value, other: Value, better: str) -> Finding:
    """Whether a value is better than a base; not sure if their intervals overlap."""
    if other.value == base.value:
        return "same"
    # NaN bounds compare false, so that values without intervals are judged as they stand.
    if base.low <= other.high and other.low <= base.high:
        return "not sure"
    higher = other.value > base.value
    if better == "neither":
        return "higher" if higher else "lower"
    return "better" if higher == (better == "higher") else "worse"


def flat(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan as one level of names, e.g. ``transport.fleet_size``, ``data of rae``, ``version of numpy``."""
    named = {name: plan[name] for name in ("start", "days", "seed", "replications", "partners")}
    for pilot in plan["pilots"]:
        named |= {f"{pilot['id']}.{field}": value for field, value in pilot["scenario"].items()}
    for item in plan["cities"]:
        named[f"data of {item['city']['id']}"] = item["pack_sha256"][:12] + (
            " (demo)" if item["demo"] else ""
        )
    named["rule"] = plan["rule"]["id"]
    return named | {f"version of {name}": version for name, version in plan["versions"].items()}


def _plans(plans: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The names whose values are not the same in all plans, with the values."""
    names = list(dict.fromkeys(name for plan in plans for name in plan))
    values = {name: tuple(str(plan.get(name, ABSENT)) for plan in plans) for name in names}
    return {name: texts for name, texts in values.items() if len(set(texts)) > 1}


def show_comparison(comparison: Comparison) -> None:
    """Print a comparison."""
    heads = ["base " + comparison.hashes[0], *("run " + name for name in comparison.hashes[1:])]
    if comparison.demo:
        stamp(f"{', '.join(comparison.demo)}: generated, not measured")
    say(table(["differs", *heads], [[n, *v] for n, v in comparison.plans.items()], title="The plans"))
    for run_id, run_hash in zip(comparison.run_ids[1:], comparison.hashes[1:], strict=True):
        found = [item for item in comparison.differences if item.run_id == run_id]
        for pilot, city in dict.fromkeys((item.pilot, item.city) for item in found):
            part = [item for item in found if (item.pilot, item.city) == (pilot, city)]
            title = f"{pilot}: {city}, run {run_hash} against base {comparison.hashes[0]}"
            say(_difference_table(part, title))
    say()
    for text in _advice(comparison):
        say(text)


COLOURS = {"better": "green", "worse": "red", "not comparable": "yellow"}


def _difference_table(found: Sequence[Difference], title: str) -> Any:
    from rich.text import Text

    places = [decimals([item.base.value, item.other.value]) for item in found]
    both = list(zip(found, places, strict=True))
    cells: list[Sequence[Any]] = [
        [item.kpi for item in found],
        [item.unit for item in found],
        [DIRECTIONS[item.better] for item in found],
        _values([(item.base, n) for item, n in both]),
        _values([(item.other, n) for item, n in both]),
        line_up([signed(item.difference, n) for item, n in both]),
        [rounded_share(item.difference, item.base.value) for item in found],
        [Text(item.reason or item.finding, COLOURS.get(item.finding, "")) for item in found],
    ]
    heads = ["KPI", "unit", "better", *map(Numbers, ("base", "run", "difference", "%")), "finding"]
    return table(heads, list(zip(*cells, strict=True)), title=title)


def _values(values: Sequence[tuple[Value, int]]) -> list[str]:
    """Values with their intervals, where they have one, below them."""
    shown = line_up([number(value.value, places) for value, places in values])
    spans = [interval(value.low, value.high, places) for value, places in values]
    return [f"{text}\n{span}" if span else text for text, span in zip(shown, spans, strict=True)]


def _advice(comparison: Comparison) -> list[str]:
    texts = []
    findings = {item.finding for item in comparison.differences}
    if "not sure" in findings:
        texts.append("not sure: the intervals overlap; more --replications make them narrower")
    known = [item for item in comparison.differences if item.finding != "not comparable"]
    if any(math.isnan(item.base.low) or math.isnan(item.other.low) for item in known):
        texts.append("Values without an interval may differ by luck alone; --replications gives intervals")
    others = [n for n in comparison.plans if n == "seed" or n.startswith(("data of", "version of"))]
    if others:
        texts.append("Not only the scenario differs: " + ", ".join(others))
    return texts
