"""`twinbox pilots`, `twinbox pilot new`, `twinbox pilot check`: what is installed, and how to add to it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.app import PILOTS, app, examples, group

pilot = group("pilot", PILOTS, "Write a pilot, and hold one to the contract.")


@app.command(rich_help_panel=PILOTS, epilog=examples("twinbox pilots", "twinbox pilots --why"))
def pilots(
    *,
    why: Annotated[
        bool, typer.Option("--why", help="Load each in a process of its own and say what happened.")
    ] = False,
    json: options.Json = False,
) -> None:
    """List the pilots that are installed."""
    from api.cli.screen import emit, note, progress, say, table
    from twin import plugins

    if why:
        with progress("loading each pilot", quiet=json):
            surveyed = plugins.survey()
        if json:
            emit({"pilots": [asdict(item) for item in surveyed]})
            return
        rows = [
            [item.id, item.title, item.domain, item.distribution, item.version, item.state, item.reason]
            for item in surveyed
        ]
        say(table(["pilot", "title", "domain", "distribution", "version", "state", "why"], rows))
        return
    found = plugins.found()
    if json:
        emit({"pilots": [asdict(item) for item in found]})
        return
    rows = [[item.id, item.distribution, item.version, item.object, item.reason] for item in found]
    say(table(["pilot", "distribution", "version", "class", "refused because"], rows))
    note("Names only, nothing was loaded; --why loads each pilot and gives title and state.", style="dim")


@pilot.command(
    epilog=examples("twinbox pilot new waste_bins", "twinbox pilot new waste_bins --folder ~/pilots")
)
def new(
    name: Annotated[str, typer.Argument(help="Id and module name: lower-case letters, digits, underscores.")],
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the new folder goes; here if left out.")
    ] = None,
) -> None:
    """Write a pilot that runs, with a test, to start from."""
    from api.cli.screen import say
    from twin.testing.scaffold import new_pilot

    made = new_pilot(name, folder)
    for file in sorted(item for item in made.rglob("*") if item.is_file()):
        say(f"Wrote   {file}")
    say()
    say(f"Next    pip install --editable {made}")
    say(f"        twinbox pilot check {name}")
    say(f"        twinbox run {name} --city tallinn --city rae")


@pilot.command(epilog=examples("twinbox pilot check street_lamps", "twinbox pilot check street_lamps --json"))
def check(
    name: options.PilotId,
    days: Annotated[
        int | None,
        typer.Option(min=1, help="Length of the trial runs; the pilot's own, at most 30, if left out."),
    ] = None,
    *,
    json: options.Json = False,
) -> None:
    """Hold a pilot to the contract: same seed, same bytes; units; bounds; two cities; crashes contained.

    Leaves with exit code 5 if a check fails.
    """
    from rich.text import Text

    from api.cli.exits import Exit
    from api.cli.screen import emit, progress, say, table
    from twin.testing import contract

    with progress(f"checking {name}", quiet=json):
        report = contract.check(name, days)
    if json:
        emit(report.as_json())
    else:
        rows = [
            [Text("passed", "green") if item.passed else Text("failed", "bold red"), item.title, item.detail]
            for item in report.checks
        ]
        say(table(["", "check", "detail"], rows, title=f"{report.pilot} {report.version}"))
        say("The pilot keeps the contract." if report.passed else "The pilot does not keep the contract.")
    if not report.passed:
        raise typer.Exit(Exit.RUN_FAILED)
