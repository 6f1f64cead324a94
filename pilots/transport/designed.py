"""The service of a scenario as riders would find it: its stops, hours and booking, ready to publish."""

from __future__ import annotations

from datetime import date

import pandas as pd
from pyproj import Transformer

from pilots.transport.area import Area
from pilots.transport.gtfs_flex import PRIOR_DAYS, REAL_TIME, Booking, FlexService
from pilots.transport.scenario import TransportScenario


def designed_service(
    area: Area,
    scenario: TransportScenario,
    *,
    agency: str,
    agency_url: str,
    timezone: str,
    first_day: date,
    last_day: date,
) -> FlexService:
    """What a scenario offers, as ``write_flex`` publishes it.

    Args:
        area: Stops of the cities, virtual ones included.
        scenario: Hours, zones and booking.
        agency: Name of the operator.
        agency_url: Page of the operator.
        timezone: IANA name of the time zone.
        first_day: First day of the timetable.
        last_day: Last day of the timetable.

    Returns:
        The service, every day of the week, from any of its stops to any other.
    """
    stops = area.stops
    if scenario.districts_served:
        inside = area.cells[area.cells["district_id"].isin(scenario.districts_served)]
        stops = stops.iloc[sorted(set(inside["stop"]))]
    to_degrees = Transformer.from_crs(area.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(stops["x_m"].to_numpy(), stops["y_m"].to_numpy())
    return FlexService(
        id="on-demand",
        name="On-demand transport",
        agency=agency,
        agency_url=agency_url,
        timezone=timezone,
        start_s=3600 * scenario.service_start_h,
        end_s=3600 * scenario.service_end_h,
        days=(True,) * 7,
        first_day=first_day,
        last_day=last_day,
        booking=Booking(kind=PRIOR_DAYS if scenario.prebooked_share == 1 else REAL_TIME),
        stops=pd.DataFrame(
            {
                "stop_id": (stops["city"] + ":" + stops["stop_id"]).to_numpy(),
                "stop_name": stops["name"].to_numpy(),
                "stop_lat": lat.round(6),
                "stop_lon": lon.round(6),
            }
        ),
    )
