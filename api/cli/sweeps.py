"""`twinbox sweep`: many runs over a grid of scenario values and seeds."""

from __future__ import annotations

import json as jsons
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.app import RUNS, app, examples

if TYPE_CHECKING:
    import pandas as pd

    from twin.ensemble import Sweep
    from twin.pilot import Pilot


@app.command(
    rich_help_panel=RUNS,
    epilog=examples(
        "twinbox sweep transport --city tallinn --city rae --grid fleet_size=20,40,60 --seeds 10",
        "twinbox sweep street_lamps --city tartu --city rae --grid crews=1,2 --grid lamp_power_w=40,60",
    ),
)
def sweep(
    pilots: Annotated[list[str], typer.Argument(metavar="PILOT", help="Pilots; several run together.")],
    *,
    city: options.Cities = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=A,B,…", help="Values of one field of the scenario; several options span a grid."
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds", "--replications", min=1, help="Simulations at each point, with seeds 1 to this."
        ),
    ] = 5,
    start: options.Start = None,
    days: options.Days = None,
    years: options.Years = None,
    scenario: options.ScenarioFile = None,
    settings: options.Settings = None,
    rule: options.Rule = options.FINEST_RULE,
    partners: options.Partners = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as processors if left out.")
    ] = None,
    chart: options.ChartFolder = None,
    json: options.Json = False,
) -> None:
    """Simulate every point of a grid under every seed, with intervals and differences from the first point.

    All points meet the same seeds, so that they differ by the scenario and not by luck. What is done is kept:
    a sweep that was interrupted goes on where it stopped.
    """
    from api.cli.charts import write_sweep_charts
    from api.cli.screen import emit

    done = _swept(
        pilots, city or [], grid or [], seeds, start=start, days=days, years=years, scenario=scenario,
        settings=settings or [], rule=rule, partners=partners, workers=workers, quiet=json,
    )  # fmt: skip
    manifest = _manifest(done)
    files = write_sweep_charts(done, manifest, chart) if chart else []
    if json:
        kpis = done.table.to_dict("records")
        emit(
            {
                "fields": done.fields,
                "manifest": manifest,
                "kpis": kpis,
                "folder": done.folder,
                "charts": files,
            }
        )
    else:
        _show(done, manifest, files)


def _swept(
    pilot_ids: list[str],
    cities: list[str],
    grid_options: list[str],
    seeds: int,
    *,
    start: str | None,
    days: int | None,
    years: int | None,
    scenario: Path | None,
    settings: list[str],
    rule: str,
    partners: int,
    workers: int | None,
    quiet: bool,
) -> Sweep:
    from api.cli.fields import grid_of, rule_of, scenario_of, told_where
    from api.cli.screen import progress
    from geodata.errors import InvalidInput
    from twin import ensemble, plugins
    from twin.engine import Processes
    from twin.plan import invited

    the_rule = rule_of(rule)
    invited(cities, the_rule, partners=partners)
    if not grid_options:
        raise InvalidInput("a sweep needs a grid", field="--grid", expected="FIELD=A,B,…, e.g. crews=1,2,4")
    pilots = [plugins.load(pilot) for pilot in dict.fromkeys(pilot_ids)]
    fields: dict[str, Any] = dict(scenario_of(pilots, scenario, settings))
    with progress("sweeping", quiet=quiet) as report, told_where(scenario, [*settings, *grid_options]):
        return ensemble.sweep(
            *(pilot.id for pilot in pilots),
            cities=cities,
            grid=grid_of(pilots, grid_options),
            seeds=range(1, seeds + 1),
            scenario=fields[pilots[0].id] if len(pilots) == 1 else fields,
            start=start,
            days=days,
            years=years,
            rule=the_rule,
            partners=partners,
            engine=Processes(workers),
            report=report,
        )


def _manifest(done: Sweep) -> dict[str, Any]:
    """What a sweep stands on, shaped like a run's manifest: plan, seeds, pilots, data, units of fields."""
    from geodata.city import City
    from geodata.locate import pack_of
    from geodata.manifest import State
    from twin import plugins

    manifest: dict[str, Any] = jsons.loads((done.folder / "sweep.json").read_text(encoding="utf-8"))
    plan = manifest["plan"]
    pilots = [plugins.load(item["id"]) for item in plan["pilots"]]
    kinds = {kind for pilot in pilots for need in pilot.needs for kind in (need.kind, *need.instead)}
    packs = [pack_of(City.model_validate(item["city"])) for item in plan["cities"]]
    manifest["pilots"] = {
        pilot.id: {"title": pilot.title, "kpis": {kpi.id: asdict(kpi) for kpi in pilot.kpis}}
        for pilot in pilots
    }
    manifest["units"] = _units(pilots)
    manifest["data"] = {
        pack.city.id: [
            {
                "id": entry.id,
                **entry.provenance.model_dump(mode="json", include={"grade", "licence", "attribution"}),
            }
            for entry in pack.datasets
            if entry.kind in kinds and entry.provenance.state is State.PRODUCTION
        ]
        for pack in packs
    }
    return manifest


def _units(pilots: Sequence[Pilot]) -> dict[str, str]:
    """Units of the scenarios' fields, by the names they have in a grid."""
    from twin.pilot import settings

    units = {}
    for pilot in pilots:
        for setting in settings(pilot.Scenario):
            if setting.unit:
                units[setting.name if len(pilots) == 1 else f"{pilot.id}.{setting.name}"] = setting.unit
    return units


def _show(done: Sweep, manifest: dict[str, Any], files: list[Path]) -> None:

    from api.cli.formats import counted
    from api.cli.report import city_names, demo_cities, source_table
    from api.cli.screen import say, stamp

    plan = manifest["plan"]
    say(
        f"\n{counted(len(manifest['points']), 'point')} × {counted(len(manifest['seeds']), 'seed')}, "
        f"{counted(plan['days'], 'day')} each; rule {plan['rule']['id']}: satisfied"
    )
    demo = demo_cities(manifest)
    if demo:
        stamp(f"{', '.join(demo)}: generated, not measured")
    for (pilot, city), part in done.table.groupby(["pilot", "city"], sort=True):
        say(_table(done.fields, f"{pilot}: {city}", part[part.value.notna()]))
    empty = done.table.groupby("kpi").value.count()
    if (empty == 0).any():
        say(f"No value at any point: {', '.join(empty.index[empty == 0])}")
    say()
    say("Intervals: 95 % for the mean over seeds; differences are paired: each seed against itself")
    say(source_table(manifest["data"], city_names(manifest)))
    say()
    for file in files:
        say(f"Chart   {file}")
    say(f"Folder  {done.folder}")
    if not files:
        say("Next    the same command with --chart charts draws each KPI against the grid")


def _table(fields: tuple[str, ...], title: str, part: pd.DataFrame) -> Any:
    from api.cli.formats import DIRECTIONS, decimals, interval, line_up, number, signed
    from api.cli.screen import Numbers, table

    # KPI by KPI, so that the eye runs down one indicator over the grid.
    order = {kpi: n for n, kpi in enumerate(dict.fromkeys(part.kpi))}
    rows: list[dict[Any, Any]] = sorted(part.to_dict("records"), key=lambda row: order[row["kpi"]])
    rows = _once_if_unmoved(rows, fields)
    places = {kpi: decimals(row["value"] for row in rows if row["kpi"] == kpi) for kpi in order}
    cells = [
        [row["kpi"] for row in rows],
        [row["unit"] for row in rows],
        [DIRECTIONS[row["better"]] for row in rows],
        *([str(row[field]) for row in rows] for field in fields),
        line_up([number(row["value"], places[row["kpi"]]) for row in rows]),
        [interval(row["low"], row["high"], places[row["kpi"]]) for row in rows],
        line_up([signed(row["difference"], places[row["kpi"]]) for row in rows]),
        [interval(row["difference_low"], row["difference_high"], places[row["kpi"]]) for row in rows],
    ]
    heads = [
        "KPI", "unit", "better", *map(Numbers, fields), Numbers("mean"), Numbers("interval"),
        Numbers("difference"), Numbers("interval"),
    ]  # fmt: skip
    return table(heads, list(zip(*cells, strict=True)), title=title)


def _once_if_unmoved(rows: list[dict[Any, Any]], fields: tuple[str, ...]) -> list[dict[Any, Any]]:
    """One row alone for each KPI that the grid leaves as it is: the eye looks for what moves."""
    moved = {
        row["kpi"]
        for row in rows
        if row["difference"] != 0 or row["difference_low"] < 0 or row["difference_high"] > 0
    }
    kept, seen = [], set[str]()
    for row in rows:
        if row["kpi"] in moved:
            kept.append(row)
        elif row["kpi"] not in seen:
            kept.append(row | dict.fromkeys(fields, "any"))
            seen.add(row["kpi"])
    return kept
