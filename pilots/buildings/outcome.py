"""From what came about in a city's buildings to its indicators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pilots.buildings.air.balance import OUTDOOR_PPM
from pilots.buildings.comfort.adaptive import beyond_adaptive_k, running_mean_c
from pilots.buildings.comfort.categories import (
    Categories,
    category_shares_percent,
    co2_category,
    humidity_category,
    temperature_category,
    worst_category,
)
from pilots.buildings.comfort.mean_vote import mean_vote
from pilots.buildings.indicators.air import (
    LIMIT_PPM,
    exceedance,
    mean_relative_risk,
    outdoor_air_per_person_l_s,
    ppm_hours,
)
from pilots.buildings.indicators.energy import (
    CLASS_LIMITS_KWH_M2,
    ENERGY_CLASSES,
    PRIMARY_FACTORS,
    degree_days,
    energy_class,
    peak_w_m2,
    weather_normalised_kwh,
)
from pilots.buildings.indicators.warmth import (
    SUMMER_LIMIT_K_H,
    discomfort_k_h,
    estonian_summer_k_h,
    overheating,
    votes,
)
from pilots.buildings.indicators.wellbeing import (
    Layered,
    Tail,
    held_category,
    layered_score,
    partial_tail,
    utility,
)
from pilots.buildings.monitoring import rooms_needed
from pilots.buildings.operation import STEPS_PER_HOUR, HourlyUse, Rooms
from pilots.buildings.stock.calendar import Use
from pilots.buildings.stock.school import School
from twin.pilot import Estimate

if TYPE_CHECKING:
    from pilots.buildings.pilot import BuildingsScenario

Floats = NDArray[np.float64]

_STEP_H = 1.0 / STEPS_PER_HOUR
_WINTER, _SUMMER = (10, 11, 12, 1, 2, 3, 4), (6, 7, 8)
_CLOTHES_CLO = (1.0, 0.7, 0.5)
_COMFORT_C = (20.0, 26.0)
_LEAST_DEGREE_DAYS = 50.0
_DAY_H = 24


@dataclass(frozen=True, eq=False)
class RoomFigures:
    """What is kept of the teaching rooms of a building."""

    lesson_share_above: float
    break_share_above: float
    lesson_hours: float
    break_hours: float
    ppm_hours: float
    risk: float
    risk_people: float
    room_share_above: Floats
    """Lesson time above the limit, room by room, %."""
    room_air_change_per_h: Floats
    room_l_s_person: Floats
    hourly_ppm: Floats
    """Mean over rooms, whole day, for comparison with sensors."""
    hourly_lesson_ppm: Floats
    """Mean over rooms in lessons; not a number in hours without."""


def figures_of(rooms: Rooms) -> RoomFigures:
    """Reduce the rooms of a building to what indicators need."""
    co2, lesson, people = rooms.air.co2_ppm, rooms.lesson, rooms.people
    flow = rooms.air.mechanical_m3_s + rooms.air.windows_m3_s
    with np.errstate(invalid="ignore", divide="ignore"):
        taught = lesson.sum(axis=0)
        shares = 100.0 * ((co2 > LIMIT_PPM) & lesson).sum(axis=0) / taught
        change = (flow * lesson).sum(axis=0) / taught * 3600.0 / rooms.volume_m3
        hours = lesson.reshape(-1, STEPS_PER_HOUR, lesson.shape[1])
        by_hour = (np.where(lesson, co2, 0.0).reshape(hours.shape)).sum(axis=(1, 2)) / hours.sum(axis=(1, 2))
    per_person = [
        outdoor_air_per_person_l_s(flow[:, r], np.where(lesson[:, r], people[:, r], 0.0))
        for r in range(taught.size)
    ]
    in_lesson = exceedance(co2, lesson, _STEP_H)
    in_break = exceedance(co2, rooms.pause, _STEP_H)
    return RoomFigures(
        lesson_share_above=in_lesson.share_percent,
        break_share_above=in_break.share_percent,
        lesson_hours=float(lesson.sum() * _STEP_H),
        break_hours=float(rooms.pause.sum() * _STEP_H),
        ppm_hours=ppm_hours(co2, lesson, _STEP_H),
        risk=mean_relative_risk(co2, np.where(lesson, people, 0.0)),
        risk_people=float(people[lesson].sum()),
        room_share_above=shares,
        room_air_change_per_h=change,
        room_l_s_person=np.array(per_person),
        hourly_ppm=co2.reshape(-1, STEPS_PER_HOUR, co2.shape[1]).mean(axis=(1, 2)),
        hourly_lesson_ppm=by_hour,
    )


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came about in a city's buildings; arrays of shape (hours, buildings) unless said otherwise."""

    schools: list[School]
    figures: list[RoomFigures]
    use: list[HourlyUse]
    months: dict[Use, NDArray[np.int64]]
    outdoor_c: Floats
    """Shape (hours,)."""
    air_c: Floats
    radiant_c: Floats
    relative_humidity_percent: Floats
    heat_w: Floats
    electric_w: Floats
    canopy: Floats
    year_degree_days: float

    @property
    def operative_c(self) -> Floats:
        """Operative temperature."""
        return 0.5 * (self.air_c + self.radiant_c)

    @property
    def in_lessons(self) -> NDArray[np.bool_]:
        """Hours in which somebody is taught."""
        return np.column_stack([np.isfinite(figure.hourly_lesson_ppm) for figure in self.figures])

    @property
    def month(self) -> NDArray[np.int64]:
        """Month of each hour, shape (hours,)."""
        return next(iter(self.months.values()))

    @property
    def floor_m2(self) -> Floats:
        """Heated floor of each building."""
        return np.array([school.floor_area_m2 for school in self.schools])

    def categories(self) -> dict[str, Categories]:
        """Category of each hour and building by what is measured; 0 outside lessons."""
        co2 = np.column_stack([figure.hourly_lesson_ppm for figure in self.figures])
        parts = {
            "co2": co2_category(co2, OUTDOOR_PPM),
            "temperature": temperature_category(self.operative_c),
            "humidity": humidity_category(self.relative_humidity_percent),
        }
        used = self.in_lessons
        return {name: np.where(used, category, 0).astype(np.int8) for name, category in parts.items()}

    def votes(self) -> Floats:
        """Predicted mean vote of each hour and building."""
        clothing = np.full(self.month.size, _CLOTHES_CLO[1])
        clothing[np.isin(self.month, _WINTER)] = _CLOTHES_CLO[0]
        clothing[np.isin(self.month, _SUMMER)] = _CLOTHES_CLO[2]
        return mean_vote(
            self.air_c, self.radiant_c, self.relative_humidity_percent, clothing_clo=clothing[:, None]
        )

    def normal_heat_kwh(self) -> Floats:
        """Heat of a normal year of each building; not a number for runs without heating weather."""
        then = degree_days(self.outdoor_c)
        heat = self.heat_w.sum(axis=0) / 1000.0
        water = np.array([use.hot_water_w.sum() for use in self.use]) / 1000.0
        if then < _LEAST_DEGREE_DAYS:
            return np.full(heat.size, np.nan)
        share = 8760.0 / self.outdoor_c.size
        return np.array(
            [
                weather_normalised_kwh(h + b * (share - 1.0), b * share, then, self.year_degree_days)
                for h, b in zip(heat, water, strict=True)
            ]
        )

    def primary_kwh_m2(self) -> Floats:
        """Weighted energy of a normal year over the floor, building by building."""
        electricity = self.electric_w.sum(axis=0) / 1000.0 * 8760.0 / self.outdoor_c.size
        weighted = (
            PRIMARY_FACTORS["electricity"] * electricity
            + PRIMARY_FACTORS["efficient_district_heat"] * self.normal_heat_kwh()
        )
        return np.asarray(weighted / self.floor_m2)

    def energy_class_index(self) -> Floats:
        """Indicative class of each building, A is 1; not a number where the run does not tell."""
        weighted = self.primary_kwh_m2()
        known = np.isfinite(weighted)
        classes = np.full(weighted.size, np.nan)
        for k in np.flatnonzero(known):
            scale = _scale(self.schools[k].use)
            classes[k] = ENERGY_CLASSES.index(energy_class(float(weighted[k]), scale)) + 1
        return classes

    def held_categories(self) -> dict[str, NDArray[np.int64]]:
        """Category that each building holds by what is measured; 0 where nothing is known."""
        used = self.in_lessons
        return {
            name: np.array([held_category(category[:, k], used[:, k]) for k in range(len(self.schools))])
            for name, category in self.categories().items()
        }

    def tails(self) -> list[Tail]:
        """Partial schoolTAIL rating of each building."""
        parts = self.held_categories()
        return [
            partial_tail({name: int(category[k]) for name, category in parts.items()})
            for k in range(len(self.schools))
        ]

    def scores(self) -> list[Layered]:
        """Five-layer score of each building."""
        vote, used = self.votes(), self.in_lessons
        return [
            self._score(k, votes(vote[:, k], used[:, k]).dissatisfied_percent)
            for k in range(len(self.schools))
        ]

    def _score(self, k: int, dissatisfied: float) -> Layered:
        """Layers of one building, by what is known of each.

        Natural environment: shade of trees before the windows, left out where no pilot tells. Built: time
        above 1000 ppm. Activities: floor per pupil, 6 to 14 m2. Psychological: dissatisfied with warmth, 30
        to 5 %. Physiological: infection risk against 1000 ppm, 2 to 0.3.
        """
        figure, school = self.figures[k], self.schools[k]
        shaded = float(np.nanmean(1.0 - self.canopy[:, k]))
        layers = {
            "natural environment": utility(shaded, 0.0, 0.4) if (self.canopy[:, k] < 1.0).any() else np.nan,
            "built environment": _points(figure.lesson_share_above, 100.0, 0.0),
            "activities": utility(school.floor_area_m2 / max(school.pupils, 1.0), 6.0, 14.0),
            "psychological": _points(dissatisfied, 30.0, 5.0),
            "physiological": _points(figure.risk, 2.0, 0.3),
        }
        return layered_score({name: points for name, points in layers.items() if np.isfinite(points)})


def _points(value: float, worst: float, best: float) -> float:
    return utility(value, worst, best) if np.isfinite(value) else float("nan")


def _scale(use: Use) -> str:
    return use if use in CLASS_LIMITS_KWH_M2 else "school"


def outcome_kpis(
    outcome: Outcome, scenario: BuildingsScenario, rng: np.random.Generator
) -> dict[str, float | Estimate]:
    """The indicators of a city."""
    return {
        "buildings": float(len(outcome.schools)),
        **_air_kpis(outcome, rng),
        **_warmth_kpis(outcome),
        **_energy_kpis(outcome, scenario),
        **_rating_kpis(outcome),
    }


def _air_kpis(outcome: Outcome, rng: np.random.Generator) -> dict[str, float | Estimate]:
    figures = outcome.figures

    def mean(field: str, weight: str) -> float:
        values = np.array([getattr(figure, field) for figure in figures])
        weights = np.array([getattr(figure, weight) for figure in figures])
        known = np.isfinite(values) & (weights > 0)
        return float(np.average(values[known], weights=weights[known])) if known.any() else float("nan")

    rooms = np.concatenate([figure.room_share_above for figure in figures])
    building = np.repeat(np.arange(len(figures)), [figure.room_share_above.size for figure in figures])
    return {
        "co2_exceedance": mean("lesson_share_above", "lesson_hours"),
        "co2_exceedance_breaks": mean("break_share_above", "break_hours"),
        "idis": float(np.mean([figure.ppm_hours for figure in figures])),
        "infection_relative_risk": mean("risk", "risk_people"),
        "air_change_rate": _spread(np.concatenate([figure.room_air_change_per_h for figure in figures])),
        "outdoor_air_per_person": _spread(np.concatenate([figure.room_l_s_person for figure in figures])),
        "sensors_needed": 100.0 * rooms_needed(rooms, building, rng) / rooms.size,
    }


def _spread(rooms: Floats) -> Estimate:
    known = rooms[np.isfinite(rooms)]
    if not known.size:
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.percentile(known, [10, 90])
    return Estimate(float(known.mean()), float(low), float(high))


def _warmth_kpis(outcome: Outcome) -> dict[str, float | Estimate]:
    operative, used, vote = outcome.operative_c, outcome.in_lessons, outcome.votes()
    daily = outcome.outdoor_c[: outcome.outdoor_c.size // _DAY_H * _DAY_H].reshape(-1, _DAY_H).mean(axis=1)
    running = np.repeat(running_mean_c(daily), _DAY_H)[: operative.shape[0]]
    beyond = beyond_adaptive_k(operative, running[:, None])
    summer = estonian_summer_k_h(operative, used, outcome.month, 1.0)
    felt = votes(vote, used)
    return {
        "pmv_mean": felt.mean,
        "ppd_mean": felt.dissatisfied_percent,
        "pmv_within_half": felt.within_half_percent,
        "tdis": discomfort_k_h(operative, used, 1.0, *_COMFORT_C),
        "overheating_hours": overheating(operative, used, 1.0, 27.0).hours,
        "overheating_degree_hours": float(summer.mean()),
        "summer_rule_met": float(100.0 * (summer <= SUMMER_LIMIT_K_H).mean()),
        "adaptive_exceedance": float(np.where(used, beyond, 0.0).sum(axis=0).mean()),
    }


def _energy_kpis(outcome: Outcome, scenario: BuildingsScenario) -> dict[str, float | Estimate]:
    floor = float(outcome.floor_m2.sum())
    heat, electricity = outcome.heat_w.sum() / 1000.0, outcome.electric_w.sum() / 1000.0
    classes = outcome.energy_class_index()
    rated = classes[np.isfinite(classes)]
    return {
        "final_energy": float((heat + electricity) / floor),
        "primary_energy": float(
            (PRIMARY_FACTORS["electricity"] * electricity + PRIMARY_FACTORS["efficient_district_heat"] * heat)
            / floor
        ),
        "heat_weather_normalised": float(outcome.normal_heat_kwh().sum() / floor),
        "class_c_or_better": float(100.0 * (rated <= 3).mean()) if rated.size else float("nan"),
        "peak_heat": peak_w_m2(outcome.heat_w.sum(axis=1), floor),
        "peak_electricity": peak_w_m2(outcome.electric_w.sum(axis=1), floor),
        "cost": float(
            (heat * scenario.heat_price + electricity * scenario.electricity_price) / 1000.0 / floor
        ),
        "emissions": float(
            (heat * scenario.heat_emissions + electricity * scenario.electricity_emissions) / floor
        ),
    }


def _rating_kpis(outcome: Outcome) -> dict[str, float | Estimate]:
    overall = worst_category(*outcome.categories().values())
    shares = category_shares_percent(overall)
    tails = [tail for tail in outcome.tails() if tail.rating]
    scores = [score for score in outcome.scores() if np.isfinite(score.score)]
    nothing = float("nan")
    return {
        **{f"time_in_category_{number}": float(shares[number - 1]) for number in (1, 2, 3, 4)},
        "partial_tail_worst": 100.0 * sum(tail.rating == "IV" for tail in tails) / len(tails)
        if tails
        else nothing,
        "tail_good_air": 100.0 * sum(tail.rated.get("co2") in {"I", "II"} for tail in tails) / len(tails)
        if tails
        else nothing,
        "wellbeing_score": Estimate(
            *(float(np.mean([getattr(score, part) for score in scores])) for part in ("score", "low", "high"))
        )
        if scores
        else Estimate(nothing, nothing, nothing),
    }
