"""Run a plan: build the models on their packs, play them on one clock, collect what they report.

Example::

    result = run("transport", cities=["tallinn", "rae"], scenario={"fleet_size": 40}, days=1, seed=1)
    print(result.kpis)
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from geodata.errors import NotReady, TwinboxError
from geodata.locate import pack_of
from geodata.pack import CityPack
from twin import plugins
from twin.errors import ContractBroken, NotEligible, RunFailed
from twin.intervals import interval
from twin.packs import PackView
from twin.pilot import CityModel, Estimate, Pilot
from twin.plan import RunPlan, final_verdict, invited, make_plan, validate_scenario
from twin.programme import FINEST, ParticipationRule
from twin.result import COLUMNS, FORMAT, Result
from twin.versions import sources_of
from twin.world import Stage, World

Report = Callable[[float], None]


def run(
    *pilots: str,
    cities: Sequence[str],
    scenario: Mapping[str, Any] | None = None,
    start: str | date | datetime | None = None,
    days: int | None = None,
    years: int | None = None,
    seed: int = 1,
    replications: int | None = None,
    rule: ParticipationRule = FINEST,
    report: Report | None = None,
) -> Result:
    """Plan and simulate one or several pilots in several cities.

    Args:
        pilots: Ids of installed pilots.
        cities: Names of cities, in any spelling they answer to.
        scenario: Fields of the pilot's scenario; with several pilots, a mapping from pilot id to fields.
        start: First day, or an aware instant.
        days: Length of the run in days.
        years: The same in calendar years, in place of days.
        seed: Root of all random streams.
        replications: How often the run is repeated for intervals.
        rule: The programme's rule.
        report: Called with the share of the work that is done.

    Raises:
        NotEligible: The cities do not satisfy the rule.
        NotReady: A city's data do not serve the pilot.
        InvalidInput: A name, a scenario's field or a date is wrong.
        RunFailed: A pilot failed.
    """
    packs = {city.id: pack_of(city) for city in invited(cities, rule)}
    plan = make_plan(
        [plugins.load(pilot) for pilot in pilots],
        packs.values(),
        scenario=scenario,
        start=start,
        days=days,
        years=years,
        seed=seed,
        replications=replications,
        rule=rule,
    )
    return execute(plan, packs, report)


def execute(
    plan: RunPlan,
    packs: Mapping[str, CityPack],
    report: Report | None = None,
    pilots: Sequence[Pilot] | None = None,
) -> Result:
    """Simulate a plan.

    Args:
        plan: The plan.
        packs: The packs it was made with, by city id.
        report: Called with the share of the work that is done.
        pilots: The plan's pilots; found by their ids if left out.

    Raises:
        NotReady: A pack is missing or is not the one the plan was made with.
        ContractBroken: A pilot did what its declarations do not cover.
        NotEligible: Cities whose data or results turned out empty leave too few for the rule.
        RunFailed: A pilot raised an error.
    """
    for item in plan.cities:
        pack = packs.get(item.city.id)
        if pack is None or pack.hash != item.pack_sha256:
            raise NotReady(
                f"the pack of {item.city.name} is not the one the run was planned with",
                field=item.city.id,
                value=None if pack is None else pack.hash[:12],
                expected=item.pack_sha256[:12],
            )
    pilots = pilots or [plugins.load(item.id) for item in plan.pilots]
    outcomes = []
    for replication in range(plan.replications):
        part = _part_of(report, replication, plan.replications)
        outcomes.append(_play(plan, pilots, packs, replication, part))
    if report is not None:
        report(1.0)
    return _result(plan, pilots, packs, outcomes)


@dataclass(frozen=True)
class _Outcome:
    """What one replication gave."""

    kpis: Mapping[tuple[str, str, str], float | Estimate]
    data: Mapping[str, xr.Dataset]
    used: Mapping[tuple[str, str], frozenset[str]]


def _part_of(report: Report | None, index: int, parts: int) -> Report | None:
    if report is None:
        return None
    return lambda share: report((index + share) / parts)


def _play(
    plan: RunPlan,
    pilots: Sequence[Pilot],
    packs: Mapping[str, CityPack],
    replication: int,
    report: Report | None,
) -> _Outcome:
    stage = Stage(
        pilots,
        plan.city_ids,
        start=plan.start,
        end_s=plan.end_s,
        window_s=plan.window_s,
        seed=plan.seed,
        replication=replication,
    )
    views = {
        (pilot.id, city): PackView(packs[city], pilot.id, pilot.needs)
        for pilot in pilots
        for city in plan.city_ids
    }
    by_id = {pilot.id: pilot for pilot in pilots}
    models = {pilot.id: _build(plan, pilot, stage, views) for pilot in pilots}
    for pilot_id, by_city in sorted(models.items()):
        for city, model in sorted(by_city.items()):
            with _blame([by_id[pilot_id]], city):
                stage.env.process(model.run())
    with _blame(pilots):
        stage.play(report)
    kpis: dict[tuple[str, str, str], float | Estimate] = {}
    data = {}
    for pilot in pilots:
        for city, model in sorted(models[pilot.id].items()):
            with _blame([pilot], city):
                kpis |= {(pilot.id, city, name): value for name, value in _kpis(pilot, city, model).items()}
                data[f"/{pilot.id}/{city}"] = _data(pilot, city, model)
                _check_balances(pilot, city, model)
    used = {key: frozenset(view.used) for key, view in views.items()}
    return _Outcome(kpis, data, used)


def _build(
    plan: RunPlan, pilot: Pilot, stage: Stage, views: Mapping[tuple[str, str], PackView]
) -> Mapping[str, CityModel]:
    fields = next(item.scenario for item in plan.pilots if item.id == pilot.id)
    scenario = validate_scenario(pilot, fields)
    with _blame([pilot], pilot.id):
        models = pilot.build(
            {city: views[pilot.id, city] for city in plan.city_ids}, scenario, World(stage, pilot.id)
        )
    if set(models) != set(plan.city_ids):
        raise ContractBroken(
            f"{pilot.id} must build one model for each city of the run",
            field="build",
            value=", ".join(sorted(models)) or "none",
            expected=", ".join(plan.city_ids),
        )
    return models


@contextmanager
def _blame(pilots: Sequence[Pilot], city: str | None = None) -> Iterator[None]:
    """Turn any error of a pilot's code into :class:`RunFailed`, naming the pilot, the place and the cause."""
    try:
        yield
    except TwinboxError as error:
        # SimPy raises a copy of an error that a process died of, without its file, row and field.
        raise _original(error) from None
    except (Exception, SystemExit) as error:
        pilot, where = _culprit(pilots, error)
        raise RunFailed(
            f"the pilot {pilot} failed"
            + (f" for {city}" if city else "")
            + f": {type(error).__name__}: {error}{where}",
            field=pilot,
        ) from error


def _culprit(pilots: Sequence[Pilot], error: BaseException) -> tuple[str, str]:
    """Which pilot's code an error comes from, and the file and line, from the innermost frame of a pilot."""
    homes = {pilot.id: str(sources_of(pilot)) for pilot in pilots}
    for frame in reversed(traceback.extract_tb(_original(error).__traceback__)):
        for pilot, home in homes.items():
            if frame.filename.startswith(home):
                return pilot, f" ({Path(frame.filename).name}, line {frame.lineno})"
    return " or ".join(homes), ""


def _original(error: BaseException) -> BaseException:
    """The error that a process died of, of which SimPy raises a copy without details and frames."""
    return error.__cause__ if isinstance(error.__cause__, type(error)) else error


def _kpis(pilot: Pilot, city: str, model: CityModel) -> dict[str, float | Estimate]:
    values = dict(model.kpis())
    declared = {kpi.id for kpi in pilot.kpis}
    if set(values) != declared:
        raise ContractBroken(
            f"{pilot.id} must give a value for each KPI it declares, and no other, for {city}",
            field="kpis",
            value=", ".join(sorted(set(values) ^ declared)),
        )
    for name, value in values.items():
        if any(math.isinf(number) for number in (value if isinstance(value, Estimate) else (value,))):
            raise ContractBroken(f"{pilot.id} gives an infinite KPI for {city}", field=name, value=str(value))
    return values


def _data(pilot: Pilot, city: str, model: CityModel) -> xr.Dataset:
    data = model.data()
    if not isinstance(data, xr.Dataset):
        raise ContractBroken(f"{pilot.id} gives no xarray dataset for {city}", value=type(data).__name__)
    for name, variable in data.data_vars.items():
        if "units" not in variable.attrs:
            raise ContractBroken(f"{pilot.id} gives a variable without units for {city}", field=str(name))
        variable.attrs.setdefault("origin", "simulated")
    return data


def _check_balances(pilot: Pilot, city: str, model: CityModel) -> None:
    for what, (left, right) in model.balances().items():
        if not math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-6):
            raise ContractBroken(
                f"{pilot.id} does not conserve {what} for {city}", field=what, value=left, expected=f"{right}"
            )


def _result(
    plan: RunPlan, pilots: Sequence[Pilot], packs: Mapping[str, CityPack], outcomes: Sequence[_Outcome]
) -> Result:
    first = outcomes[0]
    counted = _not_counted(plan, first)
    verdict = final_verdict(plan, counted)
    if not verdict.eligible:
        raise NotEligible(verdict)
    rows = []
    for pilot in pilots:
        for city in plan.city_ids:
            for kpi in pilot.kpis:
                value, low, high = _interval(
                    [outcome.kpis[pilot.id, city, kpi.id] for outcome in outcomes], whole=kpi.whole
                )
                rows.append((pilot.id, city, kpi.id, value, kpi.unit, kpi.better, low, high))
    manifest = {
        "format": FORMAT,
        "run_id": plan.run_id,
        "run_hash": plan.run_hash,
        "verdict": verdict.model_dump(mode="json"),
        "plan": plan.model_dump(mode="json"),
        "pilots": {pilot.id: _about(pilot) for pilot in pilots},
        "data": {city: _sources(city, packs[city], first) for city in plan.city_ids},
        "notes": _notes(plan, first),
    }
    data = xr.DataTree.from_dict(dict(sorted(first.data.items())))
    return Result(pd.DataFrame(rows, columns=list(COLUMNS)), data, manifest)


def _not_counted(plan: RunPlan, outcome: _Outcome) -> dict[str, str]:
    """Cities that did not really take part: nothing of their pack was read, or nothing came out."""
    reasons = {}
    for city in plan.city_ids:
        if any(not outcome.used[pilot, city] for pilot in plan.pilot_ids):
            reasons[city] = "nothing of its data was used"
        elif any(not outcome.data[f"/{pilot}/{city}"].data_vars for pilot in plan.pilot_ids):
            reasons[city] = "it has no result of its own"
    return reasons


def _interval(values: Sequence[float | Estimate], *, whole: float | None) -> tuple[float, float, float]:
    """Mean of a KPI over replications with its 95 % interval, or the model's own interval."""
    if all(isinstance(value, Estimate) for value in values):
        mean = np.array(values, dtype=float).mean(axis=0)
        return float(mean[0]), float(mean[1]), float(mean[2])
    numbers = np.array([v.value if isinstance(v, Estimate) else v for v in values], dtype=float)
    return interval(numbers, whole)[:3]


def _about(pilot: Pilot) -> dict[str, Any]:
    return {
        "title": pilot.title,
        "titles": dict(sorted(pilot.titles.items())),
        "domain": str(pilot.domain),
        "version": pilot.version,
        "kpis": {
            kpi.id: {
                "title": kpi.title,
                "unit": kpi.unit,
                "better": kpi.better,
                "definition": kpi.definition,
                "source": kpi.source,
            }
            for kpi in pilot.kpis
        },
    }


def _sources(city: str, pack: CityPack, outcome: _Outcome) -> list[dict[str, Any]]:
    """What the run read of a city's pack, with the words that licences ask for."""
    used = sorted(set().union(*(sets for (_, c), sets in outcome.used.items() if c == city)))
    return [
        {
            "id": name,
            "kind": pack.dataset(name).kind,
            "grade": str(pack.dataset(name).provenance.grade),
            "source": pack.dataset(name).provenance.source,
            "licence": pack.dataset(name).provenance.licence,
            "attribution": pack.dataset(name).provenance.attribution,
            "sha256": pack.dataset(name).sha256,
        }
        for name in used
    ]


def _notes(plan: RunPlan, outcome: _Outcome) -> list[str]:
    notes = [f"{item.city.name} ran on its demo pack: synthetic data" for item in plan.cities if item.demo]
    for path, data in sorted(outcome.data.items()):
        notes += [f"{path.strip('/')}: {note}" for note in data.attrs.get("notes", [])]
    return notes
