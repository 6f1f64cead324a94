"""`twinbox run` and `twinbox runs`: simulate a plan once, keep it, list what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.app import RUNS, app, examples

if TYPE_CHECKING:
    from geodata.pack import CityPack
    from twin.plan import RunPlan
    from twin.result import Result
    from twin.store import StoredRun


@app.command(
    rich_help_panel=RUNS,
    epilog=examples(
        "twinbox run transport --city tallinn --city rae --seed 1",
        "twinbox run transport --city tallinn --city rae --set fleet_size=40 --replications 20",
        "twinbox run transport microgrid --city tallinn --city rae --set transport.fleet_size=40",
        "twinbox run green --city tallinn --city helsinki --years 30",
        "twinbox run street_lamps --city tartu --city paldiski --scenario night.toml --chart charts",
    ),
)
def run(
    pilots: Annotated[
        list[str], typer.Argument(metavar="PILOT", help="Pilots; several run together on one clock.")
    ],
    *,
    city: options.Cities = None,
    start: options.Start = None,
    days: options.Days = None,
    years: options.Years = None,
    seed: options.Seed = 1,
    replications: options.Replications = None,
    scenario: options.ScenarioFile = None,
    settings: options.Settings = None,
    rule: options.Rule = options.FINEST_RULE,
    partners: options.Partners = 0,
    chart: options.ChartFolder = None,
    json: options.Json = False,
) -> None:
    """Simulate pilots in several cities and keep the result.

    The cities must satisfy the programme's rule, and each city's data must serve each pilot. The same plan
    run again is not simulated again: it is shown from the store.
    """
    from api.cli.fields import told_where

    with told_where(scenario, settings or ()):
        plan, packs = planned(
            pilots, city or [], start=start, days=days, years=years, seed=seed, replications=replications,
            scenario=scenario, settings=settings or [], rule=rule, partners=partners,
        )  # fmt: skip
        # Imported only now: a refused plan is told at once, and the store takes a second to import.
        from twin.store import RunStore

        store = RunStore()
        folder = store.find(plan)
        stored = folder is not None
        if folder is None:
            folder = store.publish(simulated(plan, packs, quiet=json))
    result = store.open(plan.run_id)
    _report(result, folder, chart, stored=stored, as_json=json)


def planned(
    pilot_ids: Sequence[str],
    city_names: Sequence[str],
    *,
    start: str | None,
    days: int | None,
    years: int | None,
    seed: int,
    replications: int | None,
    scenario: Path | None,
    settings: Sequence[str],
    rule: str,
    partners: int,
) -> tuple[RunPlan, dict[str, CityPack]]:
    """A plan from what the user typed, and the packs it stands on; the rule is asked first."""
    from api.cli.fields import rule_of, scenario_of
    from geodata.locate import pack_of
    from twin import plugins
    from twin.plan import invited, make_plan

    the_rule = rule_of(rule)
    cities = invited(city_names, the_rule, partners=partners)
    pilots = [plugins.load(pilot) for pilot in dict.fromkeys(pilot_ids)]
    packs = {city.id: pack_of(city) for city in cities}
    plan = make_plan(
        pilots, packs.values(), scenario=scenario_of(pilots, scenario, settings), start=start, days=days,
        years=years, seed=seed, replications=replications, rule=the_rule, partners=partners,
    )  # fmt: skip
    return plan, packs


def simulated(plan: RunPlan, packs: dict[str, CityPack], *, quiet: bool) -> Result:
    """Simulate a plan under a progress bar."""
    from api.cli.screen import progress
    from twin.simulate import execute

    with progress(f"simulating {', '.join(plan.pilot_ids)}", quiet=quiet) as report:
        return execute(plan, packs, report)


def _report(result: Result, folder: Path, chart: Path | None, *, stored: bool, as_json: bool) -> None:
    from api.cli.charts import write_charts
    from api.cli.report import result_document, show_result
    from api.cli.screen import emit, say

    files = write_charts(result, chart, quiet=as_json) if chart else []
    if as_json:
        extra = {"folder": folder, "stored_before": stored, "charts": files}
        emit({**result_document(result), **extra})
        return
    if stored:
        say(
            "This very run is stored already (same plan, data and code); shown, not simulated again.",
            style="bold",
        )
    show_result(result, folder)
    for file in files:
        say(f"Chart   {file}")
    name = result.run_hash[:10]
    say()
    say("Next    twinbox show " + name + " --chart charts     maps and charts of this run")
    say("        twinbox show " + name + " --by district      the same by district")
    say("        twinbox compare " + name + " OTHER_RUN       against a run with another scenario")


@app.command(rich_help_panel=RUNS, epilog=examples("twinbox runs", "twinbox runs --json"))
def runs(*, json: options.Json = False) -> None:
    """List the runs that are kept, newest first."""
    from dataclasses import asdict

    from api.cli.screen import Numbers, emit, say, table
    from twin.store import RunStore

    store = RunStore()
    kept = store.runs()
    if json:
        emit({"folder": store.folder, "runs": [asdict(item) for item in kept]})
        return
    if not kept:
        say("No run is kept yet. Try: twinbox run transport --city tallinn --city rae")
        return
    rows = [
        [
            item.run_hash[:10], " + ".join(item.pilots), ", ".join(item.cities),
            f"{_local(item):%Y-%m-%d %H:%M}",
            str(item.days), str(item.seed), "synthetic demo data" if item.demo else "real",
            f"{item.published.astimezone():%Y-%m-%d %H:%M}",
        ]
        for item in kept
    ]  # fmt: skip
    heads = ["run", "pilots", "cities", "start", Numbers("days"), Numbers("seed"), "data", "kept since"]
    say(table(heads, rows))
    say(f"Folder  {store.folder}")


def _local(item: StoredRun) -> datetime:
    """A run's start on the clock of its first city, as far as the city is still known."""
    from geodata.city import known_cities

    city = known_cities().get(item.cities[0])
    return item.start if city is None else item.start.astimezone(city.zone)
