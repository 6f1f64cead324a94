"""The rule cannot be talked round: order, doubles, aliases and strangers change nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.city import City, find_city
from geodata.errors import UnknownName
from twin.errors import NotEligible
from twin.plan import invited
from twin.programme import DS4SSCC, FINEST, FINEST_2023, LDT4SSC, ParticipationRule


def city(name: str, country: str) -> City:
    return City(id=name, names={"en": name}, country=country, crs="EPSG:3301", timezone="UTC")


POOL = [city(f"{country.lower()}{i}", country) for country in ("EE", "FI", "SE", "US") for i in range(3)]
some_cities = st.lists(st.sampled_from(POOL), max_size=8)


@given(some_cities, st.randoms())
def test_verdict_depends_on_the_set_of_cities_alone(cities: list[City], random: object) -> None:
    shuffled = [*cities, *cities[:2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert FINEST.verdict(cities) == FINEST.verdict(shuffled)


@given(
    some_cities,
    st.integers(1, 4),
    st.integers(1, 3),
    st.dictionaries(st.sampled_from(["EE", "FI"]), st.integers(1, 2), max_size=2),
    st.sampled_from([None, ("EE", "FI"), ("EE", "FI", "SE")]),
)
def test_eligible_means_every_number_is_reached(
    cities: list[City],
    least: int,
    countries: int,
    per_country: dict[str, int],
    only: tuple[str, ...] | None,
) -> None:
    rule = ParticipationRule(
        min_cities=least, min_countries=countries, min_per_country=per_country, countries=only
    )
    verdict = rule.verdict(cities)
    counted = {c.id: c.country for c in cities if only is None or c.country in only}
    number = Counter(counted.values())
    expected = (
        len(counted) >= least
        and len(number) >= countries
        and all(number[country] >= n for country, n in per_country.items())
    )
    assert verdict.eligible == expected
    assert set(verdict.cities) == set(counted)
    if not expected:
        assert verdict.reasons


@given(some_cities, st.sampled_from(POOL))
def test_another_city_never_makes_an_eligible_pilot_ineligible(cities: list[City], newcomer: City) -> None:
    if FINEST.verdict(cities).eligible:
        assert FINEST.verdict([*cities, newcomer]).eligible


def test_two_estonian_cities_suffice_for_finest_2020_but_not_for_2023() -> None:
    tallinn, rae, helsinki = city("tallinn", "EE"), city("rae", "EE"), city("helsinki", "FI")
    assert FINEST.verdict([tallinn, rae]).eligible
    assert not FINEST_2023.verdict([tallinn, rae]).eligible
    assert FINEST_2023.verdict([tallinn, helsinki]).eligible
    assert not FINEST.verdict([helsinki, city("stockholm", "SE")]).eligible


def test_ldt4ssc_asks_for_a_partner_and_eligible_countries() -> None:
    cities = [city("tallinn", "EE"), city("helsinki", "FI")]
    assert not LDT4SSC.verdict(cities).eligible
    assert LDT4SSC.verdict(cities, partners=1).eligible
    boston = [city("tallinn", "EE"), city("boston", "US")]
    verdict = DS4SSCC.verdict(boston)
    assert not verdict.eligible
    assert any("boston does not count" in reason.message for reason in verdict.reasons)


def test_a_refusal_names_rule_missing_part_and_remedy() -> None:
    helsinki, stockholm = city("helsinki", "FI"), city("stockholm", "SE")
    tallinn, rae = city("tallinn", "EE"), city("rae", "EE")
    verdict = FINEST.verdict([helsinki, stockholm], candidates=[tallinn, rae, helsinki])
    assert verdict.rule_id == "finest-2020"
    (reason,) = verdict.reasons
    assert reason.code == "country_missing"
    assert "Estonia" in reason.message
    assert reason.remedies == ("rae", "tallinn")


@pytest.mark.usefixtures("small_home")
class TestInvited:
    def test_names_are_found_in_any_spelling_and_count_once(self) -> None:
        cities = invited(["JARVE", "lake town", "Järvilä", "metsa"])
        assert [c.id for c in cities] == ["jarve", "metsa"]

    def test_one_city_under_two_names_is_one_city(self) -> None:
        with pytest.raises(NotEligible, match="2 cities are needed, 1 counted"):
            invited(["jarve", "Järvilä"])

    def test_a_stranger_does_not_count_and_is_named(self) -> None:
        with pytest.raises(NotEligible) as refusal:
            invited(["salo", "stockholm"])
        text = str(refusal.value)
        assert "finest-2020" in text
        assert "stockholm does not count: no city is called this" in text
        assert "Estonia" in text

    def test_a_stranger_beside_enough_cities_is_an_unknown_name(self) -> None:
        with pytest.raises(UnknownName, match="stockholm"):
            invited(["jarve", "metsa", "stockholm"])

    def test_a_near_spelling_is_suggested(self) -> None:
        with pytest.raises(UnknownName) as error:
            find_city("mesta")
        assert error.value.hint == "did you mean metsa?"
