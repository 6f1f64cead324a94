"""How Estonian schools and kindergartens are built, by when: walls, windows, leaks and ventilation.

A school of 1975 stands in brick or panels of 1 W/(m2 K) and is aired by its windows; one of 2022 loses an
eighth of that through its walls and has an air handling unit that gives back four fifths of the heat it
takes out.

Sources, by what they tell:

* transmittances as built: surveys of Tallinn University of Technology of the stock of panel (Kalamees et
  al. 2009), brick (2010), wooden (2011) and 1990-2010 (2012) buildings; for schools as compiled for the
  cost-optimal requirements (Arumägi, Simson, Kuusk, Kalamees, Kurnitski 2017);
* after 2008: requirements and guide values of Regulations 258 (2007), 68 (2012) and 63 (2018);
* linear thermal bridges: DIN V 18599-2, 0.10 W/(m2 K) of the envelope, 0.05 where details were designed;
* air tightness: Hallik and Kalamees (2019); leaks from it by Regulation 58 (2015): q50 over 35, 24, 20 or
  15 for one, two, three or four, and more storeys;
* ventilation of classrooms before renovation: Mikola, Kõiv and Põldaru (2011 to 2014), 1 to 2 L/s per pupil.

They are typical values of a stock, not of a building: grade *derived*.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pilots.buildings.stock.calendar import Use
from pilots.buildings.thermal.envelope import (
    CLEAR_PANE,
    LOW_E_INNER_PANE,
    Construction,
    Gap,
    Glazing,
    Material,
)

Renovation = Literal["as_built", "windows_and_ventilation", "major", "nearly_zero"]

BRICK = Material(0.51, 0.70, 1700, 880, "brick")
INNER_BRICK = Material(0.12, 0.70, 1700, 880, "brick")
CONCRETE = Material(0.15, 2.0, 2400, 900, "concrete")
PLASTER = Material(0.015, 0.7, 1600, 1000, "plaster")
SCREED = Material(0.08, 1.4, 2000, 900, "screed and flooring")


@dataclass(frozen=True)
class Archetype:
    """Typical figures of a construction period or a standard of renovation."""

    name: str
    wall_u: float
    roof_u: float
    floor_u: float
    bridges_u: float
    """Linear thermal bridges, over the whole envelope."""
    window_u: float
    """Of the whole window, frame included, W/(m2 K)."""
    glass_g: float
    leaks_q50: float
    """Air leakage at 50 Pa, m3/(h m2 of envelope)."""
    heat_recovery: float
    """0 where there is no air handling unit."""
    fresh_air_l_s_person: float
    """What the unit gives; without one, what finds its way through ducts and shut windows."""
    fan_w_per_l_s: float
    window_share: float
    """Of the outer walls."""
    storey_m: float


PERIODS: tuple[tuple[int, Archetype], ...] = (
    (1945, Archetype("before 1945", 0.90, 0.60, 0.50, 0.10, 2.6, 0.72, 8.0, 0.0, 1.5, 0.0, 0.22, 3.8)),
    (1960, Archetype("1945-1959", 1.00, 0.70, 0.50, 0.10, 2.6, 0.72, 7.0, 0.0, 1.5, 0.0, 0.25, 3.6)),
    (1991, Archetype("1960-1990", 1.00, 0.80, 0.50, 0.10, 2.5, 0.72, 6.0, 0.0, 1.5, 0.0, 0.35, 3.3)),
    (2009, Archetype("1991-2008", 0.35, 0.25, 0.30, 0.10, 1.7, 0.62, 4.0, 0.5, 4.0, 2.5, 0.30, 3.3)),
    (2019, Archetype("2009-2018", 0.20, 0.14, 0.18, 0.05, 1.1, 0.52, 2.5, 0.75, 6.5, 2.0, 0.28, 3.5)),
    (9999, Archetype("from 2019", 0.13, 0.10, 0.14, 0.05, 0.8, 0.48, 1.2, 0.80, 7.0, 1.6, 0.27, 3.6)),
)
"""Archetypes with the first year that is no longer theirs."""


def archetype_of(year_built: float, renovation: Renovation = "as_built") -> Archetype:
    """The archetype of a year of construction, renovated or not.

    Renovations only ever make things better: a wall that is better already stays as it is.

    Args:
        year_built: Year of completion.
        renovation: `windows_and_ventilation`: new windows and an air handling unit, the step most schools
            took first; `major`: to the requirement for major renovation; `nearly_zero`: as a new building.
    """
    base = next(archetype for end, archetype in PERIODS if year_built < end)
    match renovation:
        case "windows_and_ventilation":
            return replace(
                base,
                name=f"{base.name}, windows and ventilation renewed",
                window_u=min(base.window_u, 1.1),
                glass_g=min(base.glass_g, 0.55),
                leaks_q50=min(base.leaks_q50, 4.0),
                heat_recovery=max(base.heat_recovery, 0.75),
                fresh_air_l_s_person=max(base.fresh_air_l_s_person, 6.5),
                fan_w_per_l_s=base.fan_w_per_l_s or 2.0,
            )
        case "major":
            return _at_least_as_good(base, PERIODS[-2][1], "major renovation")
        case "nearly_zero":
            return _at_least_as_good(base, PERIODS[-1][1], "nearly zero-energy renovation")
        case _:
            return base


def _at_least_as_good(base: Archetype, standard: Archetype, name: str) -> Archetype:
    return replace(
        base,
        name=f"{base.name}, {name}",
        wall_u=min(base.wall_u, standard.wall_u),
        roof_u=min(base.roof_u, standard.roof_u),
        floor_u=min(base.floor_u, standard.floor_u),
        bridges_u=min(base.bridges_u, standard.bridges_u),
        window_u=min(base.window_u, standard.window_u),
        glass_g=min(base.glass_g, standard.glass_g),
        leaks_q50=min(base.leaks_q50, standard.leaks_q50),
        heat_recovery=max(base.heat_recovery, standard.heat_recovery),
        fresh_air_l_s_person=max(base.fresh_air_l_s_person, standard.fresh_air_l_s_person),
        fan_w_per_l_s=standard.fan_w_per_l_s,
    )


def insulated(heavy: tuple[Material, ...], u_value: float, films_m2k_w: float = 0.17) -> Construction:
    """Heavy layers with as much insulation outside as a transmittance asks for."""
    missing = 1.0 / u_value - films_m2k_w - sum(layer.resistance_m2k_w for layer in heavy)
    if missing <= 0.01:
        return Construction(heavy)
    wool = Material(missing * 0.038, 0.038, 60, 1030, "mineral wool")
    return Construction((PLASTER, wool, *heavy))


def wall_of(archetype: Archetype) -> Construction:
    """Outer wall: brick of any thickness needed, insulated where brick alone will not do."""
    if archetype.wall_u > 0.8:
        thickness = (1.0 / archetype.wall_u - 0.17 - PLASTER.resistance_m2k_w) * BRICK.conductivity_w_mk
        return Construction((replace(BRICK, thickness_m=thickness), PLASTER))
    return insulated((replace(INNER_BRICK, thickness_m=0.25), PLASTER), archetype.wall_u)


def roof_of(archetype: Archetype) -> Construction:
    """Roof of concrete slabs."""
    return insulated((CONCRETE,), archetype.roof_u, 0.14)


def floor_of(archetype: Archetype) -> Construction:
    """Floor on the ground."""
    return insulated((CONCRETE, SCREED), archetype.floor_u, 0.21)


SLAB = Construction((SCREED, CONCRETE, PLASTER))
"""Floor between storeys; both its faces are rooms, each sees half of it."""

PARTITION_WALL = Construction((PLASTER, INNER_BRICK, PLASTER))


def glazing_of(archetype: Archetype) -> Glazing:
    """Glass that comes nearest to a window's transmittance: clear pairs, coated pairs, coated triples."""
    if archetype.window_u > 1.9:
        return Glazing((CLEAR_PANE, CLEAR_PANE), (Gap(0.012),))
    if archetype.window_u > 1.0:
        return Glazing((CLEAR_PANE, LOW_E_INNER_PANE), (Gap(0.016, "argon"),))
    return Glazing((CLEAR_PANE, CLEAR_PANE, LOW_E_INNER_PANE), (Gap(0.014, "argon"), Gap(0.014, "argon")))


def leaks_per_h(archetype: Archetype, envelope_m2: float, volume_m3: float, storeys: int) -> float:
    """Air changes per hour through leaks in the heating season (Regulation 58, 2015)."""
    divisor = {1: 35.0, 2: 24.0, 3: 20.0, 4: 20.0}.get(storeys, 15.0)
    return archetype.leaks_q50 * envelope_m2 / divisor / volume_m3


@dataclass(frozen=True)
class RoomNorm:
    """A usual teaching room of a use, and how it is used."""

    area_m2: float
    height_m: float
    people: float
    co2_l_h: float
    """Carbon dioxide of one person."""
    heat_w: float
    """Sensible heat of one person."""
    moisture_g_h: float
    used_share: float
    """Of the lessons in which there is somebody."""
    lighting_w_m2: float
    equipment_w_m2: float


ROOM_NORMS: dict[Use, RoomNorm] = {
    "school": RoomNorm(58.0, 3.1, 24.0, 16.0, 65.0, 45.0, 0.85, 8.0, 4.0),
    "kindergarten": RoomNorm(62.0, 2.9, 18.0, 10.5, 50.0, 35.0, 0.95, 8.0, 2.0),
    "university": RoomNorm(75.0, 3.2, 30.0, 20.0, 72.0, 55.0, 0.60, 8.0, 6.0),
}
"""Rooms, pupils and heat (ISO 7730 and EN 16798-1 for adults, by body surface for children)."""

TEACHING_SHARE: dict[Use, float] = {"school": 0.42, "kindergarten": 0.50, "university": 0.35}
"""Share of the heated floor in teaching rooms."""

USUAL_AREA_M2: dict[Use, float] = {"school": 6500.0, "kindergarten": 2300.0, "university": 9000.0}
USUAL_STOREYS: dict[Use, int] = {"school": 3, "kindergarten": 2, "university": 5}

YEARS_BUILT: dict[Use, tuple[tuple[int, float], ...]] = {
    "school": (
        (1935, 0.15),
        (1954, 0.13),
        (1966, 0.20),
        (1978, 0.24),
        (1987, 0.15),
        (2003, 0.05),
        (2015, 0.05),
        (2021, 0.03),
    ),
    "kindergarten": (
        (1937, 0.04),
        (1955, 0.08),
        (1965, 0.20),
        (1976, 0.30),
        (1986, 0.26),
        (2004, 0.03),
        (2014, 0.05),
        (2021, 0.04),
    ),
    "university": ((1965, 0.35), (1975, 0.30), (1985, 0.10), (2008, 0.10), (2016, 0.10), (2021, 0.05)),
}
"""Typical years of completion and their shares, where a building's own is not known (grade *synthetic*)."""

RENOVATED_SHARE: dict[Renovation, float] = {
    "as_built": 0.30,
    "windows_and_ventilation": 0.35,
    "major": 0.30,
    "nearly_zero": 0.05,
}
"""What has been done to buildings of before 2009, where nobody says (grade *synthetic*)."""
