"""`twinbox sensors …`: measurements of buildings taken in, judged and reported on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.app import DATA, examples, group

if TYPE_CHECKING:
    from geodata.observations.mqtt import Broker, IngestReport, Route
    from geodata.observations.store import AppendReport, ObservationStore
    from geodata.observations.survey import SensorReport, Survey

sensors = group("sensors", DATA, "Take in sensors' observations from files and brokers, and report on them.")

Store = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="The store; `sensors.sqlite` below the home if left out."),
]
Map = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="TOML file with the datastreams and how to read tables; needed the first time.",
    ),
]


@sensors.command(
    epilog=examples(
        "twinbox sensors ingest loggers.csv --map loggers.toml",
        "twinbox sensors ingest january.parquet february.parquet",
    )
)
def ingest(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="CSV or Parquet files.")],
    *,
    mapping: Map = None,
    store: Store = None,
    json: options.Json = False,
) -> None:
    """Take in tables of observations; what cannot be read waits in staging with its reason.

    A file may be given twice: an observation that is there already is counted and kept once.
    """
    import pandas as pd

    from api.cli.screen import emit, say
    from geodata.observations.tables import TableMapping, read_table

    how, streams = _mapping(mapping)
    now = pd.Timestamp.now("UTC")
    documents = []
    with _opened(store) as opened:
        opened.register(streams)
        for file in files:
            done = opened.append(
                read_table(file, how or TableMapping(), opened.datastreams, now), name=str(file)
            )
            documents.append({"file": str(file), **asdict(done)})
            if not json:
                say(f"{file}: {_told(done)}")
        where = opened.path
    if json:
        emit({"store": str(where), "files": documents})
    else:
        say(f"Store   {where}")
        say()
        say("Next    twinbox sensors report")


@sensors.command(
    epilog=examples(
        "twinbox sensors listen --broker localhost --topic 'school-12/#' --map sensors.toml --seconds 60",
        "twinbox sensors listen --topic 'v1.1/#' --format sensorthings --map sensors.toml",
    )
)
def listen(
    topics: Annotated[
        list[str], typer.Option("--topic", metavar="FILTER", help="Topics, with + and # as wildcards.")
    ],
    *,
    broker: Annotated[str, typer.Option(metavar="HOST[:PORT]", help="The MQTT broker.")] = "localhost",
    how: Annotated[str, typer.Option("--format", help="plain, sensorthings, sentilo or ngsi-ld.")] = "plain",
    prefix: Annotated[str, typer.Option(help="What a plain topic has in front of the datastream's id.")] = "",
    user: Annotated[str, typer.Option(help="Name at the broker; the word from TWINBOX_MQTT_PASSWORD.")] = "",
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS.")] = False,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="End after so long; else with Ctrl-C.")
    ] = None,
    mapping: Map = None,
    store: Store = None,
    json: options.Json = False,
) -> None:
    """Take in what an MQTT broker sends; each message is confirmed once it is stored.

    `plain`: the topic is the datastream, the payload a number or {"value": 21.4, "time": "…Z"}.
    """
    from geodata.observations.mqtt import Route

    _, streams = _mapping(mapping)
    routes = [Route(topic, _format(how), prefix) for topic in topics]
    with _opened(store) as opened:
        opened.register(streams)
        _show_ingest(_listened(opened, _broker(broker, user, tls=tls), routes, seconds), as_json=json)


def _format(name: str) -> Any:
    from geodata.errors import InvalidInput

    formats = ("plain", "sensorthings", "sentilo", "ngsi-ld")
    if name not in formats:
        raise InvalidInput(
            "a format that nobody knows", field="--format", value=name, expected=", ".join(formats)
        )
    return name


def _broker(address: str, user: str, *, tls: bool) -> Broker:
    import os

    from geodata.errors import InvalidInput
    from geodata.observations.mqtt import Broker

    host, _, port = address.partition(":")
    if port and not port.isdigit():
        raise InvalidInput(
            "not an address of a broker", field="--broker", value=address, expected="HOST or HOST:PORT"
        )
    usual = 8883 if tls else 1883
    return Broker(
        host=host,
        port=int(port) if port else usual,
        username=user,
        password=os.environ.get("TWINBOX_MQTT_PASSWORD", ""),
        tls=tls,
    )


def _listened(
    store: ObservationStore, broker: Broker, routes: list[Route], seconds: float | None
) -> IngestReport:
    """Listen until the time is over or the user has had enough."""
    import signal
    import threading

    import pandas as pd

    from api.cli.screen import note
    from geodata.observations.mqtt import ingest_mqtt

    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set) if seconds else None
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    note(f"listening to {broker.host}:{broker.port}" + ("" if seconds else "; Ctrl-C ends"))
    try:
        if timer:
            timer.start()
        return ingest_mqtt(store, broker, routes, stop, clock=lambda: pd.Timestamp.now("UTC"))
    finally:
        signal.signal(signal.SIGINT, before)
        if timer:
            timer.cancel()


def _show_ingest(report: IngestReport, *, as_json: bool) -> None:
    from api.cli.screen import emit, say

    if as_json:
        emit(asdict(report))
        return
    say(f"{report.messages} messages: {_told(report)}")
    say()
    say("Next    twinbox sensors report")


@sensors.command(
    epilog=examples(
        "twinbox sensors report",
        "twinbox sensors report --from 2026-10-01 --to 2026-11-01 --chart october.png",
    )
)
def report(
    *,
    start: Annotated[str | None, typer.Option("--from", metavar="INSTANT", help="Beginning, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="INSTANT", help="End, UTC.")] = None,
    time_zone: Annotated[str, typer.Option(help="Where the rooms are.")] = "Europe/Tallinn",
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw all series with gaps and faults (PNG).")
    ] = None,
    store: Store = None,
    json: options.Json = False,
) -> None:
    """Judge all observations and report availability, gaps and faults of every sensor.

    What passes the tests goes into production, which alone feeds indicators; what fails stays in staging.
    """
    from api.cli.screen import emit
    from geodata.observations.survey import survey

    with _opened(store, must_exist=True) as opened:
        done = survey(opened, _instant(start, "--from"), _instant(end, "--to"), time_zone=time_zone)
        if chart:
            from geodata.observations.chart import draw

            draw(opened, done, chart)
    if json:
        emit(_survey_document(done))
    else:
        _show_survey(done)


def _show_survey(done: Survey) -> None:
    from api.cli.screen import Numbers, say, table

    if done.start is not None and done.end is not None:
        say(f"Sensors from {done.start:%Y-%m-%d %H:%M} to {done.end:%Y-%m-%d %H:%M} UTC", style="bold")
    heads = (
        "values",
        "production",
        "available",
        "gaps",
        "longest",
        "suspect",
        "failed",
        "missing",
        "refused",
    )
    say(
        table(
            ["sensor", *(Numbers(head) for head in heads)], [_sensor_row(sensor) for sensor in done.sensors]
        )
    )
    _show_findings(done.sensors)
    refused = [
        [sensor.datastream.id, reason, str(count)]
        for sensor in done.sensors
        for reason, count in sensor.refused.items()
    ] + [["(unknown)", reason, str(count)] for reason, count in done.refused_elsewhere.items()]
    if refused:
        say(table(["sensor", "reason", Numbers("times")], refused, title="Turned away, raw text in staging"))
    if done.corrected:
        say()
        say(f"{done.corrected} values were replaced by later ones of the same instant.")


def _sensor_row(sensor: SensorReport) -> list[str]:
    state = sensor.health
    refused = str(sum(sensor.refused.values()))
    if state is None:
        return [sensor.datastream.id, "0", "0", "never spoke", "", "", "", "", "", refused]
    return [
        sensor.datastream.id,
        f"{sensor.count:,}",
        f"{sensor.states['production']:,}",
        f"{state.availability_percent:.1f} %",
        str(state.gaps),
        f"{state.longest_gap_h:.1f} h",
        str(state.suspect),
        str(state.failed),
        str(state.missing),
        refused,
    ]


def _show_findings(all_sensors: Sequence[SensorReport]) -> None:
    import pandas as pd

    from api.cli.screen import Numbers, say, table

    rows = []
    for sensor in all_sensors:
        for found in sensor.findings:
            begin, end = (pd.Timestamp(moment, unit="ns") for moment in (found.start, found.end))
            hours = (found.end - found.start) / 3.6e12
            rows.append(
                [
                    sensor.datastream.id,
                    found.kind,
                    f"{begin:%Y-%m-%d %H:%M}",
                    f"{end:%Y-%m-%d %H:%M}",
                    f"{hours:.1f} h",
                ]
            )
    if rows:
        say(table(["sensor", "fault", "from", "to", Numbers("length")], rows, title="Gaps and faults, UTC"))
    else:
        say()
        say("No gaps and no faults.")


def _survey_document(done: Survey) -> dict[str, Any]:
    return {
        "start": done.start,
        "end": done.end,
        "corrected": done.corrected,
        "refused_elsewhere": done.refused_elsewhere,
        "sensors": [_sensor_document(sensor) for sensor in done.sensors],
    }


def _sensor_document(sensor: SensorReport) -> dict[str, Any]:
    import pandas as pd

    return {
        "datastream": asdict(sensor.datastream),
        "count": sensor.count,
        "first": sensor.first,
        "last": sensor.last,
        "latest": sensor.latest,
        "states": dict(sensor.states),
        "health": None if sensor.health is None else asdict(sensor.health),
        "findings": [
            {
                "fault": found.kind,
                "start": pd.Timestamp(found.start, unit="ns", tz="UTC"),
                "end": pd.Timestamp(found.end, unit="ns", tz="UTC"),
            }
            for found in sensor.findings
        ],
        "refused": dict(sensor.refused),
    }


@sensors.command(epilog=examples("twinbox sensors latest", "twinbox sensors latest --json"))
def latest(*, store: Store = None, json: options.Json = False) -> None:
    """Show the latest value of every sensor."""
    from api.cli.screen import Numbers, emit, say, table

    with _opened(store, must_exist=True) as opened:
        rows = opened.latest()
        units = {name: stream.unit for name, stream in _with_units(opened).items()}
    if json:
        emit(rows.to_dict("records"))
        return
    cells = [
        [name, f"{time:%Y-%m-%d %H:%M:%S}", f"{value:g}", units[name], state]
        for name, time, value, _, state in rows.itertuples(index=False, name=None)
    ]
    say(table(["sensor", "time, UTC", Numbers("value"), "unit", "state"], cells))


def _with_units(store: ObservationStore) -> Mapping[str, Any]:
    """Datastreams with the unit that their stored values have."""
    from dataclasses import replace

    from geodata.observations.properties import PROPERTIES

    return {
        name: replace(stream, unit=PROPERTIES[stream.observed_property].unit)
        for name, stream in store.datastreams.items()
    }


@sensors.command(epilog=examples("twinbox sensors staging", "twinbox sensors staging --json"))
def staging(*, store: Store = None, json: options.Json = False) -> None:
    """Show what was turned away, with the reason and the raw text."""
    from api.cli.screen import Numbers, emit, say, table

    with _opened(store, must_exist=True) as opened:
        rows = opened.staging()
    if json:
        emit(rows.to_dict("records"))
        return
    columns = ("batch", "row", "datastream", "reason", "field", "raw")
    cells = [[str(value) for value in row] for row in rows[list(columns)].itertuples(index=False)]
    say(table(["batch", Numbers("row"), *columns[2:]], cells))


def _opened(path: Path | None, *, must_exist: bool = False) -> ObservationStore:
    from geodata.errors import NotReady
    from geodata.home import home
    from geodata.observations.store import ObservationStore

    file = path or home() / "sensors.sqlite"
    if must_exist and not file.is_file():
        raise NotReady(
            "there is no store of sensors", file=file, hint="twinbox sensors ingest or listen fills one"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    return ObservationStore(file)


def _mapping(path: Path | None) -> tuple[Any, list[Any]]:
    from geodata.observations.mapping import load_mapping

    return (None, []) if path is None else load_mapping(path)


def _instant(text: str | None, option: str) -> Any:
    import pandas as pd

    from geodata.errors import InvalidInput

    if text is None:
        return None
    try:
        moment = pd.Timestamp(text)
    except ValueError as error:
        raise InvalidInput(
            "not an instant", field=option, value=text, expected="such as 2026-10-01 or 2026-10-01T12:00Z"
        ) from error
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def _told(done: AppendReport | IngestReport) -> str:
    """What became of observations, in words."""
    parts = [f"{done.stored:,} stored"]
    for count, word in ((done.duplicates, "duplicates"), (done.corrected, "corrected"), (done.late, "late")):
        if count:
            parts.append(f"{count:,} {word}")
    parts += [f"{count:,} turned away ({reason})" for reason, count in sorted(done.rejected.items())]
    return ", ".join(parts)
