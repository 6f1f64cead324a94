"""`twinbox pack …`: a city's data, looked at and held against what a pilot needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.app import DATA, examples, group
from geodata.errors import InvalidInput, TwinboxError, UnreadableSource

if TYPE_CHECKING:
    from geodata.build import BuildReport
    from geodata.city import City
    from geodata.fetch import FetchReport
    from geodata.pack import CityPack
    from twin.readiness import Readiness

pack = group("pack", DATA, "Build, check, show and fetch a city's pack of data.")

CityNames = Annotated[list[str] | None, typer.Argument(metavar="CITY", help="Cities, by id or name.")]
Sources = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of the raw files that recipes name; `sources` below the home if left out."
    ),
]
Every = Annotated[bool, typer.Option("--all", help="All cities that have a recipe.")]
CityName = Annotated[
    str, typer.Argument(metavar="CITY", help="A city, by id or name; `twinbox cities` lists them.")
]


def pack_called(name: str) -> CityPack:
    """The pack of the city that answers to a name."""
    from geodata.city import find_city
    from geodata.locate import pack_of

    return pack_of(find_city(name))


@pack.command(
    epilog=examples(
        "twinbox pack build tartu --sources ~/city-data",
        "twinbox pack build tallinn rae --sources ~/city-data",
        "twinbox pack build --all --sources ~/city-data",
    )
)
def build(
    cities: CityNames = None,
    *,
    sources: Sources = None,
    every: Every = False,
    json: options.Json = False,
) -> None:
    """Build packs from raw files by the cities' recipes, and account for every row that was read.

    A pack replaces its predecessor in one step once it is complete. With several cities, one that fails does
    not stop the others; the exit code is that of the first failure.
    """
    from api.cli.screen import emit, say

    folder = _sources(sources)
    if not folder.is_dir():
        raise UnreadableSource(
            "the folder of sources is not there", file=folder, hint="twinbox pack fetch CITY fills it"
        )
    built, failed = [], []
    for city in _asked(cities or [], every=every):
        try:
            built.append(_built(city, folder, quiet=json))
        except TwinboxError as error:
            failed.append((city, error))
            continue
        if not json:
            say()
            say(built[-1].cleaning.text().rstrip())
            say(
                f"Pack    {built[-1].pack.path}  ({built[-1].seconds:.1f} s, hash {built[-1].pack.hash[:12]})"
            )
    if json:
        emit(
            {
                "built": [_build_document(report) for report in built],
                "failed": [city.id for city, _ in failed],
            }
        )
    if failed:
        _fail(failed, as_json=json)
    if not json:
        say()
        say(f"Next    twinbox pack show {built[0].pack.city.id} --map {built[0].pack.city.id}.png")


def _sources(folder: Path | None) -> Path:
    """The folder of raw files: the one that the user names, else the one that `pack fetch` fills."""
    from geodata.home import home

    return folder or home() / "sources"


def _asked(names: Sequence[str], *, every: bool) -> list[City]:
    """The cities that the user names, each once."""
    from geodata.city import find_city, known_cities

    if bool(names) == every:
        raise InvalidInput("name the cities, or give --all", field="CITY", value=" ".join(names) or None)
    known = known_cities()
    found = known.values() if every else [find_city(name, known.values()) for name in names]
    return list({city.id: city for city in found}.values())


def _built(city: City, sources: Path, *, quiet: bool) -> BuildReport:
    from api.cli.screen import progress
    from geodata.build import build_pack
    from geodata.home import packs_home
    from geodata.recipe import load_recipe

    with progress(f"building {city.id}", quiet=quiet) as report:

        def told(dataset: str, done: int, of: int) -> None:
            if report is not None:
                report(done / max(of, 1), dataset)

        return build_pack(load_recipe(city.id), sources, packs_home() / city.id, told)


def _build_document(report: BuildReport) -> dict[str, Any]:
    return {
        "city": report.pack.city.id,
        "pack": report.pack.path,
        "sha256": report.pack.hash,
        "seconds": report.seconds,
        "cleaning": report.cleaning.model_dump(mode="json"),
    }


def _fail(failed: Sequence[tuple[City, TwinboxError]], *, as_json: bool) -> None:
    """Print what went wrong in each city and leave with the first failure's code."""
    from api.cli.errors import show_error

    codes = []
    for city, error in failed:
        error.message = f"{city.name} was not built: {error.message}"
        codes.append(show_error(error, as_json=as_json, command=f"pack build {city.id}"))
    raise typer.Exit(codes[0])


@pack.command(
    epilog=examples(
        "twinbox pack fetch tartu",
        "twinbox pack fetch tartu --sources ~/city-data --mirror /mnt/share/city-data",
        "twinbox pack fetch --all --base-url https://mirror.example.org/city-data",
    )
)
def fetch(
    cities: CityNames = None,
    *,
    sources: Sources = None,
    mirror: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder that is looked into before anything is downloaded."),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="An address below which all files stand, asked instead of theirs."),
    ] = None,
    every: Every = False,
    json: options.Json = False,
) -> None:
    """Bring the raw files of recipes together: from a mirror, from a base address, or from their publishers.

    A download that broke off goes on where it stopped; what is there already is not fetched again. Leaves
    with exit code 4 if a file could not be had, or has no public address and must be brought by hand.
    """
    from api.cli.exits import Exit
    from api.cli.screen import emit

    folder = _sources(sources)
    asked = _asked(cities or [], every=every)
    reports = {city.id: _fetched(city, folder, base_url, mirror, quiet=json) for city in asked}
    if json:
        files = {city: [asdict(item) for item in report.files] for city, report in reports.items()}
        emit({"sources": folder, "files": files})
    else:
        _show_fetched(reports, folder)
    if not all(report.complete for report in reports.values()):
        raise typer.Exit(Exit.NOT_READY)


def _fetched(
    city: City, folder: Path, base_url: str | None, mirror: Path | None, *, quiet: bool
) -> FetchReport:
    from api.cli.screen import progress
    from geodata.fetch import fetch_sources
    from geodata.recipe import load_recipe

    with progress(f"fetching {city.id}", quiet=quiet) as report:

        def told(path: str, done: int, total: int | None) -> None:
            if report is not None:
                report(done / total if total else 0.0, f"{path}, {done / 1e6:,.1f} MB")

        return fetch_sources(load_recipe(city.id), folder, base_url, mirror, told)


def _show_fetched(reports: Mapping[str, FetchReport], folder: Path) -> None:
    from api.cli.screen import Numbers, say, table

    rows = [
        [city, item.path, item.state, f"{item.bytes / 1e6:,.2f}" if item.bytes else "", item.note]
        for city, report in reports.items()
        for item in report.files
    ]
    say(table(["city", "file", "", Numbers("MB"), "what to do"], rows))
    say()
    say(f"Folder  {folder}")
    for city, report in reports.items():
        if report.complete:
            say(f"Next    twinbox pack build {city} --sources {folder}")
        else:
            say(f"{city} lacks {len(report.missing)} of {len(report.files)} files")


@pack.command(epilog=examples("twinbox pack show tartu", "twinbox pack show tartu --map tartu.png"))
def show(
    city: CityName,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Draw the pack on a map (PNG).")
    ] = None,
    *,
    json: options.Json = False,
) -> None:
    """List a pack's datasets with rows, grade, state and licence."""
    from api.cli.screen import emit, say

    shown = pack_called(city)
    if map_file is not None:
        from api.cli.charts import write_pack_map

        write_pack_map(shown, map_file)
    if json:
        emit(
            {
                "pack": shown.path,
                "sha256": shown.hash,
                **shown.manifest.model_dump(mode="json"),
                "map": map_file,
            }
        )
        return
    _show(shown)
    if map_file is not None:
        say(f"Map     {map_file}")


def _show(shown: CityPack) -> None:
    from rich.text import Text

    from api.cli.formats import ABSENT
    from api.cli.screen import Numbers, say, stamp, table

    city = shown.city
    say(Text.assemble((f"\n{city.name}", "bold"), f"  {city.country}, {city.crs}, {city.timezone}"))
    if shown.demo:
        stamp("generated, not measured")
    rows = []
    for entry in shown.datasets:
        told = entry.provenance
        span = ABSENT
        if entry.time_start is not None and entry.time_end is not None:
            span = f"{entry.time_start:%Y-%m-%d} … {entry.time_end:%Y-%m-%d}"
        rows.append(
            [
                entry.id, entry.kind, f"{entry.rows:,}", str(told.grade), str(told.state),
                str(told.residency), span, told.licence,
            ]
        )  # fmt: skip
    heads = ["dataset", "kind", Numbers("rows"), "grade", "state", "residency", "from … to", "licence"]
    say(table(heads, rows))
    say("Attribution")
    for words in dict.fromkeys(entry.provenance.attribution for entry in shown.datasets):
        say(f"  {words}")
    say()
    say(f"Folder  {shown.path}")
    say(f"Hash    {shown.hash}")


@pack.command(
    epilog=examples(
        "twinbox pack check tartu --pilot microgrid", "twinbox pack check rae --pilot transport --json"
    )
)
def check(
    city: CityName,
    pilot: Annotated[
        str, typer.Option(metavar="PILOT", help="The pilot whose needs are held against the pack.")
    ],
    *,
    json: options.Json = False,
) -> None:
    """Say which needs of a pilot a city's pack meets, and what to do about each that is not met.

    Leaves with exit code 4 if the pack is not ready.
    """
    from api.cli.exits import Exit
    from api.cli.screen import emit
    from twin import plugins
    from twin.readiness import readiness

    state = readiness(plugins.load(pilot), pack_called(city))
    if json:
        emit({**asdict(state), "ready": state.ready})
    else:
        _show_readiness(state)
    if not state.ready:
        raise typer.Exit(Exit.NOT_READY)


def _show_readiness(state: Readiness) -> None:
    from rich.text import Text

    from api.cli.screen import say, stamp, table

    rows = []
    for item in state.checks:
        met = Text("met", "green") if item.met else Text("missing", "yellow" if item.optional else "bold red")
        needed = "optional" if item.optional else "needed"
        rows.append([item.need, needed, met, item.finding, item.why, item.advice])
    say(
        table(
            ["need", "", "", "finding", "what for", "what to do"],
            rows,
            title=f"{state.city} for {state.pilot}",
        )
    )
    if state.demo:
        stamp("the city has no built pack")
    say("The pack is ready." if state.ready else "The pack is not ready.")
