"""The store: all or nothing, once each, late ones in their place, the latest at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import UnknownName, UnreadableSource
from geodata.observations.model import Batch, Datastream, State, rejection
from geodata.observations.quality import Flag
from geodata.observations.store import ObservationStore

MINUTE = 60_000_000_000
START = pd.Timestamp("2026-01-30T00:00Z").as_unit("ns").value


@pytest.fixture
def store(tmp_path, known):
    with ObservationStore(tmp_path / "o.sqlite") as opened:
        opened.register(known.values())
        yield opened


def batch(values: dict[int, float], name: str = "204/co2") -> Batch:
    times = [pd.Timestamp(START + minute * MINUTE, tz="UTC") for minute in values]
    return Batch.of([name] * len(values), times, list(values.values()), [])


def test_duplicates_corrections_and_late_ones_are_counted_apart(store):
    store.append(batch({0: 500.0, 10: 520.0}))
    done = store.append(batch({10: 520.0, 0: 505.0, 5: 510.0, 15: 530.0}), name="second")
    assert (done.stored, done.duplicates, done.corrected, done.late) == (2, 1, 1, 2)
    assert store.read("204/co2")["value"].tolist() == [505.0, 510.0, 520.0, 530.0]
    noted = store.corrections().iloc[0]
    assert (noted["old"], noted["new"], noted["batch"]) == (500.0, 505.0, "second")


def test_the_latest_value_is_not_overtaken_by_a_late_one(store):
    store.append(batch({10: 520.0}))
    store.append(batch({5: 999.0}))
    latest = store.latest().set_index("datastream")
    assert latest.loc["204/co2", "value"] == 520.0
    assert "204/t" not in latest.index


def test_what_was_turned_away_is_kept_raw(store):
    refused = [rejection(7, "204/co2", "not_a_number", "value", "error", '{"v": "error"}')]
    store.append(Batch.of([], [], [], refused), name="broken.csv")
    row = store.staging().iloc[0]
    assert (row["batch"], row["row"], row["reason"], row["raw"]) == (
        "broken.csv",
        7,
        "not_a_number",
        '{"v": "error"}',
    )


def test_new_values_wait_in_staging_and_only_production_is_read_for_indicators(store):
    store.append(batch({0: 500.0, 5: 30_000.0}))
    assert set(store.read("204/co2")["state"]) == {"staging"}
    columns = store.columns("204/co2")
    flags = np.array([Flag.GOOD, Flag.FAIL], dtype=np.uint8)
    states = np.array([State.PRODUCTION, State.STAGING], dtype=np.uint8)
    store.judge("204/co2", columns.time, flags, states)
    assert store.read("204/co2", state=State.PRODUCTION)["value"].tolist() == [500.0]
    assert len(store.read("204/co2")) == 2


def test_a_batch_with_a_stranger_changes_nothing(store):
    mixed = Batch.of(["204/co2", "attic"], [pd.Timestamp(START, tz="UTC")] * 2, [1.0, 2.0], [])
    with pytest.raises(UnknownName):
        store.append(mixed)
    assert store.count("204/co2") == 0


def test_a_file_of_another_kind_is_refused(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to be taken for one" * 10)
    with pytest.raises(UnreadableSource):
        ObservationStore(file)


def test_months_of_history_are_read_back_as_they_came(store):
    rng = np.random.default_rng(1)
    time = START + np.arange(30_000) * 5 * MINUTE
    value = np.round(rng.normal(600, 80, time.size), 1)
    value[100] = np.nan
    store.append_series("204/co2", time, value)
    got = store.columns("204/co2")
    np.testing.assert_array_equal(got.time, time)
    np.testing.assert_array_equal(got.value, value)
    assert got.flag[100] == Flag.MISSING
    part = store.read("204/co2", pd.Timestamp("2026-02-28T23:00Z"), pd.Timestamp("2026-03-01T01:00Z"))
    assert len(part) == 24


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.integers(0, 50_000), st.floats(300, 5000, width=32), max_size=90),
        min_size=1,
        max_size=4,
    )
)
def test_the_order_and_number_of_batches_do_not_matter_but_for_who_is_last(tmp_path_factory, parts):
    expected: dict[int, float] = {}
    for part in parts:
        expected |= part
    with ObservationStore(tmp_path_factory.mktemp("s") / "o.sqlite") as store:
        store.register([Datastream("204/co2", "co2")])
        stored = 0
        for part in parts:
            stored += store.append(batch(part)).stored
        assert stored == len(expected) == store.count("204/co2")
        got = store.columns("204/co2")
        assert (got.time - START) // MINUTE == pytest.approx(sorted(expected))
        assert got.value.tolist() == [expected[minute] for minute in sorted(expected)]
        store.pack()
        assert store.columns("204/co2").value.tolist() == got.value.tolist()
