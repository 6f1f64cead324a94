"""Options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FINEST_RULE = "finest-2020"

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Cities = Annotated[
    list[str] | None,
    typer.Option(
        "--city", "-c", metavar="CITY", help="A city, by id or name; give the option once for each."
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        metavar="DATE", help="First day, or an instant with zone. The pilot's own choice if left out."
    ),
]
Days = Annotated[
    int | None, typer.Option(min=1, help="Length of the run; the pilot's own choice if left out.")
]
Years = Annotated[
    int | None, typer.Option(min=1, help="Length of the run in calendar years, in place of days.")
]
Seed = Annotated[int, typer.Option(min=0, help="Root of all random numbers.")]
Replications = Annotated[
    int | None,
    typer.Option(min=1, help="Repetitions with other random numbers; from 2 on, KPIs have intervals."),
]
ScenarioFile = Annotated[
    Path | None,
    typer.Option(
        "--scenario",
        metavar="FILE",
        help="Scenario's fields, .toml or .json; several pilots: a table for each.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="One field; several pilots: PILOT.KEY=VALUE. Wins over --scenario."
    ),
]
Rule = Annotated[
    str, typer.Option(metavar="RULE", help="The programme's rule, or a .toml or .json file with one.")
]
Partners = Annotated[
    int, typer.Option(min=0, help="Partners that are not cities, for rules that ask for them.")
]
ChartFolder = Annotated[
    Path | None, typer.Option("--chart", metavar="DIR", help="Write maps and charts into this folder (PNG).")
]
PilotId = Annotated[str, typer.Argument(metavar="PILOT", help="A pilot; `twinbox pilots` lists them.")]
