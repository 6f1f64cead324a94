"""From a city's pack to what its site sees: prices, sun, wind, load, and where each of them comes from.

No pack of a real city has all of it for one year. What there is is used and named with its grade; years are
laid over one another by whole weeks, so that a Monday stays a Monday; what is missing is declared, never
guessed in silence.

Chance enters in two places. Each repetition of a run draws every week of the year from the five weeks
around it, sun, wind, price and load together (a moving-block bootstrap, Künsch 1989, doi
10.1214/aos/1176347265), the first one takes the year as it is; and outages come as a Poisson process.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import InvalidData
from pilots.microgrid.plants import coefficient_of_performance, lamps_lit, solar_per_kw, wind_per_kw
from pilots.microgrid.scenario import MicrogridScenario
from twin.packs import PackView

Floats = NDArray[np.float64]

WEEK_H = 7 * 24
YEAR_H = 52 * WEEK_H
SHIFTS = 2
"""Weeks before and after from which a drawn week may come."""

AT_HOME = (3, 2, 2, 2, 2, 3, 5, 7, 6, 5, 5, 5, 5, 5, 5, 6, 7, 9, 10, 10, 9, 8, 6, 4)
AT_WORK = (2, 2, 2, 2, 2, 2, 3, 5, 9, 10, 10, 10, 10, 10, 10, 9, 8, 6, 4, 3, 3, 2, 2, 2)
AT_SCHOOL = (1, 1, 1, 1, 1, 1, 2, 5, 10, 10, 10, 10, 10, 9, 7, 5, 4, 3, 2, 2, 1, 1, 1, 1)
ALL_DAY = (9, 9, 9, 9, 9, 9, 9, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 9, 9, 9, 9, 9, 9)
WEEKEND = {"homes": 1.1, "offices": 0.4, "schools": 0.25, "industry": 0.8}
SHAPES = {"homes": AT_HOME, "offices": AT_WORK, "schools": AT_SCHOOL, "industry": ALL_DAY}
"""Shapes of a working day by local hour: assumptions, used where a pack has no load of that kind."""
METERS = {
    "homes": ("apartment-house", "row-houses", "homes"),
    "offices": ("office-house", "supermarket", "offices"),
    "schools": ("school", "schools"),
    "industry": ("cold-store", "industry"),
}
"""Series of a pack that stand for a kind of member, by id."""


@dataclass(frozen=True, eq=False)
class SiteInputs:
    """What a site sees, one value a step.

    Attributes:
        members: Load of each member, kW.
        price_eur_per_kwh: Day-ahead price.
        solar_per_kw: Output of a solar plant per kW.
        wind_per_kw: Output of a wind plant per kW; zeros where the city has no wind turbines.
        temperature_c: Air temperature.
        lit: Share of each step in which street lamps burn.
        has_wind: Whether the city has wind turbines.
        notes: Where each of these comes from.
    """

    members: dict[str, Floats]
    price_eur_per_kwh: Floats
    solar_per_kw: Floats
    wind_per_kw: Floats
    temperature_c: Floats
    lit: Floats
    has_wind: bool
    notes: list[str] = field(default_factory=list)


class _Year:
    """A table of hours, read at any time by whole weeks before or after."""

    def __init__(self, city: str, kind: str, time: pd.Series, step_h: float) -> None:
        stamps = pd.DatetimeIndex(time)
        self.first = stamps[0]
        hours = (stamps - self.first) / pd.Timedelta(hours=1)
        self.count = len(stamps)
        wrong = np.flatnonzero(np.abs(np.diff(hours) - step_h) > 1e-6)
        if len(wrong):
            raise InvalidData(
                f"the {kind} of {city} has a gap or a repeated hour after {stamps[wrong[0]]}",
                field="time", row=int(wrong[0]) + 2, value=str(stamps[wrong[0] + 1]),
                expected=f"steps of {step_h:g} h",
            )  # fmt: skip
        if self.count * step_h < WEEK_H:
            raise InvalidData(
                f"the {kind} of {city} covers less than a week", field="time", value=f"{self.count} rows"
            )
        self.step_h = step_h
        weeks = int(self.count * step_h // WEEK_H)
        self.period_h = min(YEAR_H, weeks * WEEK_H)

    def rows(self, wanted: pd.DatetimeIndex, shift_h: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of the table for each wanted time, after a shift by whole weeks."""
        hours = ((wanted - self.first) / pd.Timedelta(hours=1)).to_numpy() + shift_h
        length = self.count * self.step_h
        outside = (hours < 0) | (hours >= length)
        hours = np.where(outside, hours % self.period_h, hours)
        return np.floor(hours / self.step_h + 1e-9).astype(np.int64)


def read_inputs(
    pack: PackView,
    scenario: MicrogridScenario,
    time: pd.DatetimeIndex,
    rng: np.random.Generator,
    replication: int,
) -> SiteInputs:
    """What a site in a city sees over the steps that begin at ``time`` (UTC).

    Args:
        pack: The city's pack.
        scenario: What the planner set.
        time: Starts of the steps.
        rng: Draws the weeks of the year, but in the first repetition.
        replication: Number of the repetition.
    """
    notes: list[str] = []
    step_h = float(scenario.step_min) / 60.0
    shift = _drawn_weeks(time, rng, replication)
    latitude, longitude = _place(pack)
    weather = pack.table(
        "weather", ["time", "temperature_c", "wind_speed_m_s", "ghi_w_m2", "dni_w_m2", "dhi_w_m2"]
    )
    year = _Year(pack.city.id, "weather", weather["time"], _step_h(weather["time"]))
    rows = year.rows(time, shift)
    notes.append(_origin(pack, "weather", "Weather"))
    sun = solar_per_kw(weather, latitude, longitude, scenario.tilt_deg, scenario.azimuth_deg, year.step_h)[
        rows
    ]
    has_wind = _has_wind(pack)
    wind = np.zeros(len(time))
    if has_wind and scenario.wind_kw > 0.0:
        speeds = weather["wind_speed_m_s"].to_numpy(np.float64)
        wind = wind_per_kw(speeds, scenario.turbine, scenario.hub_height_m, scenario.roughness_m)[rows]
    elif scenario.wind_kw > 0.0:
        notes.append("No wind plant: the pack has no wind turbines in this city.")
    temperature = weather["temperature_c"].to_numpy(np.float64)[rows]
    lit = lamps_lit(time, latitude, longitude, step_h)
    calm = _calm(scenario, time)
    price = _prices(pack, scenario, time, shift, notes)
    members = _members(pack, scenario, time, shift, lit, notes)
    members |= _heat_pump(scenario, np.where(calm, temperature - 10.0, temperature), time, notes)
    if scenario.step_min != "60" and year.step_h == 1.0:
        notes.append(
            "Steps are shorter than the hours of weather and load: peaks within the hour are not in the data."
        )
    return SiteInputs(
        members, price, np.where(calm, 0.15 * sun, sun), np.where(calm, 0.0, wind),
        np.where(calm, temperature - 10.0, temperature), lit, has_wind, notes,
    )  # fmt: skip


def _place(pack: PackView) -> tuple[float, float]:
    middle = pack.features("boundary").to_crs("EPSG:4326").union_all().centroid
    return float(middle.y), float(middle.x)


def _drawn_weeks(time: pd.DatetimeIndex, rng: np.random.Generator, replication: int) -> NDArray[np.int64]:
    hours = ((time - time[0]) / pd.Timedelta(hours=1)).to_numpy()
    week = (hours // WEEK_H).astype(np.int64)
    drawn = rng.integers(-SHIFTS, SHIFTS + 1, int(week[-1]) + 1)
    shift = np.zeros(len(time), np.int64) if replication == 0 else drawn[week] * WEEK_H
    return np.asarray(shift, np.int64)


def _step_h(time: pd.Series) -> float:
    return float((time.iloc[1] - time.iloc[0]) / pd.Timedelta(hours=1))


def _origin(pack: PackView, dataset: str, title: str) -> str:
    told = pack.dataset(dataset).provenance
    return f"{title}: {told.grade}, {told.source}."


def _has_wind(pack: PackView) -> bool:
    return pack.has("generators") and bool((pack.table("generators", ["source"])["source"] == "wind").any())


def _calm(scenario: MicrogridScenario, time: pd.DatetimeIndex) -> NDArray[np.bool_]:
    day = ((time - time[0]) / pd.Timedelta(days=1)).to_numpy() - scenario.cold_windless_from_day
    return np.asarray((day >= 0) & (day < scenario.cold_windless_days), np.bool_)


def _prices(
    pack: PackView,
    scenario: MicrogridScenario,
    time: pd.DatetimeIndex,
    shift: NDArray[np.int64],
    notes: list[str],
) -> Floats:
    table = pack.table("prices", ["time", "price_eur_per_mwh"])
    year = _Year(pack.city.id, "prices", table["time"], _step_h(table["time"]))
    price = table["price_eur_per_mwh"].to_numpy(np.float64)[year.rows(time, shift)] / 1000.0
    notes.append(_origin(pack, "prices", "Prices"))
    price = price * scenario.price_factor
    dear = price >= np.quantile(price, 0.95)
    return np.asarray(np.where(dear, price * scenario.price_spike_factor, price), np.float64)


def _members(
    pack: PackView, scenario: MicrogridScenario, time: pd.DatetimeIndex, shift: NDArray[np.int64],
    lit: Floats,
    notes: list[str],
) -> dict[str, Floats]:  # fmt: skip
    table = pack.table("load", ["series_id", "time", "power_kw"]) if pack.has("load") else None
    local = time.tz_convert(pack.city.timezone)
    members: dict[str, Floats] = {}
    for kind in SHAPES:
        yearly_kwh = 1000.0 * getattr(scenario, f"{kind}_mwh")
        if yearly_kwh <= 0.0:
            continue
        shape = None if table is None else _metered(pack, table, METERS[kind], time, shift)
        if shape is None:
            shape = _assumed(pack, table, kind, time, local, shift)
            season = "" if table is None else ", its season that of the pack's largest load"
            notes.append(
                f"Load of {kind}: assumed shape of the day{season}; "
                f"scaled to {yearly_kwh / 1000:g} MWh a year."
            )
        else:
            grade = pack.dataset("load").provenance.grade
            notes.append(
                f"Load of {kind}: {grade} shape of the pack, scaled to {yearly_kwh / 1000:g} MWh a year."
            )
        members[kind] = shape * yearly_kwh / 8760.0
    if table is not None:
        notes.append(_origin(pack, "load", "The pack's load"))
    if scenario.street_lighting_kw > 0.0:
        members["street_lighting"] = lit * scenario.street_lighting_kw
        notes.append("Load of street lighting: derived, on while the sun is more than 2 degrees down.")
    return members


def _metered(
    pack: PackView,
    table: pd.DataFrame,
    ids: tuple[str, ...],
    time: pd.DatetimeIndex,
    shift: NDArray[np.int64],
) -> Floats | None:
    """Load relative to its mean, from the pack's own series of that kind."""
    found = table[table["series_id"].isin(ids)]
    if found.empty:
        return None
    power = found.groupby("time", sort=True)["power_kw"].sum().reset_index()
    year = _Year(pack.city.id, "load", power["time"], _step_h(power["time"]))
    values = power["power_kw"].to_numpy(np.float64)
    return np.asarray(values[year.rows(time, shift)] / values.mean(), np.float64)


def _assumed(
    pack: PackView, table: pd.DataFrame | None, kind: str, time: pd.DatetimeIndex, local: pd.DatetimeIndex,
    shift: NDArray[np.int64],
) -> Floats:  # fmt: skip
    """An assumed shape of the day, its height day by day from whatever load the pack has."""
    shape = np.array(SHAPES[kind], np.float64)
    values = shape[local.hour] / shape.mean() * np.where(local.day_of_week >= 5, WEEKEND[kind], 1.0)
    mean = (5.0 + 2.0 * WEEKEND[kind]) / 7.0
    values = values / mean
    if table is None or table.empty:
        return np.asarray(values, np.float64)
    largest = table.groupby("series_id")["power_kw"].mean().idxmax()
    power = table[table["series_id"] == largest].sort_values("time")
    year = _Year(pack.city.id, "load", power["time"], _step_h(power["time"]))
    kw = power["power_kw"].to_numpy(np.float64)
    around = np.convolve(np.pad(kw, WEEK_H // 2, mode="wrap"), np.full(WEEK_H, 1.0 / WEEK_H), "same")
    weekly = around[WEEK_H // 2 : WEEK_H // 2 + len(kw)]
    return np.asarray(values * weekly[year.rows(time, shift)] / kw.mean(), np.float64)


def _heat_pump(
    scenario: MicrogridScenario, temperature_c: Floats, time: pd.DatetimeIndex, notes: list[str]
) -> dict[str, Floats]:
    if scenario.school_heat_mwh <= 0.0:
        return {}
    degrees = np.maximum(17.0 - temperature_c, 0.0)
    hours = len(time) * float(scenario.step_min) / 60.0
    yearly = max(degrees.mean() * 8760.0, 1e-9) if hours >= 8000 else 4300.0 * 24.0
    heat_kw = scenario.school_heat_mwh * 1000.0 * degrees / yearly
    notes.append(
        "Heat of schools: derived from degree-hours below 17 °C; heat pumps by the air's temperature."
    )
    return {"heat_pumps": heat_kw / coefficient_of_performance(temperature_c)}


def outages(scenario: MicrogridScenario, steps: int, rng: np.random.Generator) -> Floats:
    """Share of each step in which the grid is there; outages are a Poisson process."""
    step_h = float(scenario.step_min) / 60.0
    hours = steps * step_h
    count = int(rng.poisson(scenario.outages_per_year * hours / 8760.0))
    begins = rng.uniform(0.0, hours, count)
    lengths = rng.exponential(scenario.outage_mean_h, count)
    if scenario.outage_from_h >= 0.0:
        begins, lengths = np.append(begins, scenario.outage_from_h), np.append(lengths, scenario.outage_h)
    there = np.ones(steps)
    edges = np.arange(steps) * step_h
    for begin, length in zip(begins, lengths, strict=True):
        overlap = np.minimum(edges + step_h, begin + length) - np.maximum(edges, begin)
        there -= np.clip(overlap, 0.0, step_h) / step_h
    return np.clip(there, 0.0, 1.0)


def street_network(scenario: MicrogridScenario, lit: Floats) -> Floats:
    """Share of the import limit that is there: that of the street lamps' network only while none burns."""
    if scenario.connection_kw <= 0.0 or scenario.street_network_kw <= 0.0:
        return np.ones(len(lit))
    whole = scenario.connection_kw + scenario.street_network_kw
    return (scenario.connection_kw + scenario.street_network_kw * (1.0 - lit)) / whole
