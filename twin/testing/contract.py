"""Hold a pilot to the contract: the inspection that every machine passes before it enters the workshop.

Each check is one sentence that is true or not. The report is plain data, so that it can be served beside the
pilot's results and a testbed operator can show it to a company.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from geodata.city import known_cities
from geodata.errors import TwinboxError
from geodata.kinds import KINDS
from geodata.locate import pack_of
from geodata.pack import CityPack, hash_of, open_pack
from twin import plugins
from twin.errors import RunFailed
from twin.pilot import Domain, Pilot, Scenario
from twin.plan import RunPlan, make_plan
from twin.readiness import readiness
from twin.result import Result
from twin.simulate import execute
from twin.testing.neighbours import bystander, saboteur


@dataclass(frozen=True)
class Check:
    """One sentence about a pilot, and whether it is true."""

    id: str
    title: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """The outcome of the inspection."""

    pilot: str
    version: str
    twinbox: str
    cities: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {**asdict(self), "passed": self.passed}


_LOW = {"minimum", "exclusiveMinimum"}
_HIGH = {"maximum", "exclusiveMaximum"}


class _Failed(Exception):
    """A check's sentence is false, with the reason."""


def check(pilot_id: str, days: int | None = None) -> Report:
    """Inspect an installed pilot on the demo or built packs of this machine's cities.

    Args:
        pilot_id: Id of the pilot.
        days: Length of the trial runs; the pilot's own, at most 30, if left out.

    Raises:
        UnknownName: No such pilot is installed.
        PluginRefused: It cannot be loaded at all.
    """
    pilot = plugins.load(pilot_id)
    trial = _Trial(pilot, min(pilot.days, 30) if days is None else days)
    steps: Sequence[tuple[str, str, Callable[[], str]]] = (
        ("declared", "Its declarations are complete", lambda: _declarations(pilot)),
        ("scenario", "Every scenario field has a default, a description, and if a number, unit and bounds",
         lambda: _scenario(pilot.Scenario)),
        ("ready", "At least two pairs of cities are ready for it", trial.pairs_ready),
        ("runs", "It runs for a pair of cities, conserves what it says, and reports every KPI", trial.runs),
        ("units", "At least one KPI of each city is a number, and every variable has units", trial.numbers),
        ("repeats", "The same seed gives the same bytes, in two processes", trial.repeats),
        ("portable", "It runs for another pair of cities", trial.runs_elsewhere),
        ("undisturbed", "Another pilot beside it does not move its numbers", trial.undisturbed),
        ("contained", "A crash in it ends its own run with its name, and nothing else", trial.contained),
    )  # fmt: skip
    checks: list[Check] = []
    for name, title, step in steps:
        try:
            checks.append(Check(name, title, passed=True, detail=step()))
        except (TwinboxError, _Failed) as error:
            checks.append(Check(name, title, passed=False, detail=str(error)))
    return Report(
        pilot.id, pilot.version, version("twinbox"), trial.pairs[0] if trial.pairs else (), tuple(checks)
    )


def _declarations(pilot: Pilot) -> str:
    faults = []
    if not isinstance(pilot.domain, Domain):
        faults.append("domain is not one of twin.programme.Domain")
    if not pilot.kpis:
        faults.append("it declares no KPI")
    faults += [
        f"KPI {kpi.id} lacks {name}"
        for kpi in pilot.kpis
        for name in ("title", "unit", "definition", "source")
        if not getattr(kpi, name)
    ]
    if len({kpi.id for kpi in pilot.kpis}) != len(pilot.kpis):
        faults.append("a KPI is declared twice")
    faults += [
        f"need {name} is no kind of dataset"
        for need in pilot.needs
        for name in (need.kind, *need.instead)
        if name not in KINDS
    ]
    if not pilot.needs:
        faults.append("it needs no data, so no city could count")
    faults += [f"signal {s.id} has no unit" for s in (*pilot.reads, *pilot.writes) if not s.unit]
    if faults:
        raise _Failed("; ".join(faults))
    counted = {"needs": pilot.needs, "KPIs": pilot.kpis, "reads": pilot.reads, "writes": pilot.writes}
    return ", ".join(f"{len(items)} {name}" for name, items in counted.items())


def _scenario(scenario: type[Scenario]) -> str:
    faults = []
    schema = scenario.model_json_schema()
    for name, field in scenario.model_fields.items():
        about = schema.get("properties", {}).get(name, {})
        if field.is_required():
            faults.append(f"{name} has no default")
        if not field.description:
            faults.append(f"{name} has no description")
        if about.get("type") in {"number", "integer"}:
            bounded = {"minimum", "exclusiveMinimum"} & set(about) and {"maximum", "exclusiveMaximum"} & set(
                about
            )
            if not bounded:
                faults.append(f"{name} has no bounds")
            if "unit" not in about:
                faults.append(f"{name} has no unit")
    if faults:
        raise _Failed("; ".join(faults))
    return f"{len(scenario.model_fields)} fields"


class _Trial:
    """Trial runs of one pilot."""

    def __init__(self, pilot: Pilot, days: int) -> None:
        self.pilot = pilot
        self.days = days
        self.packs = {city.id: pack_of(city) for city in known_cities().values()}
        ready = [pack for pack in self.packs.values() if readiness(pilot, pack).ready]
        self.pairs = [
            (one.city.id, other.city.id)
            for one, other in itertools.combinations(ready, 2)
            if "EE" in {one.city.country, other.city.country}
        ]
        self._first: Result | None = None

    def pairs_ready(self) -> str:
        if len(self.pairs) < 2:
            raise _Failed(
                f"{len(self.pairs)} pair(s) ready; twinbox pack check CITY --pilot {self.pilot.id} says why"
            )
        return ", ".join("+".join(pair) for pair in self.pairs)

    def runs(self) -> str:
        self._first = self._run(self._pair(0))
        return f"{self.days} day(s) for {' and '.join(self._pair(0))}"

    def numbers(self) -> str:
        kpis = self._result().kpis
        empty = [city for city, rows in kpis.groupby("city") if rows.value.isna().all()]
        if empty:
            raise _Failed("no KPI is a number for " + ", ".join(map(str, empty)))
        return f"{int(kpis.value.notna().sum())} of {len(kpis)} values are numbers"

    def repeats(self) -> str:
        digests = {self._digest_in_process(hash_seed) for hash_seed in ("1", "2")}
        if len(digests) != 1:
            raise _Failed(
                "two processes gave different bytes; look for sets, clocks and global random numbers"
            )
        return f"SHA-256 {digests.pop()[:16]}…"

    def runs_elsewhere(self) -> str:
        self._run(self._pair(1))
        return " and ".join(self._pair(1))

    def undisturbed(self) -> str:
        alone = self._result().kpis
        beside = self._run(self._pair(0), bystander(self.pilot)).kpis
        beside = beside[beside.pilot == self.pilot.id].reset_index(drop=True)
        if not alone.equals(beside):
            raise _Failed("its KPIs change when another pilot takes part in the run")
        return ""

    def contained(self) -> str:
        try:
            self._run(self._pair(0), saboteur(self.pilot))
        except RunFailed as error:
            return f"a failing neighbour is named: {error.field}"
        raise _Failed("a failing neighbour went unnoticed")

    def _pair(self, index: int) -> tuple[str, str]:
        if len(self.pairs) <= index:
            raise _Failed("there is no such pair of ready cities")
        return self.pairs[index]

    def _result(self) -> Result:
        if self._first is None:
            raise _Failed("it did not run")
        return self._first

    def _plan(
        self, pair: Sequence[str], *others: Pilot
    ) -> tuple[RunPlan, Mapping[str, CityPack], list[Pilot]]:
        packs = {city: self.packs[city] for city in pair}
        pilots = [self.pilot, *others]
        return make_plan(pilots, packs.values(), days=self.days, replications=1), packs, pilots

    def _run(self, pair: Sequence[str], *others: Pilot) -> Result:
        plan, packs, pilots = self._plan(pair, *others)
        return execute(plan, packs, pilots=pilots)

    def _digest_in_process(self, hash_seed: str) -> str:
        plan, packs, _ = self._plan(self._pair(0))
        task = {
            "plan": plan.model_dump_json(),
            "packs": {city: str(pack.path) for city, pack in packs.items()},
        }
        # -P and not -I, which would ignore the hash seed and the folders of PYTHONPATH.
        done = subprocess.run(
            [sys.executable, "-P", "-c", "from twin.testing.contract import digest; digest()"],
            input=json.dumps(task),
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise _Failed(
                "a process of its own failed: " + (done.stderr.strip().splitlines() or ["killed"])[-1]
            )
        return done.stdout.strip().splitlines()[-1]


def digest() -> None:
    """Run the plan on standard input and print the hash of the stored run; the other end of `repeats`."""
    task = json.loads(sys.stdin.read())
    packs = {city: open_pack(Path(path)) for city, path in task["packs"].items()}
    result = execute(RunPlan.model_validate_json(task["plan"]), packs)
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("\n" + hash_of(result.save(Path(folder) / "run")))
