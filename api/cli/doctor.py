"""`twinbox doctor`: is everything on this machine as Twinbox needs it, and if not, what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from api.cli import options
from api.cli.app import MACHINE, app, examples

if TYPE_CHECKING:
    from api.cli.checkup import Finding

STYLES = {"fine": "green", "look": "yellow", "wrong": "bold red"}


@app.command(rich_help_panel=MACHINE, epilog=examples("twinbox doctor", "twinbox doctor --json"))
def doctor(*, json: options.Json = False) -> None:
    """Check the installation, the home folder, the packs, the stored runs and the plug-ins.

    Leaves with exit code 4 if something is wrong; what is only worth a look does not count.
    """
    from api.cli.checkup import STEPS
    from api.cli.exits import Exit
    from api.cli.screen import emit, progress

    findings: list[Finding] = []
    with progress("checking", quiet=json) as report:
        for done, step in enumerate(STEPS, start=1):
            findings += step()
            if report is not None:
                report(done / len(STEPS))
    if json:
        emit({"findings": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(Exit.NOT_READY)


def _show(findings: list[Finding]) -> None:
    from rich.text import Text

    from api.cli.screen import say, table

    rows = [[Text(f.state, STYLES[f.state]), f.subject, f.text, f.advice] for f in findings]
    say(table(["", "subject", "finding", "what to do"], rows))
    wrong = sum(finding.state == "wrong" for finding in findings)
    say(
        "Everything Twinbox needs is in order."
        if not wrong
        else f"{wrong} of {len(findings)} findings are wrong."
    )
