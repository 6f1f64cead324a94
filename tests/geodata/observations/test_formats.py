"""SensorThings, Sentilo and NGSI-LD say the same things in three ways, each with its traps."""

from __future__ import annotations

import pandas as pd
import pytest

from geodata.observations.model import Datastream
from geodata.observations.ngsi_ld import read_ngsi_ld
from geodata.observations.sensorthings import read_sensorthings
from geodata.observations.sentilo import read_sentilo


def test_sensorthings_observations_arrays_and_intervals(known, now):
    single = {"phenomenonTime": "2026-11-22T10:00:00Z", "result": 612}
    array = {
        "Datastream": {"@iot.id": "204/t"},
        "components": ["phenomenonTime", "result"],
        "dataArray": [["2026-11-22T10:00:00Z/2026-11-22T10:05:00Z", 21.5], ["2026-11-22T10:10:00Z", "warm"]],
    }
    one = read_sensorthings(single, known, now, datastream="204/co2")
    assert one.observations["value"].tolist() == [612.0]
    many = read_sensorthings([array], known, now)
    assert many.observations["time"].tolist() == [pd.Timestamp("2026-11-22T10:05Z")]
    assert many.reasons == {"not_a_number": 1}


def test_sentilo_values_are_text_and_times_have_named_zones(now):
    known = {"school/co2": Datastream("school/co2", "co2")}
    document = {
        "observations": [
            {"value": "612", "timestamp": "22/11/2026T12:00:00EET"},
            {"value": "high", "timestamp": "22/11/2026T12:05:00"},
            {"value": "640", "timestamp": "22/11/2026T12:10:00IST"},
        ]
    }
    batch = read_sentilo(document, known, now + pd.Timedelta(hours=1), provider="school", sensor="co2")
    assert batch.observations["time"].tolist() == [pd.Timestamp("2026-11-22T10:00Z")]
    assert batch.reasons == {"not_a_number": 1, "ambiguous_time": 1}


def entity(**attributes: object) -> dict[str, object]:
    return {"id": "urn:room:204", "type": "IndoorEnvironmentObserved", **attributes}


def at(value: float, **more: object) -> dict[str, object]:
    return {"type": "Property", "value": value, "observedAt": "2026-11-22T10:00:00Z", **more}


@pytest.fixture
def rooms() -> dict[str, Datastream]:
    return {
        f"urn:room:204/{name}": Datastream(f"urn:room:204/{name}", observed)
        for name, observed in (("co2", "co2"), ("relativeHumidity", "relative_humidity"))
    }


def test_ngsi_ld_carbon_dioxide_is_milligrams_per_litre_and_humidity_a_share(rooms, now):
    batch = read_ngsi_ld(entity(co2=at(1.8), relativeHumidity=at(0.41)), rooms, now)
    # 1000 ppm are 1800 mg/m3 at 25 °C and 1 atm: 44.01 / 24.45.
    assert batch.observations["value"].tolist() == [pytest.approx(1000.0), pytest.approx(41.0)]


def test_ngsi_ld_unit_codes_win_over_the_data_model(rooms, now):
    batch = read_ngsi_ld(
        entity(co2=at(612, unitCode="59"), relativeHumidity=at(41, unitCode="P1")), rooms, now
    )
    assert batch.observations["value"].tolist() == [612.0, 41.0]
    strange = read_ngsi_ld(entity(co2=at(612, unitCode="KWH")), rooms, now)
    assert strange.reasons == {"unknown_unit": 1}


def test_ngsi_ld_instances_without_dataset_are_ambiguous(rooms, now):
    batch = read_ngsi_ld(entity(co2=[at(1.1), at(1.2)]), rooms, now)
    assert len(batch.observations) == 1
    assert batch.reasons == {"ambiguous_instances": 1}
