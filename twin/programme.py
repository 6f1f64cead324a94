"""The programme and its rule: which cities must take part before a pilot may run.

Like the quorum of a council: with one city at the table nothing can be decided, however good its data. The
rule is data, so that another programme brings its own; the verdict says why not, and who could help.

Example::

    >>> from geodata.city import find_city
    >>> verdict = FINEST.verdict([find_city("Tallinn"), find_city("Helsinki")])
    >>> verdict.eligible
    True
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from geodata.city import City, CountryCode

EU_MEMBERS = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
"""The 27 member states of the European Union since 2020-02-01."""
DIGITAL_EUROPE = (*EU_MEMBERS, "AL", "IS", "LI", "ME", "MK", "NO", "RS", "TR", "UA")
"""Member states, EEA countries, and countries with a signed association to the Digital Europe Programme
(2023); single calls may restrict it further."""


class Domain(StrEnum):
    """The domains of the FinEst Twins programme."""

    MOBILITY = "mobility"
    ENERGY = "energy"
    BUILT_ENVIRONMENT = "built environment"
    GOVERNANCE = "governance"
    URBAN_DATA = "urban data and analytics"


class Reason(BaseModel):
    """One requirement of a rule that the cities do not meet.

    ``remedies`` are ids of known cities each of which would help.
    """

    model_config = ConfigDict(frozen=True)

    code: Literal["too_few_cities", "country_missing", "too_few_countries", "not_counted", "partner_missing"]
    message: str
    remedies: tuple[str, ...] = ()


class Verdict(BaseModel):
    """What a rule says of a set of cities. ``cities`` are those that count, each once."""

    model_config = ConfigDict(frozen=True)

    rule_id: str
    eligible: bool
    cities: tuple[str, ...]
    reasons: tuple[Reason, ...] = ()


class ParticipationRule(BaseModel):
    """How many cities of which countries a pilot needs.

    Args:
        id: Name of the rule, as verdicts quote it.
        min_cities: Least number of different cities.
        min_per_country: Least number of cities of single countries, by ISO 3166-1 alpha-2 code.
        min_countries: Least number of different countries.
        countries: The only countries whose cities count; all if left out.
        min_partners: Least number of partners that are not cities (firms, universities, associations).
        source: Where the rule is published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = "custom"
    min_cities: Annotated[int, Field(ge=1)] = 2
    min_per_country: Mapping[CountryCode, Annotated[int, Field(ge=1)]] = {}
    min_countries: Annotated[int, Field(ge=1)] = 1
    countries: tuple[CountryCode, ...] | None = None
    min_partners: Annotated[int, Field(ge=0)] = 0
    source: str | None = None

    def verdict(
        self,
        cities: Iterable[City],
        *,
        partners: int = 0,
        candidates: Iterable[City] = (),
        not_counted: Mapping[str, str] | None = None,
    ) -> Verdict:
        """Judge a set of cities.

        Args:
            cities: The cities that take part; the same city twice counts once, order does not matter.
            partners: How many partners that are not cities take part.
            candidates: Cities that could be named as remedies.
            not_counted: Names that were asked for but do not count, with the reason of each.
        """
        asked = {city.id: city for city in cities}
        reasons = [
            Reason(code="not_counted", message=f"{name} does not count: {why}")
            for name, why in sorted((not_counted or {}).items())
        ]
        counted: dict[str, City] = {}
        for city_id, city in sorted(asked.items()):
            if self.countries is None or city.country in self.countries:
                counted[city_id] = city
            else:
                why = f"{city.country} is not among the countries of the rule"
                reasons.append(Reason(code="not_counted", message=f"{city_id} does not count: {why}"))
        others = sorted(
            (
                c
                for c in candidates
                if c.id not in asked and (self.countries is None or c.country in self.countries)
            ),
            key=lambda city: city.id,
        )
        unmet = [*self._count_unmet(counted, others), *self._country_unmet(counted, others)]
        if partners < self.min_partners:
            unmet.append(
                Reason(
                    code="partner_missing",
                    message=f"{self.min_partners} partner(s) besides cities are needed, {partners} take part",
                )
            )
        return Verdict(
            rule_id=self.id,
            eligible=not unmet,
            cities=tuple(counted),
            reasons=(*unmet, *reasons),
        )

    def _count_unmet(self, counted: Mapping[str, City], others: list[City]) -> list[Reason]:
        unmet = []
        if len(counted) < self.min_cities:
            remedies = tuple(city.id for city in others)
            unmet.append(
                Reason(
                    code="too_few_cities",
                    message=f"{self.min_cities} cities are needed, {len(counted)} counted" + _add(remedies),
                    remedies=remedies,
                )
            )
        countries = {city.country for city in counted.values()}
        if len(countries) < self.min_countries:
            remedies = tuple(city.id for city in others if city.country not in countries)
            unmet.append(
                Reason(
                    code="too_few_countries",
                    message=f"cities of {self.min_countries} countries are needed, {len(countries)} counted"
                    + _add(remedies),
                    remedies=remedies,
                )
            )
        return unmet

    def _country_unmet(self, counted: Mapping[str, City], others: list[City]) -> list[Reason]:
        unmet = []
        for country, least in sorted(self.min_per_country.items()):
            number = sum(city.country == country for city in counted.values())
            if number < least:
                remedies = tuple(city.id for city in others if city.country == country)
                unmet.append(
                    Reason(
                        code="country_missing",
                        message=f"at least {least} city of {COUNTRY_NAMES.get(country, country)} is needed, "
                        f"{number} counted" + _add(remedies),
                        remedies=remedies,
                    )
                )
        return unmet


COUNTRY_NAMES = {"EE": "Estonia", "FI": "Finland"}


def _add(remedies: tuple[str, ...]) -> str:
    return f" (add {' or '.join(remedies)})" if remedies else ""


FINEST = ParticipationRule(
    id="finest-2020",
    min_cities=2,
    min_per_country={"EE": 1},
    source="FinEst Smart City Challenge 2020: at least two cities, at least one from Estonia",
)
FINEST_2023 = ParticipationRule(
    id="finest-2023",
    min_cities=2,
    min_per_country={"EE": 1},
    min_countries=2,
    source="Smart City Challenge 2023: one city from Estonia and one from another country",
)
LDT4SSC = ParticipationRule(
    id="ldt4ssc",
    min_cities=2,
    min_countries=2,
    countries=EU_MEMBERS,
    min_partners=1,
    source="LDT4SSC call for pilots: two public authorities of two eligible countries and one other partner",
)
DS4SSCC = ParticipationRule(
    id="ds4sscc",
    min_cities=2,
    min_countries=2,
    countries=DIGITAL_EUROPE,
    source="DS4SSCC call for pilots: two public administrations of different member or associated states",
)

RULES: Mapping[str, ParticipationRule] = {rule.id: rule for rule in (FINEST, FINEST_2023, LDT4SSC, DS4SSCC)}


class Call(BaseModel):
    """A call for pilots: its rule, how long a pilot lasts, and what a grant may pay."""

    model_config = ConfigDict(frozen=True)

    id: str
    rule: ParticipationRule
    opened: date | None = None
    duration_months: int | None = None
    grant_eur: float | None = None
    cofunding_share: float | None = None
    source: str


class Programme(BaseModel):
    """A programme in which cities try pilots together."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    domains: tuple[Domain, ...]
    calls: tuple[Call, ...]


FINEST_TWINS = Programme(
    id="finest-twins",
    title="FinEst Twins",
    domains=tuple(Domain),
    calls=(
        Call(
            id="challenge-2020",
            rule=FINEST,
            grant_eur=1_500_000,
            source="tehnopol.ee, 15 million euros challenge to make cities smarter: up to EUR 1.5 M a pilot",
        ),
        Call(
            id="challenge-2023-large",
            rule=FINEST_2023,
            duration_months=36,
            grant_eur=1_260_000,
            source="finestcentre.eu, Smart City Challenge 2023: about EUR 1.26 M",
        ),
        Call(
            id="challenge-2023-medium",
            rule=FINEST_2023,
            duration_months=24,
            grant_eur=860_000,
            source="finestcentre.eu, Smart City Challenge 2023: about EUR 860 000",
        ),
    ),
)
