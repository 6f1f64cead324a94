"""The buildings of ANSI/ASHRAE Standard 140-2023 (BESTEST thermal fabric), ready to run and to vary.

A box of 8 by 6 by 2.7 m in Denver with 12 m2 of glass, in a light (6xx) and a heavy (9xx) building: the
yardstick of building simulation since 1995. ``standard_140("610")`` is the light one with an overhang;
``standard_140("600", glazing=..., north_axis_deg=45)`` a variant that no table knows.

Source: ANSI/ASHRAE Standard 140-2023 with Addendum b; the same data stand in NREL's BESTEST-GSR and LBNL's
Modelica Buildings library.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geodata.errors import UnknownName
from pilots.buildings.thermal.envelope import (
    CLEAR_PANE,
    LOW_E_OUTER_PANE,
    Construction,
    Fin,
    Gap,
    Glazing,
    Material,
    Overhang,
    Surface,
    Window,
)
from pilots.buildings.thermal.zone import AirFlow, Building, Conditioning, Gains, Hourly, Zone

LOADS = (
    *("600", "610", "620", "630", "640", "650", "660", "670", "680", "685", "695"),
    *("900", "910", "920", "930", "940", "950", "960", "980", "985", "995"),
)
"""Cases with heating and cooling."""

FREE_FLOAT = ("600FF", "650FF", "680FF", "900FF", "950FF", "980FF")
"""Cases without."""

SIDING = Material(0.009, 0.14, 530, 900, "wood siding")
PLASTERBOARD_WALL = Material(0.012, 0.16, 950, 840, "plasterboard")
PLASTERBOARD_ROOF = Material(0.010, 0.16, 950, 840, "plasterboard")
BLOCK = Material(0.100, 0.51, 1400, 1000, "concrete block")
ROOF_DECK = Material(0.019, 0.14, 530, 900, "roof deck")
TIMBER = Material(0.025, 0.14, 650, 1200, "timber floor")
SLAB = Material(0.080, 1.13, 1400, 1000, "concrete slab")

_HEIGHT_M = 2.7
_HOURS = 8760
_NIGHT_VENTILATION_M3_S = 1703.16 / 3600.0


def fibreglass(thickness_m: float) -> Material:
    """Light insulation of the 600 series and of all roofs."""
    return Material(thickness_m, 0.04, 12, 840, "fibreglass")


def foam(thickness_m: float) -> Material:
    """Insulation of the 900 series and of better insulated walls."""
    return Material(thickness_m, 0.04, 10, 1400, "foam")


def wall(heavy: bool, insulated: bool) -> Construction:  # noqa: FBT001
    """Outer wall; `insulated` as in cases 680 and 980."""
    if heavy:
        return Construction((SIDING, foam(0.2452 if insulated else 0.0615), BLOCK))
    return Construction((SIDING, foam(0.25) if insulated else fibreglass(0.066), PLASTERBOARD_WALL))


def roof(insulated: bool) -> Construction:  # noqa: FBT001
    """Roof, the same in light and heavy buildings."""
    return Construction((ROOF_DECK, fibreglass(0.4 if insulated else 0.1118), PLASTERBOARD_ROOF))


def floor(heavy: bool) -> Construction:  # noqa: FBT001
    """Floor above outdoor air, all but decoupled from it by insulation without mass."""
    resistance, top = (25.175, SLAB) if heavy else (25.075, TIMBER)
    return Construction((Material.resistance(resistance), top))


def glazing(case: str) -> Glazing:
    """Double clear glass; low-emissivity with argon in 660, single in 670."""
    match case:
        case "660":
            return Glazing((LOW_E_OUTER_PANE, CLEAR_PANE), (Gap(0.012, "argon"),))
        case "670":
            return Glazing((CLEAR_PANE,))
        case _:
            return Glazing((CLEAR_PANE, CLEAR_PANE), (Gap(0.012),))


def standard_140(
    case: str,
    *,
    glazing_as: Glazing | None = None,
    wall_as: Construction | None = None,
    floor_as: Construction | None = None,
    north_axis_deg: float = 0.0,
    steps_per_hour: int = 4,
) -> Building:
    """A case of the standard, or a variant of it.

    Args:
        case: Its number, "600" to "995", with "FF" behind it for the free-floating ones.
        glazing_as: Other glass in all windows.
        wall_as: Other outer walls.
        floor_as: Another floor.
        north_axis_deg: Turn of the whole building, clockwise.
        steps_per_hour: Steps in which the thermostat of the 640 and 940 rises.

    Raises:
        UnknownName: No such case.
    """
    if case not in LOADS + FREE_FLOAT:
        raise UnknownName(
            "no such case of Standard 140", field="case", value=case, expected=", ".join(LOADS + FREE_FLOAT)
        )
    panes = glazing_as or glazing(case)
    if case == "960":
        return _sunspace(panes, north_axis_deg)
    heavy, variant = case[0] == "9", case[1:3]
    insulated = variant in ("80", "95")
    outer = wall_as or wall(heavy, insulated)
    south, east, west = _windows(variant, panes)
    surfaces = (
        *_walls(
            outer,
            {"north": (0, 21.6), "east": (90, 16.2), "south": (180, 21.6), "west": (270, 16.2)},
            south,
            east,
            west,
        ),
        Surface("roof", roof(insulated), 48.0, tilt_deg=0, height_m=_HEIGHT_M),
        Surface("floor", floor_as or floor(heavy), 48.0, tilt_deg=180, boundary="sheltered"),
    )
    conditioning, airing = _operation(variant, steps_per_hour)
    if case.endswith("FF"):
        conditioning = Conditioning()
    zone = Zone("zone", 48.0, 129.6, surfaces, conditioning, AirFlow(0.5, airing), Gains(80.0, 120.0))
    return Building((zone,), north_axis_deg, name=f"Standard 140, case {case}")


def _walls(
    outer: Construction,
    sizes: dict[str, tuple[float, float]],
    south: tuple[Window, ...] = (),
    east: tuple[Window, ...] = (),
    west: tuple[Window, ...] = (),
) -> list[Surface]:
    windows = {"south": south, "east": east, "west": west}
    return [
        Surface(name, outer, area, azimuth, windows=windows.get(name, ()), height_m=_HEIGHT_M / 2)
        for name, (azimuth, area) in sizes.items()
    ]


_Windows = tuple[Window, ...]


def _windows(variant: str, panes: Glazing) -> tuple[_Windows, _Windows, _Windows]:
    """Windows of the south, east and west walls with their shades."""
    if variant in ("20", "30"):
        fins = Fin("left", 1.0, above_m=0.5, below_m=0.2), Fin("right", 1.0, above_m=0.5, below_m=0.2)
        shades = (Overhang(1.0, 0.5), *fins)
        pane = Window(panes, 3.0, 2.0, sill_m=0.2, shades=shades if variant == "30" else ())
        return (), (pane,), (pane,)
    if variant == "10":
        # One overhang runs along the whole wall: half a metre beyond one window, and over the other.
        reaches = ((0.5, 4.5), (4.5, 0.5))
        shaded = (
            Window(panes, 3.0, 2.0, sill_m=0.2, shades=(Overhang(1.0, 0.5, *reach),)) for reach in reaches
        )
        return tuple(shaded), (), ()
    return (Window(panes, 3.0, 2.0, count=2, sill_m=0.2),), (), ()


def _operation(variant: str, steps_per_hour: int) -> tuple[Conditioning, Hourly]:
    """Thermostat, and night ventilation in m3/s."""
    hour = np.tile((np.arange(24 * steps_per_hour) + 0.5) / steps_per_hour, _HOURS // 24)
    match variant:
        case "40":
            return Conditioning(_setback(hour, steps_per_hour), 27.0), 0.0
        case "50":
            night = (hour < 7) | (hour >= 18)
            return (
                Conditioning(-np.inf, np.where(night, np.inf, 27.0)),
                np.where(night, _NIGHT_VENTILATION_M3_S, 0.0),
            )
        case "85" | "95":
            return Conditioning(20.0, 20.0), 0.0
        case _:
            return Conditioning(20.0, 27.0), 0.0


def _setback(hour: NDArray[np.float64], steps_per_hour: int) -> NDArray[np.float64]:
    """10 °C at night, 20 °C from 8 to 23 h, rising in a line from 7 to 8 h."""
    end_of_step = hour + 0.5 / steps_per_hour
    rising = np.clip(10.0 + 10.0 * (end_of_step - 7.0), 10.0, 20.0)
    return np.where((hour < 7) | (hour >= 23), 10.0, rising)


def _sunspace(panes: Glazing, north_axis_deg: float) -> Building:
    """Case 960: the light room behind a heavy, unheated sunspace; a block wall parts them."""
    common = Construction((Material(0.2, 0.51, 1400, 1000, "common wall"),))
    back = Zone(
        "back",
        48.0,
        129.6,
        (
            *_walls(
                wall(heavy=False, insulated=False),
                {"north": (0, 21.6), "east": (90, 16.2), "west": (270, 16.2)},
            ),
            Surface("common", common, 21.6, 180, boundary="sun"),
            Surface("roof", roof(insulated=False), 48.0, tilt_deg=0, height_m=_HEIGHT_M),
            Surface("floor", floor(heavy=False), 48.0, tilt_deg=180, boundary="sheltered"),
        ),
        Conditioning(20.0, 27.0),
        AirFlow(0.5),
        Gains(80.0, 120.0),
    )
    window = Window(panes, 3.0, 2.0, count=2, sill_m=0.5)
    sizes: dict[str, tuple[float, float]] = {"east": (90, 5.4), "south": (180, 21.6), "west": (270, 5.4)}
    sun = Zone(
        "sun",
        16.0,
        43.2,
        (
            *_walls(wall(heavy=True, insulated=False), sizes, (window,)),
            Surface("roof", roof(insulated=False), 16.0, tilt_deg=0, height_m=_HEIGHT_M),
            Surface("floor", floor(heavy=True), 16.0, tilt_deg=180, boundary="sheltered"),
        ),
        air=AirFlow(0.5),
    )
    return Building((back, sun), north_axis_deg, name="Standard 140, case 960")
