"""Write a result's charts into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geodata.pack import CityPack
    from twin.ensemble import Sweep
    from twin.result import Result


def write_charts(result: Result, folder: Path, *, quiet: bool) -> list[Path]:
    """Write the general charts of a run and those of its pilots.

    A pilot that is no longer installed, or whose own charts fail, costs only its own charts; a line says so.
    """
    from api.cli.screen import note, progress
    from geodata.errors import TwinboxError
    from twin import plugins
    from twin.charts import charts_of, write

    with progress("drawing", quiet=quiet):
        files = write(charts_of(result, packs_here(result)), folder)
        for pilot in result.manifest["pilots"]:
            try:
                own = plugins.load(pilot).charts(result)
                files += write({f"{pilot}-{name}": figure for name, figure in own.items()}, folder)
            except TwinboxError as error:
                note(f"The pilot {pilot} draws no charts of its own: {error}")
            except Exception as error:  # noqa: BLE001 - a plug-in's drawing may fail in any way
                note(f"The pilot {pilot} could not draw its own charts: {type(error).__name__}: {error}")
    return files


def packs_here(result: Result) -> dict[str, CityPack]:
    """The packs of a run's cities that are on this machine."""
    from geodata.city import City
    from geodata.errors import NotReady
    from geodata.locate import pack_of

    packs = {}
    for item in result.manifest["plan"]["cities"]:
        try:
            packs[item["city"]["id"]] = pack_of(City.model_validate(item["city"]))
        except NotReady:
            continue  # Its maps are left out; its numbers are not.
    return packs


def write_sweep_charts(swept: Sweep, manifest: dict[str, Any], folder: Path) -> list[Path]:
    """Write the charts of a sweep; the pilot's frontiers, or its first two directed KPIs, make trade-offs."""
    from twin.charts import charts_of_sweep, write
    from twin.plugins import load

    pairs = {}
    for pilot, rows in swept.table.groupby("pilot", sort=False):
        directed = list(dict.fromkeys(rows.kpi[rows.better != "neither"]))
        varied = rows.groupby(["kpi", "city"]).value.nunique().groupby("kpi").max() > 1
        declared = [pair for pair in load(str(pilot)).frontiers if varied[list(pair)].all()]
        if declared or len(directed) > 1:
            pairs[str(pilot)] = declared or [(directed[0], directed[1])]
    return write(charts_of_sweep(swept, manifest, pairs), folder)


def write_pack_map(pack: CityPack, file: Path) -> None:
    """Draw a pack's map into a PNG file."""
    from geodata.errors import InvalidInput
    from twin.charts import pack_map, write

    if file.suffix.lower() != ".png":
        raise InvalidInput("a map is written as PNG", field="--map", value=file.name, expected="FILE.png")
    write({file.stem: pack_map(pack)}, file.parent)
