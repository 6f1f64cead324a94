"""Is a city's pack ready for a pilot? Each need, met or not, and what to do about it.

The check-list a pilot team works through with a city before anything is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

from geodata.kinds import kind
from geodata.manifest import DatasetEntry, State
from geodata.pack import CityPack
from twin.pilot import Need, Pilot


@dataclass(frozen=True)
class Check:
    """One need of a pilot, held against a pack."""

    need: str
    why: str
    optional: bool
    met: bool
    finding: str
    advice: str = ""


@dataclass(frozen=True)
class Readiness:
    """All needs of a pilot, held against a pack."""

    pilot: str
    city: str
    demo: bool
    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        """Whether every need that is not optional is met."""
        return all(check.met or check.optional for check in self.checks)


def readiness(pilot: Pilot, pack: CityPack) -> Readiness:
    """Hold a pilot's needs against a pack."""
    return Readiness(pilot.id, pack.city.id, pack.demo, tuple(_check(need, pack) for need in pilot.needs))


def _check(need: Need, pack: CityPack) -> Check:
    findings = []
    for kind_name in (need.kind, *need.instead):
        for entry in pack.of_kind(kind_name):
            fault = _fault(need, entry, pack)
            if not fault:
                grade = f"{entry.provenance.grade}, {entry.rows:,} rows"
                return Check(need.kind, need.why, need.optional, met=True, finding=f"{entry.id} ({grade})")
            findings.append(f"{entry.id}: {fault}")
    title = kind(need.kind).title.lower()
    return Check(
        need.kind,
        need.why,
        need.optional,
        met=False,
        finding="; ".join(findings) or "not in the pack",
        advice=f"add a dataset of kind {need.kind} ({title}) to the recipe of {pack.city.id}, "
        f"then: twinbox pack build {pack.city.id}",
    )


def _fault(need: Need, entry: DatasetEntry, pack: CityPack) -> str:
    """Why a dataset does not meet a need; empty if it does."""
    if entry.provenance.state is not State.PRODUCTION:
        return f"is in {entry.provenance.state}, only production data may be used"
    if not entry.provenance.grade.meets(need.least):
        return f"is graded {entry.provenance.grade}, at least {need.least} is needed"
    if entry.rows == 0:
        return "has no rows"
    # Columns are asked of the first choice only.
    return _column_fault(need, entry, pack) if entry.kind == need.kind else ""


def _column_fault(need: Need, entry: DatasetEntry, pack: CityPack) -> str:
    missing = [column for column in need.columns if column not in entry.columns]
    if missing:
        return "lacks the column " + ", ".join(missing)
    if need.columns:
        table = pack.table(entry.id, need.columns)
        empty = [column for column in need.columns if table[column].isna().all()]
        if empty:
            return "has no value in the column " + ", ".join(empty)
    return ""
