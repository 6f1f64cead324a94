"""`twinbox show` and `twinbox compare`: read what is kept, hold one run against another."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.app import RUNS, app, examples

if TYPE_CHECKING:
    from twin.result import Result

RunName = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="A run's id, the beginning or end of it, or a folder; the newest if left out."
    ),
]


class Level(StrEnum):
    """By what KPIs are shown."""

    CITY = "city"
    DISTRICT = "district"


@app.command(
    rich_help_panel=RUNS,
    epilog=examples(
        "twinbox show",
        "twinbox show 3f2a90c1d4 --by district",
        "twinbox show 3f2a90c1d4 --chart charts",
        "twinbox show 3f2a90c1d4 --json",
    ),
)
def show(
    run: RunName = None,
    by: Annotated[Level, typer.Option(help="Show KPIs of cities, or of their districts.")] = Level.CITY,
    chart: options.ChartFolder = None,
    *,
    json: options.Json = False,
) -> None:
    """Show a run that is kept: its KPIs with units and intervals, the verdict, and whose data it used."""
    from api.cli.charts import write_charts
    from api.cli.report import result_document, show_result
    from api.cli.screen import emit, say

    result, folder = opened(run)
    if by is Level.DISTRICT:
        _need_districts(result)
    files = write_charts(result, chart, quiet=json) if chart else []
    if json:
        districts = {"districts": result.district_kpis.to_dict("records")} if by is Level.DISTRICT else {}
        emit({**result_document(result), **districts, "folder": folder, "charts": files})
        return
    if by is Level.DISTRICT:
        _show_districts(result)
    else:
        show_result(result, folder)
    for file in files:
        say(f"Chart   {file}")


def opened(name: str | None) -> tuple[Result, Path]:
    """A run by name or folder; the newest if no name is given.

    Raises:
        UnknownName: No run is called this, or none is kept.
    """
    from geodata.errors import UnknownName
    from twin.result import MANIFEST, open_result
    from twin.store import RunStore

    if name is not None and (Path(name) / MANIFEST).is_file():
        return open_result(name), Path(name)
    store = RunStore()
    kept = store.runs()
    if not kept:
        raise UnknownName("no run is kept yet", field="run", value=name, hint="twinbox run makes one")
    folder = store.path(name or kept[0].run_id)
    return open_result(folder), folder


def _need_districts(result: Result) -> None:
    from geodata.errors import UnknownName

    if result.district_kpis.empty:
        raise UnknownName(
            "the run has no KPI by district",
            field="--by",
            value="district",
            hint="twinbox show shows its cities",
        )


def _show_districts(result: Result) -> None:
    from api.cli.report import district_names, district_tables, show_grounds, show_head
    from api.cli.screen import say

    show_head(result.manifest)
    for grid in district_tables(result, district_names(result)):
        say(grid)
    if result.manifest["plan"]["replications"] > 1:
        say("\nDistricts are those of the first replication; the cities' KPIs are means over all of them")
    show_grounds(result)


@app.command(
    rich_help_panel=RUNS,
    epilog=examples("twinbox compare 3f2a90c1d4 b81c44e0aa", "twinbox compare 3f2a90c1d4 b81c44e0aa --json"),
)
def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Two runs or more; the first is the base.")
    ],
    *,
    json: options.Json = False,
) -> None:
    """Hold runs against the first of them: each KPI's difference, and whether it is better or worse.

    Says what else differs between the runs (scenario, seed, data, code), since a difference is only the
    scenario's if nothing else is.
    """
    from api.cli.comparison import compared, show_comparison
    from api.cli.screen import emit
    from geodata.errors import InvalidInput

    results: list[Any] = [opened(name)[0] for name in runs]
    if len({result.run_hash for result in results}) < len(results) or len(results) < 2:
        raise InvalidInput(
            "a comparison needs two different runs",
            field="run",
            value=" ".join(runs),
            hint="twinbox runs lists them",
        )
    comparison = compared(results)
    if json:
        emit(comparison.document())
    else:
        show_comparison(comparison)
