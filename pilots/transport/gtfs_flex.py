"""The designed service as the rest of the world reads it: GTFS with its Flex files, out and in.

Journey planners show an on-demand service if its operator publishes where and when it runs and how it is
booked. ``write_flex`` writes such a feed; ``read_flex`` reads one, from us or from anybody, so that a
service that already runs can be simulated.

Source: GTFS Schedule Reference, gtfs.org (Flex adopted in March 2024): ``booking_rules.txt``,
``locations.geojson``, ``location_groups.txt``, ``location_group_stops.txt`` and the windows of
``stop_times.txt``.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from geodata.errors import InvalidInput, UnreadableSource

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
REAL_TIME, SAME_DAY, PRIOR_DAYS = 0, 1, 2
_NOT, _BY_BOOKING = 1, 2  # pickup_type and drop_off_type
_EPOCH = (1980, 1, 1)  # the same bytes whenever a feed is written


@dataclass(frozen=True)
class Booking:
    """How rides are booked.

    Attributes:
        kind: ``REAL_TIME``, ``SAME_DAY`` or ``PRIOR_DAYS``.
        notice_min: Minutes of notice needed, for ``SAME_DAY``.
        last_day: Days before the ride by which it must be booked, for ``PRIOR_DAYS``.
        last_time_s: Second of that day by which it must be booked.
        phone: Number to call.
        url: Page about booking.
        message: What riders are told.
    """

    kind: int = REAL_TIME
    notice_min: int = 0
    last_day: int = 1
    last_time_s: float = 17 * 3600.0
    phone: str = ""
    url: str = ""
    message: str = ""


@dataclass(frozen=True)
class FlexService:
    """An on-demand service as published.

    Attributes:
        id: Id of the route.
        name: What riders know it as.
        agency: Name of the operator.
        agency_url: Page of the operator.
        timezone: IANA name of the time zone.
        start_s: First second of the day at which riders are picked up.
        end_s: Last second of the day at which riders are set down.
        days: Days of service, Monday first.
        first_day: First day of the timetable.
        last_day: Last day of the timetable.
        booking: How rides are booked.
        zones: Areas by id in which riders are picked up and set down anywhere, in WGS 84.
        stops: Virtual stops: columns ``stop_id``, ``stop_name``, ``stop_lat``, ``stop_lon``; served from any
            to any.
        language: Language of names, ISO 639-1.
    """

    id: str
    name: str
    agency: str
    agency_url: str
    timezone: str
    start_s: float
    end_s: float
    days: tuple[bool, ...]
    first_day: date
    last_day: date
    booking: Booking
    zones: Mapping[str, BaseGeometry] = field(default_factory=dict)
    stops: pd.DataFrame | None = None
    language: str = "et"

    def __post_init__(self) -> None:
        if not self.zones and (self.stops is None or self.stops.empty):
            raise InvalidInput("an on-demand service needs zones or stops", field="zones", value="none")
        if not 0 <= self.start_s < self.end_s:
            raise InvalidInput(
                "the hours of service are empty",
                field="end_s",
                value=self.end_s,
                expected=f"after {self.start_s}",
            )
        if len(self.days) != len(DAYS) or not any(self.days):
            raise InvalidInput("days of service are seven, one at least", field="days", value=self.days)


def write_flex(services: Sequence[FlexService], path: str | Path) -> Path:
    """Write a GTFS feed with Flex files; the same services give the same bytes.

    Args:
        services: The services.
        path: The zip file to write.

    Returns:
        The path.

    Raises:
        InvalidInput: There is no service, or two share an id.
    """
    ids = [service.id for service in services]
    if not ids or len(set(ids)) < len(ids):
        raise InvalidInput("a feed needs services with ids of their own", field="id", value=ids)
    tables = {name: pd.DataFrame(rows) for name, rows in _tables(services).items()}
    path = Path(path)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as feed:
        for name, table in tables.items():
            if not table.empty:
                text = table.to_csv(index=False, lineterminator="\n")
                feed.writestr(zipfile.ZipInfo(f"{name}.txt", (*_EPOCH, 0, 0, 0)), text)
        zones = [
            {"type": "Feature", "id": name, "properties": {"stop_name": name}, "geometry": mapping(zone)}
            for service in services
            for name, zone in sorted(service.zones.items())
        ]
        if zones:
            text = json.dumps({"type": "FeatureCollection", "features": zones}, ensure_ascii=False)
            feed.writestr(zipfile.ZipInfo("locations.geojson", (*_EPOCH, 0, 0, 0)), text)
    path.write_bytes(whole.getvalue())
    return path


def _tables(services: Sequence[FlexService]) -> dict[str, list[dict[str, Any]]]:
    first = services[0]
    tables: dict[str, list[dict[str, Any]]] = {
        "agency": [],
        "feed_info": [
            {
                "feed_publisher_name": first.agency,
                "feed_publisher_url": first.agency_url,
                "feed_lang": first.language,
                "feed_start_date": f"{min(s.first_day for s in services):%Y%m%d}",
                "feed_end_date": f"{max(s.last_day for s in services):%Y%m%d}",
                "feed_contact_url": first.agency_url,
            }
        ],
    }
    names = ("calendar", "routes", "trips", "stops", "location_groups", "location_group_stops")
    tables |= {name: [] for name in (*names, "booking_rules", "stop_times")}
    for service in services:
        _describe(service, tables)
        places = [("location_id", zone) for zone in sorted(service.zones)]
        if service.stops is not None and not service.stops.empty:
            places.append(("location_group_id", f"{service.id}-stops"))
            _list_stops(service, service.stops, tables)
        for origin in places:
            for destination in places:
                _add_trip(service, origin, destination, tables)
    tables["agency"] = list({row["agency_id"]: row for row in tables["agency"]}.values())
    return tables


def _describe(service: FlexService, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Agency, calendar, route and booking rule."""
    tables["agency"].append(
        {
            "agency_id": service.agency,
            "agency_name": service.agency,
            "agency_url": service.agency_url,
            "agency_timezone": service.timezone,
            "agency_lang": service.language,
        }
    )
    tables["calendar"].append(
        {
            "service_id": service.id,
            **{name: int(runs) for name, runs in zip(DAYS, service.days, strict=True)},
            "start_date": f"{service.first_day:%Y%m%d}",
            "end_date": f"{service.last_day:%Y%m%d}",
        }
    )
    tables["routes"].append(
        {
            "route_id": service.id,
            "agency_id": service.agency,
            "route_long_name": service.name,
            "route_type": 3,
        }
    )
    booking = service.booking
    tables["booking_rules"].append(
        {
            "booking_rule_id": f"{service.id}-booking",
            "booking_type": booking.kind,
            "prior_notice_duration_min": booking.notice_min if booking.kind == SAME_DAY else "",
            "prior_notice_last_day": booking.last_day if booking.kind == PRIOR_DAYS else "",
            "prior_notice_last_time": _clock(booking.last_time_s) if booking.kind == PRIOR_DAYS else "",
            "message": booking.message,
            "phone_number": booking.phone,
            "info_url": booking.url,
        }
    )


def _list_stops(service: FlexService, stops: pd.DataFrame, tables: dict[str, list[dict[str, Any]]]) -> None:
    group = f"{service.id}-stops"
    tables["location_groups"].append({"location_group_id": group, "location_group_name": service.name})
    known = {row["stop_id"] for row in tables["stops"]}
    for stop in stops.sort_values("stop_id", kind="stable").to_dict("records"):
        if stop["stop_id"] not in known:
            row = {name: stop[name] for name in ("stop_id", "stop_name", "stop_lat", "stop_lon")}
            tables["stops"].append(row)
        tables["location_group_stops"].append({"location_group_id": group, "stop_id": stop["stop_id"]})


def _add_trip(
    service: FlexService,
    origin: tuple[str, str],
    destination: tuple[str, str],
    tables: dict[str, list[dict[str, Any]]],
) -> None:
    trip = f"{service.id}:{origin[1]}>{destination[1]}"
    tables["trips"].append({"route_id": service.id, "service_id": service.id, "trip_id": trip})
    ends = ((origin, _BY_BOOKING, _NOT), (destination, _NOT, _BY_BOOKING))
    for sequence, (place, pickup, dropoff) in enumerate(ends, start=1):
        tables["stop_times"].append(
            {
                "trip_id": trip,
                "stop_sequence": sequence,
                "location_id": place[1] if place[0] == "location_id" else "",
                "location_group_id": place[1] if place[0] == "location_group_id" else "",
                "start_pickup_drop_off_window": _clock(service.start_s),
                "end_pickup_drop_off_window": _clock(service.end_s),
                "pickup_type": pickup,
                "drop_off_type": dropoff,
                "pickup_booking_rule_id": f"{service.id}-booking" if pickup == _BY_BOOKING else "",
                "drop_off_booking_rule_id": f"{service.id}-booking" if dropoff == _BY_BOOKING else "",
            }
        )


def _clock(second: float) -> str:
    whole = round(second)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def read_flex(path: str | Path) -> list[FlexService]:
    """Read the on-demand services of a GTFS feed.

    Args:
        path: A zip file.

    Returns:
        One service per route that has windows instead of times, in order of the routes' ids. Where trips of
        a route differ in hours, the service runs over all of them.

    Raises:
        UnreadableSource: The file is missing or is no feed.
        InvalidInput: The feed refers to something it does not hold.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as feed:
            tables = {
                Path(name).stem: pd.read_csv(feed.open(name), dtype=str, keep_default_na=False)
                for name in feed.namelist()
                if name.endswith(".txt") and feed.getinfo(name).file_size > 0
            }
            shapes = _shapes(feed)
    except (
        OSError,
        zipfile.BadZipFile,
        UnicodeDecodeError,
        json.JSONDecodeError,
        pd.errors.ParserError,
    ) as error:
        raise UnreadableSource("the feed cannot be read", file=path, hint=str(error)) from error
    for name in ("agency", "routes", "trips", "stop_times"):
        if name not in tables:
            raise UnreadableSource("the feed lacks a file", file=path, field=f"{name}.txt")
    times = tables["stop_times"]
    if "start_pickup_drop_off_window" not in times:
        return []
    times = times[times["start_pickup_drop_off_window"] != ""]
    times = times.merge(tables["trips"], on="trip_id").merge(tables["routes"], on="route_id")
    return [
        _service_of(path, str(route), rows, tables, shapes)
        for route, rows in times.groupby("route_id", sort=True)
    ]


def _shapes(feed: zipfile.ZipFile) -> dict[str, BaseGeometry]:
    if "locations.geojson" not in feed.namelist():
        return {}
    features = json.loads(feed.read("locations.geojson"))["features"]
    return {str(one["id"]): shape(one["geometry"]) for one in features}


def _service_of(
    path: Path,
    route: str,
    rows: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    shapes: Mapping[str, BaseGeometry],
) -> FlexService:
    def column(name: str) -> list[str]:
        return sorted({value for value in rows[name] if value}) if name in rows else []

    missing = [zone for zone in column("location_id") if zone not in shapes]
    if missing:
        raise InvalidInput(
            "a zone of the timetable is not on the map", file=path, field="location_id", value=missing[0]
        )
    agencies = tables["agency"]
    agency = agencies.iloc[0]
    if "agency_id" in agencies and column("agency_id"):
        agency = agencies[agencies["agency_id"] == column("agency_id")[0]].iloc[0]
    days, first_day, last_day = _calendar(path, column("service_id"), tables)
    return FlexService(
        id=route,
        name=(column("route_long_name") or column("route_short_name") or [route])[0],
        agency=str(agency["agency_name"]),
        agency_url=str(agency["agency_url"]),
        timezone=str(agency["agency_timezone"]),
        start_s=min(map(_second, column("start_pickup_drop_off_window"))),
        end_s=max(map(_second, column("end_pickup_drop_off_window"))),
        days=days,
        first_day=first_day,
        last_day=last_day,
        booking=_booking(column("pickup_booking_rule_id"), tables),
        zones={zone: shapes[zone] for zone in column("location_id")},
        stops=_stops(column("location_group_id"), tables),
        language=str(agency.get("agency_lang", "")) or "et",
    )


def _second(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return 3600.0 * int(hours) + 60.0 * int(minutes) + float(seconds)


def _calendar(
    path: Path, services: list[str], tables: Mapping[str, pd.DataFrame]
) -> tuple[tuple[bool, ...], date, date]:
    rows = tables["calendar"] if "calendar" in tables else pd.DataFrame(columns=["service_id"])
    rows = rows[rows["service_id"].isin(services)]
    if rows.empty:
        raise InvalidInput(
            "the feed has no calendar for its on-demand service",
            file=path,
            field="service_id",
            value=services,
        )
    days = tuple(bool((rows[name] == "1").any()) for name in DAYS)
    return days, _day(min(rows["start_date"])), _day(max(rows["end_date"]))


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _booking(rules: list[str], tables: Mapping[str, pd.DataFrame]) -> Booking:
    known = tables.get("booking_rules")
    if not rules or known is None:
        return Booking()
    rule = known[known["booking_rule_id"] == rules[0]].iloc[0].to_dict()
    kind = int(rule["booking_type"])
    return Booking(
        kind=kind,
        notice_min=int(rule.get("prior_notice_duration_min") or 0),
        last_day=int(rule.get("prior_notice_last_day") or 1),
        last_time_s=_second(rule.get("prior_notice_last_time") or "17:00:00"),
        phone=rule.get("phone_number", ""),
        url=rule.get("info_url", ""),
        message=rule.get("message", ""),
    )


def _stops(groups: list[str], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    if not groups:
        return None
    members = tables["location_group_stops"]
    members = members[members["location_group_id"].isin(groups)]
    stops = tables["stops"][tables["stops"]["stop_id"].isin(members["stop_id"])]
    stops = stops[["stop_id", "stop_name", "stop_lat", "stop_lon"]].reset_index(drop=True)
    return stops.astype({"stop_lat": float, "stop_lon": float})
