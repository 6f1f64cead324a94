"""What a building is made of: materials, walls, panes of glass, windows and the shades over them.

Layers and panes are always listed from outside to inside. A classroom wall of brick, mineral wool and
plaster, for example, is ``Construction((brick, wool, plaster))``, and the double glazing in it is
``Glazing((CLEAR_PANE, CLEAR_PANE), (Gap(0.012),))``.

Azimuths are degrees clockwise from north (south is 180), tilts degrees from the horizontal looking up
(a flat roof 0, a wall 90, a floor 180).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from geodata.errors import InvalidInput

Boundary = Literal["outdoor", "sheltered", "ground", "adiabatic"]
"""What lies behind a surface: weather, outdoor air without sun, sky and wind, the ground, or its own kind."""

Roughness = Literal["very_rough", "rough", "medium_rough", "medium_smooth", "smooth", "very_smooth"]

Gas = Literal["air", "argon", "krypton"]


def require(condition: bool, message: str, field: str, value: object, expected: str) -> None:  # noqa: FBT001
    """Raise `InvalidInput` naming field, value and expectation unless the condition holds."""
    if not condition:
        raise InvalidInput(message, field=field, value=value, expected=expected)


@dataclass(frozen=True)
class Material:
    """One homogeneous layer of a wall; with no density it is a pure resistance."""

    thickness_m: float
    conductivity_w_mk: float
    density_kg_m3: float = 0.0
    specific_heat_j_kgk: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        require(
            self.thickness_m > 0, "a layer has no thickness", "thickness_m", self.thickness_m, "above 0 m"
        )
        require(
            self.conductivity_w_mk > 0,
            "a layer does not conduct",
            "conductivity_w_mk",
            self.conductivity_w_mk,
            "above 0 W/(m K)",
        )
        heat = self.density_kg_m3 * self.specific_heat_j_kgk
        require(heat >= 0, "a layer stores less than no heat", "density_kg_m3", heat, "0 or more")

    @classmethod
    def resistance(cls, r_m2k_w: float, name: str = "") -> Material:
        """A layer known only by its thermal resistance, m2 K/W."""
        require(r_m2k_w > 0, "a resistance must be positive", "r_m2k_w", r_m2k_w, "above 0 m2 K/W")
        return cls(thickness_m=1.0, conductivity_w_mk=1.0 / r_m2k_w, name=name)

    @property
    def resistance_m2k_w(self) -> float:
        """Thickness over conductivity."""
        return self.thickness_m / self.conductivity_w_mk

    @property
    def capacity_j_m2k(self) -> float:
        """Heat stored per square metre and kelvin."""
        return self.thickness_m * self.density_kg_m3 * self.specific_heat_j_kgk


@dataclass(frozen=True)
class Construction:
    """Layers from outside to inside, and how the two faces absorb sunlight and radiate heat."""

    layers: tuple[Material, ...]
    absorptance_outside: float = 0.6
    absorptance_inside: float = 0.6
    emissivity_outside: float = 0.9
    emissivity_inside: float = 0.9
    roughness: Roughness = "rough"

    def __post_init__(self) -> None:
        require(bool(self.layers), "a construction has no layers", "layers", self.layers, "one layer or more")
        for name in ("absorptance_outside", "absorptance_inside", "emissivity_outside", "emissivity_inside"):
            value = getattr(self, name)
            require(0 < value <= 1, "a share lies outside its range", name, value, "above 0, at most 1")

    @property
    def resistance_m2k_w(self) -> float:
        """Sum of the layers' resistances, without the films of air."""
        return sum(layer.resistance_m2k_w for layer in self.layers)

    @property
    def u_value_w_m2k(self) -> float:
        """Transmittance of a wall with the standard films of ISO 6946: 0.13 inside, 0.04 outside."""
        return 1.0 / (self.resistance_m2k_w + 0.13 + 0.04)

    @property
    def capacity_j_m2k(self) -> float:
        """Heat stored by all layers per square metre and kelvin."""
        return sum(layer.capacity_j_m2k for layer in self.layers)

    def reversed(self) -> Construction:
        """The same construction seen from the other side."""
        return Construction(
            self.layers[::-1],
            self.absorptance_inside,
            self.absorptance_outside,
            self.emissivity_inside,
            self.emissivity_outside,
            self.roughness,
        )


@dataclass(frozen=True)
class Pane:
    """One sheet of glass: normal-incidence solar optics and the emissivity of its two faces.

    A pane whose two reflectances are equal is treated as uncoated glass, whose behaviour at other angles
    follows from Fresnel's equations; a coated one follows the regression of Finlayson et al. (1993).
    """

    solar_transmittance: float
    solar_reflectance_outside: float
    solar_reflectance_inside: float
    emissivity_outside: float = 0.84
    emissivity_inside: float = 0.84
    thickness_m: float = 0.003
    conductivity_w_mk: float = 1.0

    def __post_init__(self) -> None:
        for reflectance in (self.solar_reflectance_outside, self.solar_reflectance_inside):
            total = self.solar_transmittance + reflectance
            require(
                reflectance >= 0 and self.solar_transmittance > 0 and total <= 1,
                "a pane gives back more sunlight than it gets",
                "solar_transmittance + solar_reflectance",
                total,
                "at most 1, neither negative",
            )


CLEAR_PANE = Pane(0.834, 0.075, 0.075, thickness_m=0.003048)
"""Clear float glass of 3 mm, the pane of ANSI/ASHRAE Standard 140-2023, case 600."""

LOW_E_OUTER_PANE = Pane(0.452, 0.359, 0.397, 0.84, 0.047, thickness_m=0.00318)
"""Solar-control glass with its low-emissivity coat towards the gap (Standard 140-2023, case 660)."""

LOW_E_INNER_PANE = Pane(0.63, 0.19, 0.22, 0.04, 0.84, thickness_m=0.004)
"""Low-emissivity float glass, coat towards the gap: the usual inner pane of a northern window."""


@dataclass(frozen=True)
class Gap:
    """The gas between two panes."""

    thickness_m: float
    gas: Gas = "air"

    def __post_init__(self) -> None:
        require(self.thickness_m > 0, "a gap has no width", "thickness_m", self.thickness_m, "above 0 m")


@dataclass(frozen=True)
class Glazing:
    """Panes from outside to inside with one gap between each two."""

    panes: tuple[Pane, ...]
    gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        require(
            len(self.panes) == len(self.gaps) + 1,
            "panes and gaps do not alternate",
            "gaps",
            len(self.gaps),
            f"{len(self.panes) - 1}",
        )


@dataclass(frozen=True)
class Overhang:
    """A horizontal shade above a window, at right angles to the wall."""

    depth_m: float
    gap_m: float = 0.0
    """Distance from the top of the window up to the overhang."""
    extension_left_m: float = 0.0
    extension_right_m: float = 0.0
    """How far it reaches beyond the window's sides, seen from outside."""


@dataclass(frozen=True)
class Fin:
    """A vertical shade beside a window, at right angles to the wall."""

    side: Literal["left", "right"]
    depth_m: float
    gap_m: float = 0.0
    """Distance from the window's side out to the fin, seen from outside."""
    above_m: float = 0.0
    below_m: float = 0.0
    """How far it reaches above and below the window."""


@dataclass(frozen=True)
class Window:
    """Equal panes of a surface: glass size, how many, what shades them.

    `frame_area_m2` and `frame_u_value_w_m2k` describe the frames of all of them together; the glass is
    ``width_m * height_m * count``.
    """

    glazing: Glazing
    width_m: float
    height_m: float
    count: int = 1
    sill_m: float = 0.9
    shades: tuple[Overhang | Fin, ...] = ()
    frame_area_m2: float = 0.0
    frame_u_value_w_m2k: float = 1.6

    def __post_init__(self) -> None:
        require(self.width_m > 0, "a window has no width", "width_m", self.width_m, "above 0 m")
        require(self.height_m > 0, "a window has no height", "height_m", self.height_m, "above 0 m")

    @property
    def glass_area_m2(self) -> float:
        """Glass of all equal windows together."""
        return self.width_m * self.height_m * self.count

    @property
    def area_m2(self) -> float:
        """Glass and frame."""
        return self.glass_area_m2 + self.frame_area_m2


@dataclass(frozen=True)
class Surface:
    """A flat piece of a zone's envelope, windows included in its area.

    `boundary` is a `Boundary` or the name of the zone on the other side; a partition belongs to one of its
    two zones only, with its layers listed from the other zone to its own.
    """

    name: str
    construction: Construction
    area_m2: float
    azimuth_deg: float = 0.0
    tilt_deg: float = 90.0
    boundary: str = "outdoor"
    windows: tuple[Window, ...] = field(default=())
    height_m: float = 1.5
    """Height of its middle above ground, for the wind."""

    def __post_init__(self) -> None:
        require(self.area_m2 > 0, f"surface {self.name} has no area", "area_m2", self.area_m2, "above 0 m2")
        require(
            0 <= self.tilt_deg <= 180, "a tilt lies outside its range", "tilt_deg", self.tilt_deg, "0..180"
        )
        require(
            self.opaque_area_m2 >= 0,
            f"the windows of surface {self.name} are larger than it",
            "windows",
            sum(w.area_m2 for w in self.windows),
            f"at most {self.area_m2} m2",
        )
        if self.windows:
            require(
                self.boundary == "outdoor",
                f"surface {self.name} has windows but no weather",
                "boundary",
                self.boundary,
                "outdoor",
            )

    @property
    def opaque_area_m2(self) -> float:
        """Area without windows."""
        return self.area_m2 - sum(window.area_m2 for window in self.windows)
