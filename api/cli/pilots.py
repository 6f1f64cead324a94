"""`twinbox pilots`, `twinbox pilot new`, `twinbox pilot check`: what is installed, and how to add to it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.app import PILOTS, app, examples, group

pilot = group("pilot", PILOTS, "Write a pilot, and hold one to the contract.")

DECLARED = ("kpis", "needs", "reads", "writes")


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


@pilot.command(epilog=examples("twinbox pilot show transport", "twinbox pilot show transport --json"))
def show(name: options.PilotId, *, json: options.Json = False) -> None:
    """Show what a pilot reports, what can be set, and what data it needs, with definitions and sources."""
    from api.cli.screen import emit, say, table
    from twin.pilot import settings
    from twin.plugins import load

    loaded = load(name)
    can_be_set = settings(loaded.Scenario)
    if json:
        emit(
            {
                "id": loaded.id,
                "title": loaded.title,
                "version": loaded.version,
                "settings": [field._asdict() for field in can_be_set],
                **{part: [asdict(item) for item in getattr(loaded, part)] for part in DECLARED},
            }
        )
        return
    say(f"{loaded.title}, version {loaded.version}")
    say(
        table(
            ["indicator", "unit", "better", "definition", "source"],
            [[k.id, k.unit, k.better, k.definition, k.source] for k in loaded.kpis],
            title="Reports",
        ),
        table(
            ["field", "default", "unit", "allowed", "sets"],
            [[f.name, str(f.default), f.unit, f.allowed, f.description] for f in can_be_set],
            title="Can be set",
        ),
        table(
            ["kind of dataset", "without it", "for"],
            [[n.kind, "does without" if n.optional else _instead(n.instead), n.why] for n in loaded.needs],
            title="Needs of each city",
        ),
    )
    signals = [("reads", s) for s in loaded.reads] + [("writes", s) for s in loaded.writes]
    if signals:
        rows = [[way, s.id, s.unit, s.description] for way, s in signals]
        say(table(["", "signal", "unit", "means"], rows, title="Signals"))


def _instead(kinds: tuple[str, ...]) -> str:
    return f"takes {' or '.join(kinds)}" if kinds else "cannot run"


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
