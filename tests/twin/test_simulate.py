"""From plan to result: the rule at every way in, the same bytes, and failures that stay where they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import simpy
import xarray as xr
from small_world import CITIES, QueueModel, make_pack

from geodata.errors import InvalidInput, NotReady
from geodata.manifest import Grade, State
from geodata.pack import CityPack, hash_of
from twin.errors import ContractBroken, NeedUnmet, NotEligible, RunFailed, ScenarioInvalid
from twin.pilot import CityModel, Estimate, Need, Pilot
from twin.plan import RunPlan, make_plan
from twin.programme import ParticipationRule
from twin.simulate import execute
from twin.testing.neighbours import bystander, saboteur

Packs = Mapping[str, CityPack]


def run(pilot: Pilot, packs: Packs, *others: Pilot, **options: Any):
    pilots = [pilot, *others]
    return execute(make_plan(pilots, packs.values(), **options), packs, pilots=pilots)


class TestPlan:
    def test_no_plan_without_an_eligible_verdict(self, queues: Pilot, packs: Packs) -> None:
        with pytest.raises(NotEligible):
            make_plan([queues], [packs["metsa"]])
        with pytest.raises(NotEligible):
            make_plan([queues], [packs["metsa"], packs["metsa"]])
        plan = make_plan([queues], packs.values())
        with pytest.raises(NotEligible):
            RunPlan.model_validate(plan.model_dump() | {"cities": plan.model_dump()["cities"][:1]})

    def test_order_of_cities_and_pilots_does_not_matter(self, queues: Pilot, packs: Packs) -> None:
        other = bystander(queues)
        one = make_plan([queues, other], [packs["metsa"], packs["salo"]])
        two = make_plan([other, queues], [packs["salo"], packs["metsa"], packs["metsa"]])
        assert one.run_hash == two.run_hash

    @pytest.mark.parametrize(
        "change",
        [
            {"seed": 2},
            {"days": 2},
            {"start": "2026-03-03"},
            {"scenario": {"servers": 3}},
            {"replications": 2},
        ],
    )
    def test_whatever_decides_bytes_is_in_the_hash(self, change: dict, queues: Pilot, packs: Packs) -> None:
        base = make_plan([queues], packs.values())
        assert make_plan([queues], packs.values(), **change).run_hash != base.run_hash
        assert make_plan([queues], packs.values()).run_hash == base.run_hash

    def test_the_data_are_in_the_hash(self, queues: Pilot, packs: Packs, tmp_path: Path) -> None:
        changed = dict(packs) | {"salo": make_pack(tmp_path / "other", CITIES["salo"], stops=11)}
        one, two = make_plan([queues], packs.values()), make_plan([queues], changed.values())
        assert one.run_hash != two.run_hash
        with pytest.raises(NotReady, match="not the one the run was planned with"):
            execute(one, changed, pilots=[queues])

    def test_a_day_begins_at_local_midnight(self, queues: Pilot, packs: Packs) -> None:
        assert (
            make_plan([queues], packs.values(), start="2026-03-02").start.isoformat()
            == "2026-03-01T22:00:00+00:00"
        )

    @pytest.mark.parametrize(
        ("scenario", "field"),
        [
            ({"servers": 0}, "servers"),
            ({"servers": 2.5}, "servers"),
            ({"servrs": 2}, "servrs"),
            ({"arrivals_per_hour": float("nan")}, "arrivals_per_hour"),
            ({"arrivals_per_hour": "many"}, "arrivals_per_hour"),
        ],
    )
    def test_a_bad_scenario_is_refused_by_field(
        self, scenario: dict, field: str, queues: Pilot, packs: Packs
    ) -> None:
        with pytest.raises(ScenarioInvalid) as error:
            make_plan([queues], packs.values(), scenario=scenario)
        assert error.value.field == field

    def test_a_scenario_for_a_pilot_that_is_not_there(self, queues: Pilot, packs: Packs) -> None:
        with pytest.raises(ScenarioInvalid):
            make_plan([queues, bystander(queues)], packs.values(), scenario={"qeues": {"servers": 2}})

    @pytest.mark.parametrize(
        ("start", "years", "days"),
        [("2026-01-01", 30, 10_957), ("2024-02-29", 1, 366), ("2024-03-01", 1, 365), ("2023-03-01", 1, 366)],
    )
    def test_years_are_calendar_years(
        self, start: str, years: int, days: int, queues: Pilot, packs: Packs
    ) -> None:
        assert make_plan([queues], packs.values(), start=start, years=years).days == days

    @pytest.mark.parametrize(
        "options",
        [
            {"start": "soon"},
            {"days": 0},
            {"seed": -1},
            {"years": 0},
            {"years": 1000},
            {"days": 3, "years": 1},
        ],
    )
    def test_impossible_times_and_seeds_are_refused(self, options: dict, queues: Pilot, packs: Packs) -> None:
        with pytest.raises(InvalidInput):
            make_plan([queues], packs.values(), **options)

    def test_data_that_are_missing_or_not_in_production_are_not_ready(
        self, variant: Callable[..., Pilot], queues: Pilot, packs: Packs, tmp_path: Path
    ) -> None:
        with pytest.raises(NeedUnmet, match="streets: not in the pack"):
            make_plan([variant(needs=(Need("streets", "to walk on"),))], packs.values())
        raw = dict(packs) | {"salo": make_pack(tmp_path / "raw", CITIES["salo"], state=State.STAGING)}
        with pytest.raises(NeedUnmet, match="only production data may be used"):
            make_plan([queues], raw.values())
        with pytest.raises(NeedUnmet, match="graded synthetic, at least official is needed"):
            make_plan([variant(needs=(Need("stops", "why", least=Grade.OFFICIAL),))], packs.values())


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import small_world
from geodata.pack import hash_of
from twin.plan import make_plan
from twin.simulate import execute
cities = small_world.CITIES
packs = {name: small_world.make_pack(Path(sys.argv[2]) / name, cities[name], 10) for name in cities}
plan = make_plan([small_world.Queues()], packs.values(), seed=7, replications=2)
print(hash_of(execute(plan, packs, pilots=[small_world.Queues()]).save(Path(sys.argv[2]) / "run")))
"""


class TestSameBytes:
    def test_two_processes_with_other_hash_seeds_give_the_same_bytes(self, tmp_path: Path) -> None:
        digests = set()
        for hash_seed in ("0", "123"):
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT, str(Path(__file__).parents[1]), str(tmp_path / hash_seed)],
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                capture_output=True,
                text=True,
                check=True,
            )
            digests.add(done.stdout.strip())
        assert len(digests) == 1

    def test_another_seed_gives_other_numbers(self, queues: Pilot, packs: Packs) -> None:
        one, two = run(queues, packs, seed=1), run(queues, packs, seed=2)
        assert one.value("wait_mean", "metsa") != two.value("wait_mean", "metsa")

    def test_another_pilot_or_city_does_not_move_the_numbers(self, queues: Pilot, packs: Packs) -> None:
        alone = run(queues, packs).kpis
        beside = run(queues, packs, bystander(queues)).kpis
        assert alone.equals(beside[beside.pilot == "queues"].reset_index(drop=True))
        fewer = run(queues, {name: packs[name] for name in ("metsa", "salo")}).kpis
        assert fewer.equals(alone[alone.city != "jarve"].reset_index(drop=True))

    def test_another_random_stream_does_not_move_the_numbers(
        self, queues: Pilot, packs: Packs, variant: Callable[..., Pilot]
    ) -> None:
        class Drawing(QueueModel):
            def __init__(self, city: str, _: int, scenario: Any, world: Any) -> None:
                world.rng("a new stream", city).random(1000)
                super().__init__(city, 10, scenario, world)

        changed = run(variant("queues", Drawing), packs).kpis
        assert changed.equals(run(queues, packs).kpis)

    def test_scenarios_meet_the_same_luck(self, queues: Pilot, packs: Packs) -> None:
        """Common random numbers: with more servers than needed, one more changes nothing at all."""
        many = run(queues, packs, scenario={"servers": 40}).data["queues/metsa"].to_dataset()
        more = run(queues, packs, scenario={"servers": 41}).data["queues/metsa"].to_dataset()
        assert many.equals(more)


class TestIntervals:
    def test_replications_give_an_interval_and_one_run_gives_none(self, queues: Pilot, packs: Packs) -> None:
        single = run(queues, packs).kpis
        assert single.low.isna().all()
        many = run(queues, packs, replications=6).kpis
        assert ((many.low < many.value) & (many.value < many.high)).all()

    def test_the_interval_covers_the_true_mean_as_often_as_it_says(self) -> None:
        from twin.intervals import mean_interval

        rng = np.random.default_rng(5)
        hits = 0
        for _ in range(2000):
            _, low, high, _ = mean_interval(rng.normal(3.0, 2.0, 5))
            hits += low <= 3.0 <= high
        assert 0.935 < hits / 2000 < 0.965

    def test_the_interval_of_a_share_stays_within_the_whole(self) -> None:
        from twin.intervals import interval

        near_all = np.array([97.0, 100.0, 98.0, 100.0, 100.0])
        mean, low, high, n = interval(near_all, 100.0)
        assert mean == pytest.approx(99.0)
        assert 90.0 < low < 97.5
        assert 99.0 < high <= 100.0
        assert n == 5
        # The same share told as a part of one, and a number that is no share.
        assert interval(near_all / 100.0, 1.0)[1:3] == pytest.approx((low / 100.0, high / 100.0))
        assert interval(near_all, None)[2] > 100.0
        # Values that agree leave no doubt, and no value lies outside its own interval.
        for same in np.linspace(0.0, 100.0, 301):
            mean, low, high, _ = interval(np.full(5, same), 100.0)
            assert low <= mean <= high
            assert high - low < 1e-9

    def test_a_model_may_know_its_own_interval(self, variant: Callable[..., Pilot], packs: Packs) -> None:
        class Sure(QueueModel):
            def kpis(self) -> Mapping[str, float | Estimate]:
                return {"served": 3.0, "wait_mean": Estimate(5.0, 4.0, 7.0)}

        kpis = run(variant(model=Sure), packs).kpis.set_index(["city", "kpi"])
        assert tuple(kpis.loc[("salo", "wait_mean"), ["value", "low", "high"]]) == (5.0, 4.0, 7.0)


class Silent(QueueModel):
    """A model that runs and says nothing."""

    def run(self) -> Generator[simpy.Event, Any, Any]:
        yield self.world.env.timeout(1)

    def kpis(self) -> Mapping[str, float]:
        return {"served": 1.0, "wait_mean": 1.0}

    def data(self) -> xr.Dataset:
        return xr.Dataset({"x": ((), 1.0, {"units": "1"})})


def silent(**methods: Any) -> type[CityModel]:
    return type("Model", (Silent,), methods)


class TestContract:
    @pytest.mark.parametrize(
        ("methods", "message"),
        [
            ({"kpis": lambda _: {"served": 1.0}}, "a value for each KPI it declares"),
            ({"kpis": lambda _: {"served": 1.0, "wait_mean": 1.0, "more": 2.0}}, "and no other"),
            ({"kpis": lambda _: {"served": float("inf"), "wait_mean": 1.0}}, "infinite"),
            ({"data": lambda _: xr.Dataset({"x": ((), 1.0)})}, "without units"),
            ({"data": lambda _: {"x": 1.0}}, "no xarray dataset"),
            ({"balances": lambda _: {"people": (3.0, 2.0)}}, "does not conserve people"),
        ],
    )
    def test_what_a_model_reports_is_checked(
        self, methods: dict, message: str, variant: Callable[..., Pilot], packs: Packs
    ) -> None:
        with pytest.raises(ContractBroken, match=message):
            run(variant(model=silent(**methods)), packs)

    def test_a_pilot_builds_one_model_for_each_city(
        self, variant: Callable[..., Pilot], packs: Packs
    ) -> None:
        with pytest.raises(ContractBroken, match="one model for each city"):
            run(variant(build=lambda *_: {}), packs)

    def test_a_city_whose_data_were_not_used_does_not_count(
        self, variant: Callable[..., Pilot], packs: Packs
    ) -> None:
        def build(_: Pilot, packs: Any, scenario: Any, world: Any) -> Mapping[str, CityModel]:
            packs["salo"].table("stops")
            return {city: Silent(city, 1, scenario, world) for city in packs}

        with pytest.raises(NotEligible, match="metsa does not count: nothing of its data was used"):
            run(variant(build=build), packs)

    def test_a_city_without_a_result_of_its_own_does_not_count(
        self, variant: Callable[..., Pilot], packs: Packs
    ) -> None:
        def data(model: Any) -> xr.Dataset:
            return Silent.data(model) if model.world.cities and model.city == "salo" else xr.Dataset()

        class Named(Silent):
            def __init__(self, city: str, *rest: Any) -> None:
                self.city = city
                super().__init__(city, *rest)

        Named.data = data
        with pytest.raises(NotEligible, match="no result of its own"):
            run(variant(model=Named), packs)

    def test_undeclared_kinds_cannot_be_read(self, variant: Callable[..., Pilot], packs: Packs) -> None:
        def build(_: Pilot, packs: Any, scenario: Any, world: Any) -> Mapping[str, CityModel]:
            return {city: packs[city].table("stops") for city in packs}

        greedy = variant(build=build, needs=(Need("streets", "walks", optional=True),))
        with pytest.raises(ContractBroken, match="does not declare as a need"):
            run(greedy, packs)


class TestFailures:
    def test_an_error_names_pilot_and_cause(self, variant: Callable[..., Pilot], packs: Packs) -> None:
        class Failing(Silent):
            def kpis(self) -> Mapping[str, float]:
                raise KeyError("no such thing")

        with pytest.raises(RunFailed, match="the pilot variant failed for jarve: KeyError: 'no such thing'"):
            run(variant(model=Failing), packs)

    def test_an_error_in_a_process_started_later_is_laid_at_the_right_door(
        self, queues: Pilot, packs: Packs
    ) -> None:
        with pytest.raises(RunFailed, match="the pilot a_saboteur failed: ZeroDivisionError") as failure:
            run(queues, packs, saboteur(queues))
        assert isinstance(failure.value.__cause__, ZeroDivisionError)

    def test_exit_is_a_failure_too(self, variant: Callable[..., Pilot], packs: Packs) -> None:
        class Leaving(Silent):
            def run(self) -> Generator[simpy.Event, Any, Any]:
                yield self.world.env.timeout(1)
                raise SystemExit(0)

        with pytest.raises(RunFailed, match="SystemExit"):
            run(variant(model=Leaving), packs)


class TestResult:
    def test_a_result_carries_what_defends_it(self, queues: Pilot, packs: Packs) -> None:
        manifest = run(queues, packs).manifest
        assert manifest["verdict"]["eligible"]
        assert manifest["verdict"]["cities"] == ["jarve", "metsa", "salo"]
        assert manifest["plan"]["cities"][0]["pack_sha256"] == packs["jarve"].hash
        (used,) = manifest["data"]["metsa"]
        assert (used["kind"], used["grade"], used["licence"]) == ("stops", "synthetic", "CC0-1.0")
        assert manifest["pilots"]["queues"]["kpis"]["served"]["definition"]
        assert {"numpy", "simpy", "python", "twinbox", "pilot:queues"} <= set(manifest["plan"]["versions"])

    def test_it_is_saved_and_opened_unchanged(self, queues: Pilot, packs: Packs, tmp_path: Path) -> None:
        import twin

        result = run(queues, packs)
        opened = twin.open_result(result.save(tmp_path / "run"))
        pd.testing.assert_frame_equal(opened.kpis, result.kpis)
        assert opened.manifest == json.loads(json.dumps(result.manifest))
        assert opened.data.load().identical(result.data)

    @pytest.mark.parametrize("name", ["kpis.parquet", "run.json", "data.zarr/.zmetadata"])
    def test_a_damaged_run_is_told(self, name: str, queues: Pilot, packs: Packs, tmp_path: Path) -> None:
        from twin.errors import DamagedRun
        from twin.result import verify

        path = run(queues, packs).save(tmp_path / "run")
        verify(path)
        whole = (path / name).read_bytes()
        (path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DamagedRun):
            verify(path)

    def test_districts_are_shown_by_district(self, variant: Callable[..., Pilot], packs: Packs) -> None:
        class Districts(Silent):
            def data(self) -> xr.Dataset:
                served = (("district",), np.array([1.0, 2.0]), {"units": "1"})
                return xr.Dataset({"served": served}, coords={"district": ["north", "south"]})

        table = run(variant(model=Districts), packs).district_kpis
        assert list(table[table.city == "salo"].itertuples(index=False, name=None)) == [
            ("variant", "salo", "north", "served", 1.0, "1", "higher"),
            ("variant", "salo", "south", "served", 2.0, "1", "higher"),
        ]

    def test_other_rules_are_kept_with_the_result(self, queues: Pilot, packs: Packs) -> None:
        rule = ParticipationRule(id="three", min_cities=3)
        assert run(queues, packs, rule=rule).manifest["verdict"]["rule_id"] == "three"


def test_an_unpublishable_result_stays_out_of_the_store(queues: Pilot, packs: Packs, tmp_path: Path) -> None:
    from twin.errors import DamagedRun
    from twin.store import RunStore

    store = RunStore(tmp_path / "runs")
    result = run(queues, packs)
    bare = replace(result, manifest={k: v for k, v in result.manifest.items() if k != "verdict"})
    with pytest.raises(DamagedRun, match="without an eligible verdict"):
        store.publish(bare)
    path = store.publish(result)
    before = hash_of(path)
    assert store.publish(result) == path
    assert hash_of(path) == before
    assert [item.run_id for item in store.runs()] == [result.run_id]
    assert store.open(result.run_id[-6:]).run_hash == result.run_hash


def test_a_damaged_registry_or_run_does_not_hide_the_others(
    queues: Pilot, packs: Packs, tmp_path: Path
) -> None:
    from twin.store import RunStore

    result = run(queues, packs)
    RunStore(tmp_path / "runs").publish(result)
    for journal in (tmp_path / "runs").glob("registry.sqlite-*"):
        journal.unlink()
    (tmp_path / "runs/registry.sqlite").write_bytes(b"no database at all" * 100)
    (tmp_path / "runs/torn").mkdir()
    (tmp_path / "runs/torn/run.json").write_text("{")
    store = RunStore(tmp_path / "runs")
    assert [item.run_id for item in store.runs()] == [result.run_id]
    assert any("made the registry anew" in line for line in store.recovered)
    assert any("left torn out" in line for line in store.recovered)
