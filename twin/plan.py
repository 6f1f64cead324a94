"""A run plan: everything that decides the bytes of a result, checked before anything is simulated.

The order that a workshop signs before it starts work: which pilots, which cities with which data, when, how
long, under which scenario and seed. It cannot be made without an eligible verdict of the programme's rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from geodata.city import City, find_city, known_cities
from geodata.errors import InvalidInput, UnknownName
from geodata.manifest import canonical_json
from geodata.pack import CityPack
from twin.errors import NeedUnmet, NotEligible, ScenarioInvalid
from twin.pilot import Pilot, Scenario
from twin.programme import FINEST, ParticipationRule, Verdict
from twin.readiness import readiness
from twin.signals import turn_order
from twin.versions import versions

DAY_S = 86_400
MOST_YEARS = 100


class PilotPlan(BaseModel):
    """One pilot of a plan with its complete scenario, defaults filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: str
    contract: int
    scenario: Mapping[str, Any]


class CityPlan(BaseModel):
    """One city of a plan with the hash of the pack it takes part with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    city: City
    pack_sha256: str
    demo: bool


class RunPlan(BaseModel):
    """The plan of a run; make it with :func:`make_plan`.

    Raises:
        NotEligible: The cities do not satisfy the rule; no plan exists without an eligible verdict.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pilots: tuple[PilotPlan, ...] = Field(min_length=1)
    cities: tuple[CityPlan, ...]
    start: datetime
    days: Annotated[int, Field(ge=1, le=40_000)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    replications: Annotated[int, Field(ge=1, le=10_000)]
    window_s: Annotated[int, Field(ge=1, le=DAY_S)]
    rule: ParticipationRule
    partners: Annotated[int, Field(ge=0)] = 0
    versions: Mapping[str, str]

    @model_validator(mode="after")
    def _eligible(self) -> RunPlan:
        verdict = self.rule.verdict((plan.city for plan in self.cities), partners=self.partners)
        if not verdict.eligible:
            raise NotEligible(verdict)
        return self

    @property
    def city_ids(self) -> tuple[str, ...]:
        """Ids of the cities, sorted."""
        return tuple(plan.city.id for plan in self.cities)

    @property
    def pilot_ids(self) -> tuple[str, ...]:
        """Ids of the pilots, sorted."""
        return tuple(plan.id for plan in self.pilots)

    @property
    def end_s(self) -> int:
        """Length of the run in seconds."""
        return self.days * DAY_S

    @property
    def run_hash(self) -> str:
        """SHA-256 of the plan: the same hash gives the same bytes."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()

    @property
    def run_id(self) -> str:
        """A short name for people: pilots, cities, and the first digits of the hash."""
        return f"{'+'.join(self.pilot_ids)}-{'+'.join(self.city_ids)}-{self.run_hash[:10]}"


def make_plan(
    pilots: Sequence[Pilot],
    packs: Iterable[CityPack],
    *,
    scenario: Mapping[str, Any] | None = None,
    start: str | date | datetime | None = None,
    days: int | None = None,
    years: int | None = None,
    seed: int = 1,
    replications: int | None = None,
    rule: ParticipationRule = FINEST,
    partners: int = 0,
) -> RunPlan:
    """Make a plan: rule first, then scenario, signals and data.

    Args:
        pilots: The pilots that run together on one clock.
        packs: The pack of each city; the same city twice counts once.
        scenario: Fields of the scenario; with several pilots, a mapping from pilot id to fields.
        start: First day (midnight in the first city's time zone) or an aware instant.
        days: Length of the run.
        years: The same in calendar years, in place of days.
        seed: Root of all random streams.
        replications: How often the run is repeated with other random numbers, for intervals.
        rule: The programme's rule.
        partners: Partners of the pilot that are not cities, for rules that ask for them.

    Raises:
        NotEligible: The cities do not satisfy the rule.
        ScenarioInvalid: A field of the scenario is unknown or out of bounds.
        ContractBroken: The pilots' signals do not fit together.
        NeedUnmet: A pack lacks what a pilot needs.
    """
    pilots = sorted({pilot.id: pilot for pilot in pilots}.values(), key=lambda pilot: pilot.id)
    by_city = {pack.city.id: pack for pack in packs}
    cities = [by_city[city_id].city for city_id in sorted(by_city)]
    verdict = rule.verdict(cities, partners=partners, candidates=known_cities().values())
    if not verdict.eligible:
        raise NotEligible(verdict)
    turn_order(pilots)
    scenarios = _scenarios(pilots, scenario or {})
    for pilot in pilots:
        for city in cities:
            state = readiness(pilot, by_city[city.id])
            if not state.ready:
                raise NeedUnmet(state)
    begins = _instant(start or min(pilot.start for pilot in pilots), cities[0])
    try:
        return RunPlan(
            pilots=tuple(
                PilotPlan(
                    id=pilot.id,
                    version=pilot.version,
                    contract=pilot.contract,
                    scenario=scenarios[pilot.id].model_dump(mode="json"),
                )
                for pilot in pilots
            ),
            cities=tuple(
                CityPlan(city=city, pack_sha256=by_city[city.id].hash, demo=by_city[city.id].demo)
                for city in cities
            ),
            start=begins,
            days=_days(pilots, days, years, begins.astimezone(ZoneInfo(cities[0].timezone)).date()),
            seed=seed,
            replications=max(p.replications for p in pilots) if replications is None else replications,
            window_s=min(pilot.window_s for pilot in pilots),
            rule=rule,
            partners=partners,
            versions=versions(pilots),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            f"the run cannot be planned: {first['msg']}",
            field=".".join(map(str, first["loc"])),
            value=first["input"],
        ) from error


def _days(pilots: Sequence[Pilot], days: int | None, years: int | None, begins: date) -> int:
    """Length of a run in days, from days or from calendar years."""
    if years is None:
        return max(pilot.days for pilot in pilots) if days is None else days
    if days is not None:
        raise InvalidInput("a run's length is given in days or in years", field="days", value=days)
    if not 1 <= years <= MOST_YEARS:
        raise InvalidInput(
            "a run of so many years cannot be planned",
            field="years",
            value=years,
            expected=f"1 to {MOST_YEARS}",
        )
    first = begins.replace(day=min(begins.day, 28))  # the 29th of February has no anniversary
    return (first.replace(year=first.year + years) - first).days


def invited(names: Sequence[str], rule: ParticipationRule = FINEST, *, partners: int = 0) -> list[City]:
    """The cities that answer to names, judged by the rule even when some names are unknown.

    Raises:
        NotEligible: Those that are known do not satisfy the rule; unknown names are among the reasons.
        UnknownName: They do, but a name is unknown.
    """
    known = known_cities()
    cities: list[City] = []
    unknown: dict[str, UnknownName] = {}
    for name in names:
        try:
            cities.append(find_city(name, known.values()))
        except UnknownName as error:
            unknown[name] = error
    why = {
        name: error.message + (f" ({error.hint})" if error.hint else "") for name, error in unknown.items()
    }
    verdict = rule.verdict(cities, partners=partners, candidates=known.values(), not_counted=why)
    if not verdict.eligible:
        raise NotEligible(verdict)
    if unknown:
        raise next(iter(unknown.values()))
    return list({city.id: city for city in cities}.values())


def _scenarios(pilots: Sequence[Pilot], fields: Mapping[str, Any]) -> dict[str, Scenario]:
    """Each pilot's scenario; the fields of a lone pilot may stand without its id above them."""
    alone = pilots[0].id if len(pilots) == 1 else None
    if alone is not None and not (set(fields) == {alone} and isinstance(fields[alone], Mapping)):
        fields = {alone: fields}
    unknown = sorted(set(fields) - {pilot.id for pilot in pilots})
    if unknown:
        raise ScenarioInvalid(
            "the scenario names a pilot that is not in the run",
            field=unknown[0],
            expected="fields below one of " + ", ".join(pilot.id for pilot in pilots),
        )
    return {pilot.id: validate_scenario(pilot, fields.get(pilot.id, {})) for pilot in pilots}


def validate_scenario(pilot: Pilot, fields: Mapping[str, Any]) -> Scenario:
    """A pilot's scenario from fields, defaults filled in.

    Raises:
        ScenarioInvalid: A field is unknown, of the wrong type or out of bounds.
    """
    try:
        return pilot.Scenario.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        known = pilot.Scenario.model_fields
        hint = None if name in known else "fields: " + ", ".join(known)
        raise ScenarioInvalid(
            f"the scenario of {pilot.id} is not valid: {first['msg']}",
            pilot=pilot.id,
            field=name,
            value=first["input"],
            hint=hint,
        ) from error


def _instant(start: str | date | datetime, city: City) -> datetime:
    if isinstance(start, str):
        try:
            start = datetime.fromisoformat(start)
        except ValueError as error:
            raise InvalidInput(
                "the start is no date", field="start", value=start, expected="a date such as 2026-03-02"
            ) from error
    elif not isinstance(start, datetime):
        start = datetime.combine(start, time())
    if start.tzinfo is None:
        start = start.replace(tzinfo=city.zone)
    return start.astimezone(UTC)


def end_of(plan: RunPlan) -> datetime:
    """The instant a plan's run ends."""
    return plan.start + timedelta(seconds=plan.end_s)


def final_verdict(plan: RunPlan, counted: Mapping[str, str]) -> Verdict:
    """Judge the cities that really took part.

    Args:
        plan: The plan.
        counted: Cities that do not count, by id, with the reason.
    """
    cities = [item.city for item in plan.cities if item.city.id not in counted]
    return plan.rule.verdict(cities, partners=plan.partners, not_counted=counted)
