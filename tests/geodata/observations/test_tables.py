"""Tables of loggers: everything is either an observation or turned away with its reason and raw text."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InvalidInput, UnreadableSource
from geodata.observations.mapping import load_mapping
from geodata.observations.model import Datastream
from geodata.observations.tables import TableMapping, read_frame, read_table


def long(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["time", "sensor_id", "value"])


def read(rows, known, now, **how):
    return read_frame(long(rows), TableMapping(**how), known, now)


@pytest.mark.parametrize(
    ("time", "sensor", "value", "reason", "field"),
    [
        ("2026-11-22T10:00:00Z", "204/co2", "error", "not_a_number", "value"),
        ("yesterday", "204/co2", "600", "not_a_time", "time"),
        ("2027-01-01T00:00:00Z", "204/co2", "600", "future_clock", "time"),
        ("1970-01-21T09:44:00Z", "204/co2", "600", "seconds_for_milliseconds", "time"),
        ("1970-01-01T00:00:07Z", "204/co2", "600", "clock_before_2000", "time"),
        ("2026-11-22T10:00:00Z", "attic/co2", "600", "unknown_datastream", "datastream"),
    ],
)
def test_bad_rows_are_told_apart_and_kept_raw(known, now, time, sensor, value, reason, field):
    batch = read([("2026-11-22T09:55:00Z", "204/co2", "612"), (time, sensor, value)], known, now)
    assert batch.observations["value"].tolist() == [612.0]
    refused = batch.rejected.iloc[0]
    assert (refused["row"], refused["reason"], refused["field"]) == (2, reason, field)
    assert refused["raw"] == f"{time};{sensor};{value}"


def test_a_sensor_that_says_it_has_no_value_is_missing_not_wrong(known, now):
    batch = read([("2026-11-22T10:00:00Z", "204/t", word) for word in ("NaN", "", "null", "inf")], known, now)
    assert len(batch.rejected) == 0
    assert batch.observations["value"].isna().all()


def test_seconds_read_as_milliseconds_and_the_other_way_round(known, now):
    second = str(now.value // 10**9 - 600)
    right = read([(second, "204/t", "21")], known, now, epoch="s")
    assert right.observations["time"].tolist() == [now - pd.Timedelta(minutes=10)]
    wrong = read([(second, "204/t", "21")], known, now, epoch="ms")
    assert wrong.reasons == {"seconds_for_milliseconds": 1}
    other = read([(second + "000", "204/t", "21")], known, now, epoch="s")
    assert other.reasons == {"future_clock": 1}
    assert read([("9999-12-31T00:00:00Z", "204/t", "21")], known, now).reasons == {"future_clock": 1}


def test_local_times_that_exist_twice_are_not_guessed(known, now):
    rows = [("2026-10-25 02:30:00", "204/t", "21"), ("2026-10-25 03:30:00", "204/t", "21")]
    batch = read(rows, known, now, time_zone="Europe/Tallinn")
    assert batch.reasons == {"ambiguous_time": 1}
    assert batch.observations["time"].tolist() == [pd.Timestamp("2026-10-24T23:30Z")]


def test_units_are_converted_into_those_of_the_property(now):
    stream = Datastream("rh", "relative_humidity", unit="1")
    batch = read([("2026-11-22T10:00:00Z", "rh", "0.41")], {"rh": stream}, now)
    assert batch.observations["value"].tolist() == [pytest.approx(41.0)]


def test_wide_files_with_local_time_and_decimal_commas(tmp_path, known, now):
    file = tmp_path / "logger.csv"
    file.write_text("aeg;CO2;Temp\n2026-11-20 12:00;612,5;21,4\n2026-11-20 12:05;x;21,5\n", encoding="utf-8")
    mapping = TableMapping(
        time="aeg",
        columns={"CO2": "204/co2", "Temp": "204/t"},
        time_zone="Europe/Tallinn",
        delimiter=";",
        decimal=",",
    )
    batch = read_table(file, mapping, known, now)
    assert batch.observations["value"].tolist() == [612.5, 21.4, 21.5]
    assert batch.observations["time"].iloc[0] == pd.Timestamp("2026-11-20T10:00Z")
    assert batch.rejected["row"].tolist() == [2]


def test_parquet_is_read_like_csv(tmp_path, known, now):
    rows = [("2026-11-22T10:00:00Z", "204/t", "21.5"), ("2026-11-22T10:05:00Z", "204/t", "21.6")]
    long(rows).to_parquet(tmp_path / "t.parquet")
    long(rows).to_csv(tmp_path / "t.csv", index=False)
    a, b = (read_table(tmp_path / f"t.{kind}", TableMapping(), known, now) for kind in ("parquet", "csv"))
    pd.testing.assert_frame_equal(a.observations, b.observations)


def test_a_missing_column_and_a_file_that_is_none_are_named(tmp_path, known, now):
    with pytest.raises(InvalidInput, match="column is missing"):
        read_frame(pd.DataFrame({"time": []}), TableMapping(), known, now)
    with pytest.raises(UnreadableSource):
        read_table(tmp_path / "absent.csv", TableMapping(), known, now)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.just("2026-11-22T10:00:00Z"), st.text(max_size=8)),
            st.sampled_from(["204/co2", "elsewhere"]),
            st.one_of(st.floats().map(str), st.text(max_size=6)),
        ),
        max_size=12,
    )
)
def test_nothing_is_lost_whatever_arrives(rows):
    stream = Datastream("204/co2", "co2")
    batch = read(rows, {stream.id: stream}, pd.Timestamp("2026-11-22T12:00Z"))
    assert len(batch.observations) + len(batch.rejected) == len(rows)


def test_a_mapping_file_names_what_is_wrong(tmp_path):
    file = tmp_path / "map.toml"
    file.write_text('[table]\ntime = "date"\n[[datastreams]]\nid = "a"\nobserved_property = "co2"\n')
    mapping, streams = load_mapping(file)
    assert mapping.time == "date"
    assert streams == [Datastream("a", "co2")]
    file.write_text('[table]\ntijme = "date"\n')
    with pytest.raises(InvalidInput) as caught:
        load_mapping(file)
    assert caught.value.field == "table.tijme"
    file.write_text('[[datastreams]]\nid = "a"\nobserved_property = "smell"\n')
    with pytest.raises(InvalidInput, match="observes what nobody knows"):
        load_mapping(file)
    file.write_text("[[")
    with pytest.raises(UnreadableSource):
        load_mapping(file)
