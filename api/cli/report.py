"""A run on the screen: KPIs city beside city, the verdict, and whose data stand behind the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from api.cli.formats import DIRECTIONS, counted, decimals, interval, line_up, number
from api.cli.screen import Numbers, say, stamp, table

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from twin.result import Result


def result_document(result: Result) -> dict[str, Any]:
    """A result as data for ``--json``."""
    return {"manifest": dict(result.manifest), "kpis": result.kpis.to_dict("records")}


def show_result(result: Result, folder: Path) -> None:
    """Print a result: what was run, its KPIs, the verdict, warnings, sources, the folder."""
    show_head(result.manifest)
    for pilot in result.manifest["pilots"]:
        say(kpi_table(result, pilot))
    show_grounds(result)
    say()
    say(f"Run     {result.run_id}")
    say(f"Folder  {folder}")


def show_head(manifest: Mapping[str, Any]) -> None:
    """Print what was run, when, and, loudly, on which generated data."""
    from rich.text import Text

    plan = manifest["plan"]
    names = ", ".join(city_names(manifest).values())
    say(
        Text.assemble(
            ("\n" + " + ".join(p["title"] for p in manifest["pilots"].values()), "bold"), f"  {names}"
        )
    )
    say(
        f"{local_start(manifest)}, {counted(plan['days'], 'day')}, seed {plan['seed']}, "
        f"{counted(plan['replications'], 'replication')}"
    )
    demo = demo_cities(manifest)
    if demo:
        stamp(f"{', '.join(demo)}: generated, not measured")


def city_names(manifest: Mapping[str, Any]) -> dict[str, str]:
    """English names of a run's cities by id."""
    return {item["city"]["id"]: item["city"]["names"]["en"] for item in manifest["plan"]["cities"]}


def demo_cities(manifest: Mapping[str, Any]) -> list[str]:
    """Names of the cities that ran on their demo packs."""
    return [item["city"]["names"]["en"] for item in manifest["plan"]["cities"] if item["demo"]]


def local_start(manifest: Mapping[str, Any]) -> str:
    """The run's first instant on the clock of its first city."""
    plan = manifest["plan"]
    zone = ZoneInfo(plan["cities"][0]["city"]["timezone"])
    start = datetime.fromisoformat(plan["start"]).astimezone(zone)
    return start.strftime("%A %Y-%m-%d %H:%M").removesuffix(" 00:00")


def kpi_table(result: Result, pilot: str) -> RenderableType:
    """A pilot's KPIs, one row each, one column for each city, with intervals where there are any."""
    about = result.manifest["pilots"][pilot]["kpis"]
    names = city_names(result.manifest)
    frame = result.kpis[result.kpis.pilot == pilot].set_index(["kpi", "city"])
    columns: list[Any] = ["KPI", "unit", "better"]
    cells: list[list[str]] = [
        [f"{about[kpi]['title']} ({kpi})" for kpi in about],
        [about[kpi]["unit"] for kpi in about],
        [DIRECTIONS[about[kpi]["better"]] for kpi in about],
    ]
    places = {kpi: decimals(frame.loc[kpi].value) for kpi in about}
    for city, name in names.items():
        rows = [frame.loc[(kpi, city)] for kpi in about]
        columns.append(Numbers(name))
        cells.append(line_up([number(row.value, places[kpi]) for kpi, row in zip(about, rows, strict=True)]))
        spans = [interval(row.low, row.high, places[kpi]) for kpi, row in zip(about, rows, strict=True)]
        if any(spans):
            columns.append(Numbers("interval"))
            cells.append(spans)
    return table(columns, list(zip(*cells, strict=True)), title=f"{pilot}: KPIs")


def district_tables(result: Result, names: Mapping[tuple[str, str], str]) -> Iterator[RenderableType]:
    """KPIs by district, one table for each pilot and city.

    Args:
        result: The result.
        names: Names of districts by city and district id, as far as they are known.
    """
    frame = result.district_kpis
    cities = city_names(result.manifest)
    for pilot, city in sorted(set(zip(frame.pilot, frame.city, strict=True))):
        part = frame[(frame.pilot == pilot) & (frame.city == city)]
        wide = part.pivot_table(index="district", columns="kpi", values="value", sort=False, dropna=False)
        labels = [names.get((city, district), district) for district in wide.index]
        cells = [labels] + [
            line_up([number(value, decimals(wide[kpi])) for value in wide[kpi]]) for kpi in wide.columns
        ]
        units = part.drop_duplicates("kpi").set_index("kpi").unit
        heads = ["district", *(Numbers(f"{kpi} [{units[kpi]}]") for kpi in wide.columns)]
        rows = sorted(zip(*cells, strict=True), key=lambda row: row[0].casefold())
        yield table(heads, rows, title=f"{pilot}: {cities[city]} by district")


def show_grounds(result: Result) -> None:
    """Print what the numbers stand on: verdict, intervals, notes, and the data with their words."""
    manifest = result.manifest
    verdict, plan = manifest["verdict"], manifest["plan"]
    say()
    source = plan["rule"].get("source")
    say(
        f"Rule {verdict['rule_id']}: satisfied by {', '.join(verdict['cities'])}"
        + (f" ({source})" if source else "")
    )
    if plan["replications"] > 1:
        say(f"Intervals: 95 % for the mean of {plan['replications']} replications, or the pilot's own")
    elif result.kpis.low.notna().any():
        say("Intervals: the pilot's own")
    for text in manifest["notes"]:
        say(f"Note: {text}")
    say(source_table(manifest["data"], city_names(manifest)))


def source_table(data: Mapping[str, Sequence[Mapping[str, Any]]], names: Mapping[str, str]) -> RenderableType:
    """Which datasets a run read, how good they are, and the words their licences ask for."""
    rows = [
        [names[city], item["id"], item["grade"], item["licence"], item["attribution"]]
        for city in names
        for item in data[city]
    ]
    return table(["city", "dataset", "grade", "licence", "attribution"], rows, title="Data")


def district_names(result: Result) -> dict[tuple[str, str], str]:
    """Names of districts from the packs that are on this machine, by city and district id."""
    from geodata.city import City
    from geodata.errors import NotReady
    from geodata.locate import pack_of

    names: dict[tuple[str, str], str] = {}
    for item in result.manifest["plan"]["cities"]:
        try:
            pack = pack_of(City.model_validate(item["city"]))
        except NotReady:
            continue  # The ids stand in for the names.
        for entry in pack.of_kind("districts"):
            frame: pd.DataFrame = pack.table(entry.id, ["district_id", "name"])
            names |= {(pack.city.id, str(key)): str(name) for key, name in frame.itertuples(index=False)}
    return names
