"""The educational buildings of one city in one run: rooms, heat, meters, sensors.

Rooms are simulated before the run begins, since neither trees nor weather change what people breathe; heat
goes on day by day, under the shade and the street's air as other pilots tell them, and every window the
meters are read.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from geodata.manifest import Grade
from pilots.buildings.air.balance import relative_humidity_percent
from pilots.buildings.indicators.energy import PRIMARY_FACTORS
from pilots.buildings.metered import NOTHING, meter_fit
from pilots.buildings.monitoring import Watch, watch
from pilots.buildings.operation import (
    STEPS_PER_HOUR,
    HourlyUse,
    Rooms,
    design_heat_w,
    hourly_use,
    run_school_rooms,
)
from pilots.buildings.outcome import Outcome, RoomFigures, figures_of, outcome_kpis
from pilots.buildings.site_weather import ground_temperature_c, with_heat_wave
from pilots.buildings.stock.calendar import Calendar, Use, calendar
from pilots.buildings.stock.school import School, zone_of
from pilots.buildings.thermal.runs import DetailedBuildings, FastBuildings, ThermalRun
from pilots.buildings.thermal.solar import Sun
from pilots.buildings.thermal.weather import Weather
from pilots.buildings.thermal.zone import AirFlow, Building, Conditioning, Gains
from twin.pilot import CityModel, Estimate
from twin.world import World

if TYPE_CHECKING:
    import simpy

    from pilots.buildings.measured import Measured
    from pilots.buildings.pilot import BuildingsScenario

Floats = NDArray[np.float64]

_DAY_H = 24
_RECOVERY_OF_NEW_UNIT = 0.75
_FAN_W_PER_L_S = 2.0
_SUPPLY_C = 18.0
_DISTRIBUTION_LOSS = 0.03
_COLD_ROOM_C = 12.0
"""Rooms whose heat is capped are at least this warm, for what is left after the supply air is warmed."""

_LEAFY = (5, 9)
"""First and last month in which trees have leaves."""

_RADIATOR_CONVECTIVE = 0.7
_WATCHED_ROOMS = 12
_WATCHED_DAYS = 60


@dataclass(frozen=True, eq=False)
class Site:
    """Where a city's buildings stand."""

    city: str
    timezone: str
    weather: Weather
    year_degree_days: float
    """Degree-days of the whole year of weather that the pack has."""
    notes: list[str]


class CityBuildings(CityModel):
    """The educational buildings of one city."""

    def __init__(
        self,
        site: Site,
        schools: list[School],
        scenario: BuildingsScenario,
        world: World,
        measured: Measured | None = None,
        metered_w: Floats | None = None,
    ) -> None:
        self.site, self.schools, self.scenario, self.world = site, schools, scenario, world
        self.measured = measured
        self.metered_w = metered_w
        self.hours = int(world.end_s // 3600)
        self._operation = scenario.operation()
        fine = pd.date_range(site.weather.start, periods=self.hours * STEPS_PER_HOUR, freq="5min")
        uses: set[Use] = {school.use for school in schools}
        self.calendars: dict[Use, Calendar] = {
            use: calendar(fine, site.timezone, use) for use in sorted(uses)
        }
        month = next(iter(self.calendars.values())).month[::STEPS_PER_HOUR]
        self._months = month
        self.weather = with_heat_wave(site.weather, scenario.heat_wave, month)
        self._rng = world.rng("rooms", site.city)
        self._sensor_rng = world.rng("sensors", site.city)
        self.figures: list[RoomFigures] = []
        self.use: list[HourlyUse] = []
        watched: list[Rooms] = []
        for school in schools:
            rooms = run_school_rooms(
                school,
                self.calendars[school.use],
                self.weather,
                self._operation,
                scenario.rooms_per_building,
                self._rng,
            )
            self.figures.append(figures_of(rooms))
            self.use.append(
                hourly_use(school, rooms, self.calendars[school.use], self.weather, self._operation)
            )
            if sum(kept.people.shape[1] for kept in watched) < _WATCHED_ROOMS:
                watched.append(rooms)
        self._watched = watched
        self._buildings = [self._building(school, use) for school, use in zip(schools, self.use, strict=True)]
        self._thermal = self._thermal_run()
        shape = (self.hours, len(schools))
        self.air_c, self.radiant_c = np.full(shape, np.nan), np.full(shape, np.nan)
        self.heat_w, self.electric_w = np.full(shape, np.nan), np.full(shape, np.nan)
        self.canopy = np.ones(shape)
        self._done = 0
        for signal in ("heat_power_of_school", "electric_power_of_school"):
            world.signals.label(signal, site.city, [school.id for school in schools])

    def run(self) -> Generator[simpy.Event, Any, None]:
        """Go on by a day at the first window of each, and read the meters at every window's end."""
        signals, city = self.world.signals, self.site.city
        names = signals.labels("window_transmittance", city)
        order = None if names is None else [names.index(s.id) if s.id in names else -1 for s in self.schools]
        while True:
            window = yield self.world.turn()
            if window.end_s > self._done * 3600:
                self._go_on(order)
            hour = min(int(window.start_s // 3600), self.hours - 1)
            for name, power_w in (
                ("heat_power", self.heat_w[hour]),
                ("electric_power", self.electric_w[hour]),
            ):
                signals.write(f"school_{name}", city, float(power_w.sum()) / 1000.0)
                signals.write(f"{name}_of_school", city, power_w / 1000.0)

    def _go_on(self, order: list[int] | None) -> None:
        """One day of heat, under the shade and the air that are known by now."""
        signals, city = self.world.signals, self.site.city
        shade = signals.read("window_transmittance", city)
        offset = signals.read("canopy_air_temperature_offset", city)
        month = int(self._months[self._done])
        leafless = not _LEAFY[0] <= month <= _LEAFY[1]
        canopy = np.full(len(self.schools), 1.0 if leafless else 1.0 - self.scenario.tree_shade)
        if shade is not None and order is not None:
            canopy = np.array([float(np.atleast_1d(shade)[place]) if place >= 0 else 1.0 for place in order])
        warmer = 0.0 if offset is None else float(np.atleast_1d(offset)[0])
        first, last = self._done, min(self._done + _DAY_H, self.hours)
        done = self._thermal.advance(first, last, canopy, warmer)
        rows = slice(first, last)
        self.air_c[rows], self.radiant_c[rows], self.canopy[rows] = done.air_c, done.radiant_c, canopy
        water = np.column_stack([use.hot_water_w[rows] for use in self.use])
        self.heat_w[rows] = (done.heating_w + done.coil_w + water) / (1.0 - _DISTRIBUTION_LOSS)
        self.electric_w[rows] = np.column_stack(
            [
                use.lighting_w[rows] + use.equipment_w[rows] + self._fans_w(k, rows)
                for k, use in enumerate(self.use)
            ]
        )
        self._done = last

    def _fans_w(self, k: int, rows: slice) -> Floats:
        per_l_s = self.schools[k].archetype.fan_w_per_l_s or _FAN_W_PER_L_S
        return self.use[k].mechanical_m3_s[rows] * 1000.0 * per_l_s

    def _thermal_run(self) -> ThermalRun:
        if self.scenario.thermal_model == "detailed":
            return DetailedBuildings(self._buildings, self.weather)
        return FastBuildings(self._buildings, self.weather)

    def _building(self, school: School, use: HourlyUse) -> Building:
        """A building with its use."""
        operation, zone = self._operation, zone_of(school)
        recovery = school.archetype.heat_recovery
        if operation.ventilation != "as_built":
            recovery = max(recovery, _RECOVERY_OF_NEW_UNIT)
        loss = sum(
            surface.opaque_area_m2 * surface.construction.u_value_w_m2k
            + sum(window.area_m2 for window in surface.windows) * school.archetype.window_u
            for surface in zone.surfaces
            if surface.boundary == "outdoor"
        )
        loss += zone.thermal_bridges_w_k + 0.34 * school.leaks_per_h * school.volume_m3
        capacity = np.full(
            self.hours, design_heat_w(school, loss, float(use.mechanical_m3_s.max(initial=0.0)))
        )
        if operation.heat_cap_w_m2 > 0:
            capacity = np.minimum(capacity, self._left_for_rooms_w(school, use, recovery))
        lamps = use.lighting_w + use.equipment_w
        used = replace(
            zone,
            conditioning=Conditioning(
                heating_setpoint_c=use.heating_setpoint_c,
                heating_capacity_w=capacity,
                convective_share=_RADIATOR_CONVECTIVE,
            ),
            air=AirFlow(
                infiltration_per_h=school.leaks_per_h,
                windows_m3_s=use.windows_m3_s,
                mechanical_m3_s=use.mechanical_m3_s,
                heat_recovery=recovery,
                supply_minimum_c=_SUPPLY_C if recovery > 0 else -np.inf,
            ),
            gains=Gains(0.5 * (use.people_w + lamps), 0.5 * (use.people_w + lamps)),
        )
        return Building((used,), ground_temperature_c=ground_temperature_c(self.weather.air_temperature_c))

    def _left_for_rooms_w(self, school: School, use: HourlyUse, recovery: float) -> Floats:
        """What a cap on heat leaves for radiators after hot water and the supply air, hour by hour."""
        drawn = self._operation.heat_cap_w_m2 * school.floor_area_m2 * (1.0 - _DISTRIBUTION_LOSS)
        outdoor = self.weather.air_temperature_c
        recovered = outdoor + recovery * (_COLD_ROOM_C - outdoor)
        coil = 1200.0 * use.mechanical_m3_s * np.maximum(_SUPPLY_C - recovered, 0.0) * (recovery > 0)
        return np.asarray(np.maximum(drawn - use.hot_water_w - coil, 0.0))

    def outcome(self) -> Outcome:
        """What came about, building by building."""
        humidity = np.column_stack([use.humidity_ratio for use in self.use])
        return Outcome(
            schools=self.schools,
            figures=self.figures,
            use=self.use,
            months={use: c.month[::STEPS_PER_HOUR] for use, c in self.calendars.items()},
            outdoor_c=self.weather.air_temperature_c,
            air_c=self.air_c,
            radiant_c=self.radiant_c,
            relative_humidity_percent=relative_humidity_percent(humidity, self.air_c),
            heat_w=self.heat_w,
            electric_w=self.electric_w,
            canopy=self.canopy,
            year_degree_days=self.site.year_degree_days,
        )

    def watched(self) -> Watch:
        """Virtual sensors in some of the rooms, for up to two months."""
        people = np.hstack([rooms.people for rooms in self._watched])[:, :_WATCHED_ROOMS]
        planned = np.hstack([rooms.planned for rooms in self._watched])[:, :_WATCHED_ROOMS]
        steps = min(people.shape[0], _WATCHED_DAYS * _DAY_H * STEPS_PER_HOUR)
        flow = [(r.air.mechanical_m3_s + r.air.windows_m3_s) * 3600.0 / r.volume_m3 for r in self._watched]
        warm = np.repeat(self.air_c, STEPS_PER_HOUR, axis=0)[:steps]
        owner = np.repeat(np.arange(len(self._watched)), [r.people.shape[1] for r in self._watched])[
            :_WATCHED_ROOMS
        ]
        temperature = warm[:, owner] + self._sensor_rng.normal(0.0, 0.4, owner.size)
        humidity = np.hstack([r.air.humidity_ratio for r in self._watched])[:steps, :_WATCHED_ROOMS]
        start = pd.Timestamp(self.weather.start)
        zone = start.tz_convert(self.site.timezone).utcoffset()
        return watch(
            start.as_unit("ns").value + np.arange(steps, dtype=np.int64) * 300_000_000_000,
            {
                "co2": np.hstack([r.air.co2_ppm for r in self._watched])[:steps, :_WATCHED_ROOMS],
                "temperature": temperature,
                "relative_humidity": relative_humidity_percent(humidity, temperature),
            },
            people[:steps],
            planned[:steps],
            np.hstack(flow)[:steps, :_WATCHED_ROOMS],
            owner,
            self._sensor_rng,
            zone.total_seconds() / 3600.0 if zone else 0.0,
        )

    def kpis(self) -> Mapping[str, float | Estimate]:
        """All indicators of the city."""
        seen = self.watched()
        given: dict[str, float | Estimate] = dict(
            outcome_kpis(self.outcome(), self.scenario, self._sensor_rng)
        )
        given |= {
            "sensor_availability": seen.availability_percent,
            "sensor_longest_gap": seen.longest_gap_h,
            "fault_detection_f1": seen.f1,
            **{f"forecast_skill_{ahead}": skill for ahead, skill in seen.forecast_skill.items()},
            "air_change_tracking_error": seen.air_change_error_percent,
            "measured_co2_exceedance": float("nan")
            if self.measured is None
            else self.measured.exceedance_percent,
        }
        return given | self._meter_kpis()

    def _meter_kpis(self) -> dict[str, float | Estimate]:
        """How the simulated heat meets the pack's meters."""
        water = np.column_stack([use.hot_water_w for use in self.use])
        met = NOTHING
        if self.metered_w is not None:
            sun = Sun(self.weather, 1, instant=0.5)
            met = meter_fit(self.metered_w, self.heat_w, self._buildings, water, sun)
        return {
            "heat_model_cv_rmse": met.cv_rmse_percent,
            "heat_model_nmbe": met.nmbe_percent,
            "heat_models_calibrated": met.calibrated_percent,
        }

    def data(self) -> xr.Dataset:
        """Hourly heat, power and warmth of each building, and what it is."""
        start = pd.Timestamp(self.weather.start).tz_convert("UTC").tz_localize(None)
        time = pd.date_range(start, periods=self.hours, freq="h")
        dims = ("time", "school_id")
        outcome = self.outcome()
        data = xr.Dataset(
            {
                "heat_power": (dims, self.heat_w / 1000.0, {"units": "kW", "long_name": "heat supplied"}),
                "electric_power": (
                    dims,
                    self.electric_w / 1000.0,
                    {"units": "kW", "long_name": "electric power"},
                ),
                "operative_temperature": (
                    dims,
                    0.5 * (self.air_c + self.radiant_c),
                    {"units": "degC", "long_name": "operative temperature"},
                ),
                "relative_humidity": (
                    dims,
                    outcome.relative_humidity_percent,
                    {"units": "%", "long_name": "relative humidity in teaching rooms"},
                ),
                "lesson_co2": (
                    dims,
                    np.column_stack([figure.hourly_lesson_ppm for figure in self.figures]),
                    {"units": "ppm", "long_name": "carbon dioxide in lessons, mean over rooms"},
                ),
                "people": (
                    dims,
                    np.column_stack([use.people for use in self.use]),
                    {"units": "1", "long_name": "persons in teaching rooms"},
                ),
                **self._of_buildings(outcome),
            },
            coords={
                "time": time,
                "school_id": [s.id for s in self.schools],
                "school_name": ("school_id", [s.name or s.id for s in self.schools]),
            },
        )
        if self.measured is not None:
            data["measured_week_co2"] = (
                "hour_of_week",
                self.measured.week_ppm,
                {"units": "ppm", "origin": "measured", "grade": self.measured.grade},
            )
            data["simulated_week_co2"] = ("hour_of_week", self._week_ppm(), {"units": "ppm"})
            data["hour_of_week"] = ("hour_of_week", np.arange(168), {"units": "h"})
        data.attrs["notes"] = self._notes()
        return data

    def _of_buildings(self, outcome: Outcome) -> dict[str, tuple[str, Any, dict[str, Any]]]:
        """What is known of each building and how it came off, with the grade of what is known."""
        floor = outcome.floor_m2
        of: dict[str, tuple[Any, str, str]] = {
            "floor_area": (floor, "m2", "heated floor"),
            "year_built": ([float(s.year_built) for s in self.schools], "a", "year of completion"),
            "pupils": ([s.pupils for s in self.schools], "1", "pupils"),
            "heat_of_building": (outcome.heat_w.sum(axis=0) / 1000.0 / floor, "kWh/m2", "heat of the run"),
            "electricity_of_building": (
                outcome.electric_w.sum(axis=0) / 1000.0 / floor,
                "kWh/m2",
                "electricity of the run",
            ),
            "energy_class": (outcome.energy_class_index(), "1", "indicative energy class, A is 1"),
            "co2_exceedance_of_building": (
                [figure.lesson_share_above for figure in self.figures],
                "%",
                "lesson time above 1000 ppm",
            ),
            "wellbeing_of_building": ([s.score for s in outcome.scores()], "1", "five-layer score"),
            **{
                f"tail_{name}": (categories, "1", f"schoolTAIL category of {name}, I is 1, 0 is unknown")
                for name, categories in outcome.held_categories().items()
            },
        }
        told: dict[str, tuple[str, Any, dict[str, Any]]] = {
            name: ("school_id", np.asarray(values, dtype=np.float64), {"units": unit, "long_name": words})
            for name, (values, unit, words) in of.items()
        }
        for value in sorted({value for school in self.schools for value in school.grades}):
            ranks = [Grade(school.grades[value]).rank for school in self.schools]
            about = {"units": "1", "long_name": f"grade of {value}", "flag_values": list(range(len(Grade)))}
            about["flag_meanings"] = " ".join(Grade)
            told[f"grade_of_{value}"] = ("school_id", np.array(ranks, dtype=np.int64), about)
        return told

    def _week_ppm(self) -> Floats:
        """Mean carbon dioxide of the simulated rooms by hour of the local week."""
        calendar_ = next(iter(self.calendars.values()))
        slot = (calendar_.weekday * 24 + calendar_.hour.astype(int))[::STEPS_PER_HOUR]
        mean = np.mean([figure.hourly_ppm for figure in self.figures], axis=0)
        count = np.bincount(slot, minlength=168)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.bincount(slot, weights=mean, minlength=168) / count)

    def _notes(self) -> list[str]:
        notes = [f"Weather: {note}." for note in self.site.notes]
        unknown = sum(school.grades.get("year_built") == "synthetic" for school in self.schools)
        if unknown:
            notes.append(
                f"Years of construction of {unknown} of {len(self.schools)} buildings are drawn, not known."
            )
        boxes = sum(school.grades.get("shape") == "synthetic" for school in self.schools)
        if boxes:
            notes.append(f"{boxes} of {len(self.schools)} buildings are boxes of their type's usual shape.")
        notes.append(
            "Renovations are drawn from shares of the stock; the energy class is indicative, no certificate."
        )
        untouched = sum(school.renovation == "as_built" for school in self.schools)
        notes.append(
            f"Energy: {untouched} of {len(self.schools)} buildings stand as they were built. Heat counts as "
            f"from an efficient network (factor {PRIMARY_FACTORS['efficient_district_heat']:g}); valves and "
            "clocks are taken to work as set and pipes to lose nothing, so that meters usually show more."
        )
        return notes

    def balances(self) -> Mapping[str, tuple[float, float]]:
        """Hours asked for and hours simulated."""
        return {"hours": (float(self.hours), float(np.isfinite(self.heat_w).all(axis=1).sum()))}
