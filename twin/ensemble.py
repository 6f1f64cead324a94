"""Sweeps: the same plan over a grid of scenario values and many seeds, with intervals and paired differences.

A planner's question is rarely "what happens with 40 buses" but "how many buses are enough, and how sure are
you". A sweep simulates each point of a grid under the same seeds, so that points differ by the scenario and
not by luck (common random numbers), and tells mean, 95 % interval and the difference from the first point.

Each finished simulation is a checkpoint: a sweep that was interrupted goes on where it stopped.

Source: Law, Simulation Modeling and Analysis, sections 9.4 (replications) and 11.2 (paired differences under
common random numbers).
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.atomic import flush, partial_name, write_text
from geodata.atomic import sweep as sweep_leftovers
from geodata.errors import InvalidInput
from geodata.home import home
from geodata.locate import pack_of
from geodata.manifest import canonical_json
from geodata.pack import CityPack, open_pack
from twin import plugins
from twin.engine import Engine, Processes, Task
from twin.intervals import interval, mean_interval
from twin.plan import RunPlan, invited, make_plan
from twin.programme import FINEST, ParticipationRule
from twin.simulate import execute

Report = Callable[[float], None]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes:
        fields: The grid's fields, in the order given.
        table: One row per point, pilot, city and KPI: the fields, ``pilot, city, kpi, value, low, high, n,
            unit, better, difference, difference_low, difference_high``. ``difference`` is from the first
            point under the same seeds; its interval is that of the paired differences.
        samples: One row per point, seed, pilot, city and KPI.
        folder: Where it is stored.
    """

    fields: tuple[str, ...]
    table: pd.DataFrame
    samples: pd.DataFrame
    folder: Path


def sweep(
    *pilots: str,
    cities: Sequence[str],
    grid: Mapping[str, Sequence[Any]],
    seeds: Sequence[int],
    scenario: Mapping[str, Any] | None = None,
    start: str | date | datetime | None = None,
    days: int | None = None,
    years: int | None = None,
    rule: ParticipationRule = FINEST,
    partners: int = 0,
    engine: Engine | None = None,
    report: Report | None = None,
) -> Sweep:
    """Simulate every point of a grid under every seed.

    Args:
        pilots: Ids of installed pilots.
        cities: Names of cities.
        grid: Values by field of the scenario; with several pilots, fields are ``pilot.field``.
        seeds: Roots of the random streams, one simulation each at every point.
        scenario: Fields that stay the same.
        start: First day, or an aware instant.
        days: Length of each run in days.
        years: The same in calendar years, in place of days.
        rule: The programme's rule.
        partners: Partners that are not cities, for rules that ask for them.
        engine: Where to compute; processes of this machine if left out.
        report: Called with the share of the work that is done.

    Raises:
        InvalidInput: The grid or the list of seeds is empty or repeats itself.
        NotEligible, NotReady, RunFailed: As for a single run.
    """
    _check(grid, seeds)
    loaded = [plugins.load(pilot) for pilot in pilots]
    packs = {city.id: pack_of(city) for city in invited(cities, rule, partners=partners)}
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    plans = {
        (index, seed): make_plan(
            loaded,
            packs.values(),
            scenario=_with(scenario or {}, point, several=len(loaded) > 1),
            start=start,
            days=days,
            years=years,
            seed=seed,
            replications=1,
            rule=rule,
            partners=partners,
        )
        for index, point in enumerate(points)
        for seed in seeds
    }
    folder = home() / "sweeps" / _name(plans)
    _compute(plans, packs, folder, engine or Processes(), report)
    return _gather(tuple(grid), points, plans, folder)


def _check(grid: Mapping[str, Sequence[Any]], seeds: Sequence[int]) -> None:
    for field, values in {**grid, "seeds": seeds}.items():
        unique = {canonical_json(value) for value in values}
        if not values or len(unique) != len(values):
            raise InvalidInput(
                "a sweep needs at least one value of each field, each once",
                field=field,
                value=", ".join(map(str, values)) or "none",
            )


def _with(scenario: Mapping[str, Any], point: Mapping[str, Any], *, several: bool) -> dict[str, Any]:
    """A scenario with a point's values put in."""
    if not several:
        return {**scenario, **point}
    merged = {pilot: dict(fields) for pilot, fields in scenario.items()}
    for name, value in point.items():
        pilot, _, field = name.partition(".")
        merged.setdefault(pilot, {})[field] = value
    return merged


def _name(plans: Mapping[tuple[int, int], RunPlan]) -> str:
    first = next(iter(plans.values()))
    digest = hashlib.sha256("".join(sorted(plan.run_hash for plan in plans.values())).encode())
    return f"{'+'.join(first.pilot_ids)}-{'+'.join(first.city_ids)}-{digest.hexdigest()[:10]}"


def _compute(
    plans: Mapping[tuple[int, int], RunPlan],
    packs: Mapping[str, CityPack],
    folder: Path,
    engine: Engine,
    report: Report | None,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sweep_leftovers(folder)
    paths = {city: str(pack.path) for city, pack in packs.items()}
    tasks = [
        {"plan": plan.model_dump_json(), "packs": paths, "file": str(_file(folder, plan))}
        for plan in plans.values()
        if not _file(folder, plan).exists()
    ]
    done = len(plans) - len(tasks)
    for _ in engine.compute(work, tasks):
        done += 1
        if report is not None:
            report(done / len(plans))


def _file(folder: Path, plan: RunPlan) -> Path:
    return folder / f"{plan.run_hash[:20]}.parquet"


def work(task: Task) -> None:
    """Simulate one plan and keep its KPIs; the file appears whole or not at all."""
    plan = RunPlan.model_validate_json(task["plan"])
    packs = {city: open_pack(Path(path)) for city, path in task["packs"].items()}
    result = execute(plan, packs)
    file = Path(task["file"])
    partial = partial_name(file)
    result.kpis.to_parquet(partial, index=False)
    flush(partial)
    partial.replace(file)


def _gather(
    fields: tuple[str, ...],
    points: Sequence[Mapping[str, Any]],
    plans: Mapping[tuple[int, int], RunPlan],
    folder: Path,
) -> Sweep:
    seeds = sorted({seed for _, seed in plans})
    tables = [[pd.read_parquet(_file(folder, plans[p, seed])) for seed in seeds] for p in range(len(points))]
    rows = tables[0][0][["pilot", "city", "kpi", "unit", "better"]]
    values = np.array([[table.value.to_numpy(float) for table in of_point] for of_point in tables])
    pilots = [plugins.load(name) for name in plans[0, seeds[0]].pilot_ids]
    wholes = {(pilot.id, kpi.id): kpi.whole for pilot in pilots for kpi in pilot.kpis}
    whole = [wholes[str(row.pilot), str(row.kpi)] for row in rows.itertuples()]
    grid = [{field: _plain(point[field]) for field in fields} for point in points]
    table = pd.concat(
        [rows.assign(**cells, **_summary(values[p], values[0], whole)) for p, cells in enumerate(grid)]
    )
    samples = pd.concat(
        [
            rows.assign(**cells, seed=seed, value=values[p, s])
            for p, cells in enumerate(grid)
            for s, seed in enumerate(seeds)
        ]
    )
    manifest = {
        "format": "twinbox-sweep/1",
        "fields": fields,
        "points": grid,
        "seeds": seeds,
        "plan": plans[0, seeds[0]].model_dump(mode="json"),
    }
    order = [*fields, "pilot", "city", "kpi"]
    table = table[[*order, *(name for name in table if name not in order)]].reset_index(drop=True)
    samples = samples[[*order, "seed", "value", "unit", "better"]].reset_index(drop=True)
    write_text(folder / "sweep.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "kpis.csv", table.to_csv(index=False))
    write_text(folder / "samples.csv", samples.to_csv(index=False))
    return Sweep(fields, table, samples, folder)


def _summary(values: Floats, base: Floats, wholes: Sequence[float | None]) -> dict[str, Sequence[float]]:
    """Statistics of one point's KPIs; both arrays are seeds × KPIs, ``base`` is the first point's."""
    intervals = [interval(column, whole) for column, whole in zip(values.T, wholes, strict=True)]
    level = zip(*intervals, strict=True)
    paired = zip(*(mean_interval(column)[:3] for column in (values - base).T), strict=True)
    columns = dict(zip(("value", "low", "high", "n"), level, strict=True))
    return columns | dict(zip(("difference", "difference_low", "difference_high"), paired, strict=True))


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool) else canonical_json(value)
