"""A live broker: stored before confirmed, once each, bad ones kept in staging."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pandas as pd
import pytest

from geodata.errors import NotReady
from geodata.observations.mqtt import Broker, Route, decode, ingest_mqtt
from geodata.observations.store import ObservationStore

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


@pytest.fixture
def broker(tmp_path) -> Iterator[Broker]:
    pytest.importorskip("paho.mqtt.client", reason="the extra `sensors` is not installed")
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "m.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([MOSQUITTO, "-c", str(tmp_path / "m.conf")], stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield Broker(host="127.0.0.1", port=port)
    process.terminate()
    process.wait()


def keep_session(broker: Broker, topics: list[str]) -> None:
    """Be there once under the listener's name: from then on the broker keeps what comes for it."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    done = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id=broker.client_id, clean_session=False)
    client.on_subscribe = lambda *_: done.set()
    client.connect(broker.host, broker.port)
    client.loop_start()
    client.subscribe([(topic, 1) for topic in topics])
    assert done.wait(5)
    client.disconnect()
    client.loop_stop()


def publish(broker: Broker, messages: list[tuple[str, str]]) -> None:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2)
    client.connect(broker.host, broker.port)
    client.loop_start()
    for topic, payload in messages:
        client.publish(topic, payload, qos=1).wait_for_publish(5)
    client.disconnect()
    client.loop_stop()


def test_a_live_broker_fills_the_store(broker, known, now, tmp_path):
    messages = [
        ("school/204/co2", '{"value": 612, "time": "2026-11-22T10:00:00Z"}'),
        ("school/204/co2", '{"value": 612, "time": "2026-11-22T10:00:00Z"}'),
        ("school/204/t", "21.4"),
        ("school/204/t", "warm"),
        ("school/204/t", '{"value": 21, "time": 1764000000}'),
        ("v1.1/Datastreams(204/rh)/Observations", '{"result": 41, "phenomenonTime": "2026-11-22T10:00:00Z"}'),
        ("school/attic/t", "3"),
    ]
    routes = [Route("school/#", prefix="school/"), Route("v1.1/#", "sensorthings")]
    stop = threading.Event()
    keep_session(broker, [route.topic for route in routes])
    publish(broker, messages)
    with ObservationStore(tmp_path / "first.sqlite") as store:
        store.register(known.values())
        timer = threading.Timer(1.5, stop.set)
        timer.start()
        report = ingest_mqtt(store, broker, routes, stop, clock=lambda: now, every_s=0.2)
        assert (report.messages, report.stored, report.duplicates) == (7, 3, 1)
        assert report.rejected == {
            "not_a_number": 1,
            "seconds_for_milliseconds": 1,
            "unknown_datastream": 1,
        }
        assert store.latest().set_index("datastream")["value"].to_dict() == {
            "204/co2": 612.0,
            "204/t": 21.4,
            "204/rh": 41.0,
        }
        assert set(store.staging()["raw"]) == {"warm", '{"value": 21, "time": 1764000000}', "3"}


def test_a_broker_that_is_not_there_is_said(known, tmp_path, now):
    pytest.importorskip("paho.mqtt.client", reason="the extra `sensors` is not installed")
    with ObservationStore(tmp_path / "o.sqlite") as store, pytest.raises(NotReady, match="does not answer"):
        ingest_mqtt(store, Broker("127.0.0.1", 1), [Route("#")], threading.Event(), clock=lambda: now)


@pytest.mark.parametrize(
    ("route", "topic", "payload", "value"),
    [
        (Route("#"), "204/co2", b"612", 612.0),
        (Route("#", prefix="a/"), "a/204/co2", b'{"value": 1.8, "unit": "mg/L"}', 1000.0),
        (Route("#", "sentilo"), "data/204/co2", b'{"observations":[{"value":"612"}]}', 612.0),
    ],
)
def test_payloads_of_each_format(known, now, route, topic, payload, value):
    batch = decode(known, route, topic, payload, now)
    assert batch.observations["value"].tolist() == [pytest.approx(value)]
    assert batch.observations["time"].tolist() == [pd.Timestamp(now)]


@pytest.mark.parametrize("time", ['"0001-01-01T00:00:00Z"', "-1e18", "1e300", '"soon"', "null"])
def test_clocks_beyond_all_bounds_are_refused(known, now, time):
    batch = decode(known, Route("#"), "204/t", f'{{"value": 21, "time": {time}}}'.encode(), now)
    assert len(batch.observations) == 0
    assert set(batch.reasons) <= {"not_a_time", "clock_before_2000", "future_clock"}


def test_a_payload_that_is_not_json_is_refused_with_its_text(known, now):
    batch = decode(known, Route("#", "ngsi-ld"), "x", b"{oops", now)
    assert batch.rejected[["reason", "raw"]].to_numpy().tolist() == [["not_json", "{oops"]]
