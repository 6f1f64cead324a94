"""Live observations from an MQTT broker, acknowledged only once they are stored.

A broker hands a message out again until somebody confirms it. Here it is confirmed when the batch it is in
has been written, so that a crash between the two loses nothing; what then comes twice, the store keeps
once.
"""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from geodata.errors import InvalidInput, NotReady
from geodata.observations.collect import NOT_A_NUMBER, Collector, parse_utc
from geodata.observations.model import Batch, Datastream, State
from geodata.observations.ngsi_ld import read_ngsi_ld
from geodata.observations.quality import Flag
from geodata.observations.sensorthings import read_sensorthings
from geodata.observations.sentilo import read_sentilo
from geodata.observations.store import ObservationStore

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

Format = Literal["plain", "sensorthings", "sentilo", "ngsi-ld"]
Clock = Callable[[], pd.Timestamp]

_SENSORTHINGS_TOPIC = re.compile(r"Datastreams\(([^)]*)\)/Observations$")
NOT_JSON = "not_json"


@dataclass(frozen=True)
class Route:
    """Which messages are read how.

    `plain`: the topic without `prefix` is the datastream; the payload a number, or ``{"value": 21.4, "time":
    "2026-11-22T10:00:00Z"}``. `sensorthings`: topics ``.../Datastreams(ID)/Observations``. `sentilo`: topics
    ``.../provider/sensor``. `ngsi-ld`: the payload is an entity.
    """

    topic: str
    """Topic filter of the subscription, with + and # as wildcards."""
    format: Format = "plain"
    prefix: str = ""


@dataclass(frozen=True)
class Broker:
    """Where the messages come from."""

    host: str = "localhost"
    port: int = 1883
    client_id: str = "twinbox"
    """Kept by the broker between connections: it holds messages back while nobody is there."""
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False


@dataclass
class IngestReport:
    """What has come in so far."""

    messages: int = 0
    stored: int = 0
    duplicates: int = 0
    corrected: int = 0
    late: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


def ingest_mqtt(
    store: ObservationStore,
    broker: Broker,
    routes: list[Route],
    stop: threading.Event,
    *,
    clock: Clock,
    every_s: float = 1.0,
    most: int = 10_000,
) -> IngestReport:
    """Store what a broker sends until told to stop.

    Args:
        store: Where it goes; its datastreams are those known.
        broker: Where it comes from.
        routes: Which topics, read how.
        stop: Set it to end; what has arrived by then is stored first.
        clock: Gives the present.
        every_s: Longest time between batches.
        most: Largest batch.

    Raises:
        NotReady: The broker cannot be reached, or the library for MQTT is not installed.
    """
    arrived: queue.Queue[MQTTMessage] = queue.Queue()
    client = _connect(broker, routes, arrived)
    report = IngestReport()
    try:
        while not (stop.is_set() and arrived.empty()):
            messages = _next_batch(arrived, every_s, most, stop)
            if messages:
                _store(store, routes, messages, clock(), report)
                for message in messages:
                    client.ack(message.mid, message.qos)
    finally:
        client.disconnect()
        client.loop_stop()
    return report


def _connect(broker: Broker, routes: list[Route], arrived: queue.Queue[MQTTMessage]) -> Client:
    try:
        from paho.mqtt.client import Client as MqttClient
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise NotReady(
            "the library for MQTT is not installed", hint="install twinbox with the extra `sensors`"
        ) from error
    # A session outlives the connection, so that the broker keeps what comes meanwhile.
    client = MqttClient(
        CallbackAPIVersion.VERSION2, client_id=broker.client_id, clean_session=False, manual_ack=True
    )
    if broker.username:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls:
        client.tls_set()

    def subscribe(client: Client, *_: Any) -> None:
        client.subscribe([(route.topic, 1) for route in routes])

    client.on_connect = subscribe
    client.on_message = lambda _client, _data, message: arrived.put(message)
    try:
        client.connect(broker.host, broker.port)
    except OSError as error:
        raise NotReady(
            "the broker does not answer",
            field="broker",
            value=f"{broker.host}:{broker.port}",
            hint=f"is it running? ({error})",
        ) from error
    client.loop_start()
    return client


def _next_batch(
    arrived: queue.Queue[MQTTMessage], every_s: float, most: int, stop: threading.Event
) -> list[MQTTMessage]:
    """Messages that came within the time, the first of them awaited."""
    messages: list[MQTTMessage] = []
    try:
        messages.append(arrived.get(timeout=0.05 if stop.is_set() else every_s))
        while len(messages) < most:
            messages.append(arrived.get_nowait())
    except queue.Empty:
        pass
    return messages


def _store(
    store: ObservationStore,
    routes: list[Route],
    messages: list[MQTTMessage],
    now: pd.Timestamp,
    report: IngestReport,
) -> None:
    known = store.datastreams
    batches = [
        decode(known, _route(routes, message.topic), message.topic, bytes(message.payload), now)
        for message in messages
    ]
    batch = Batch(
        pd.concat([batch.observations for batch in batches], ignore_index=True),
        pd.concat(
            [batch.rejected for batch in batches if len(batch.rejected)] or [batches[0].rejected],
            ignore_index=True,
        ),
    )
    done = store.append(batch, flag=Flag.UNKNOWN, state=State.STAGING, name="mqtt")
    report.messages += len(messages)
    report.stored += done.stored
    report.duplicates += done.duplicates
    report.corrected += done.corrected
    report.late += done.late
    for reason, count in done.rejected.items():
        report.rejected[reason] = report.rejected.get(reason, 0) + count


def _route(routes: list[Route], topic: str) -> Route:
    from paho.mqtt.client import topic_matches_sub

    for route in routes:
        if topic_matches_sub(route.topic, topic):
            return route
    raise InvalidInput("a message that nobody subscribed to", field="topic", value=topic)


def decode(
    known: Mapping[str, Datastream], route: Route, topic: str, payload: bytes, now: pd.Timestamp
) -> Batch:
    """The observations of one message; what cannot be read is turned away with its reason."""
    text = payload.decode("utf-8", errors="replace")
    own = topic.removeprefix(route.prefix).strip("/")
    collector = Collector(known, now)
    try:
        document = json.loads(text)
    except ValueError:
        if route.format == "plain":
            collector.add(1, own, now, text, raw=text)
        else:
            collector.refuse(1, own, NOT_JSON, "payload", text)
        return collector.batch()
    match route.format:
        case "sensorthings":
            found = _SENSORTHINGS_TOPIC.search(topic)
            name = found.group(1).strip("'") if found else ""
            return read_sensorthings(document, known, now, datastream=name)
        case "sentilo":
            provider, _, sensor = own.rpartition("/")
            return read_sentilo(document, known, now, provider=provider.rsplit("/", 1)[-1], sensor=sensor)
        case "ngsi-ld":
            return read_ngsi_ld(document, known, now)
        case _:
            _plain(collector, own, document, now, text)
            return collector.batch()


def _plain(collector: Collector, datastream: str, document: Any, now: pd.Timestamp, raw: str) -> None:
    """A number, or an object with `value` and perhaps `time` and `unit`."""
    if not isinstance(document, dict):
        collector.add(1, datastream, now, document, raw=raw)
    elif "value" not in document:
        collector.refuse(1, datastream, NOT_A_NUMBER, "value", None, raw)
    else:
        time = now if "time" not in document else _any_time(document["time"])
        collector.add(1, datastream, time, document["value"], unit=str(document.get("unit", "")), raw=raw)


def _any_time(value: object) -> pd.Timestamp | None:
    """ISO 8601 text with a zone, or milliseconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return pd.Timestamp(int(value), unit="ms", tz="UTC")
        except (OverflowError, ValueError):
            return None
    return parse_utc(value)
