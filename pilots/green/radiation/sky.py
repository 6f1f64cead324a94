"""The sky as a dome of patches, each with its own brightness and warmth.

A clear sky is bright near the sun and at the horizon, cold overhead and warmer low down; a street that shows
only the zenith therefore gets less long-wave radiation than its share of sky suggests. The dome is cut into
the 145 patches of Tregenza (1987, "Subdivision of the sky hemisphere for luminance measurements", Lighting
Research and Technology 19:13-14).

Brightness is given as the radiosity of a patch: pi times its radiance, W/m2, so that a dome of equal patches
of radiosity J puts exactly J on a horizontal plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEFAN_BOLTZMANN = 5.670374419e-8
"""W/(m2 K4), CODATA 2018."""

CARDINALS_DEG = (0.0, 90.0, 180.0, 270.0)
"""What the four upright planes of the six-direction method face: north, east, south, west."""

_BANDS = ((6.0, 30), (18.0, 30), (30.0, 24), (42.0, 24), (54.0, 18), (66.0, 12), (78.0, 6), (90.0, 1))
_HALF_BAND_DEG = 6.0
_FINENESS = 12
_FINENESS_OF_THE_CAP = 288


@dataclass(frozen=True)
class Dome:
    """The patches of the sky.

    Attributes:
        azimuth_deg: Azimuth of each patch's centre, clockwise from north.
        altitude_deg: Altitude of each patch's centre.
        horizontal: View factor of each patch from an upward-facing plane; they add up to 1.
        upright: View factors from upright planes facing north, east, south, west (4 x patches); each row adds
            up to one half.
    """

    azimuth_deg: Floats
    altitude_deg: Floats
    horizontal: Floats
    upright: Floats

    def __len__(self) -> int:
        return len(self.azimuth_deg)

    def angle_to(self, azimuth_deg: Floats, altitude_deg: Floats) -> Floats:
        """Angle in radians between directions (any shape) and all patch centres (last axis)."""
        towards = _unit(azimuth_deg[..., None], altitude_deg[..., None])
        centres = _unit(self.azimuth_deg, self.altitude_deg)
        cosine = sum((a * b for a, b in zip(towards, centres, strict=True)), np.zeros(()))
        return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))


def _unit(azimuth_deg: Floats, altitude_deg: Floats) -> tuple[Floats, Floats, Floats]:
    azimuth, altitude = np.radians(azimuth_deg), np.radians(altitude_deg)
    return np.cos(altitude) * np.cos(azimuth), np.cos(altitude) * np.sin(azimuth), np.sin(altitude)


@dataclass(frozen=True)
class _Mosaic:
    """The patches cut into small pieces, for view factors by summation."""

    patch: NDArray[np.intp]
    azimuth: Floats
    altitude: Floats
    solid_angle: Floats

    def view_factor(self, cosine: Floats) -> Floats:
        seen = np.bincount(self.patch, np.maximum(cosine, 0.0) * self.solid_angle / np.pi)
        return np.asarray(seen, dtype=np.float64)


@cache
def _mosaic() -> _Mosaic:
    pieces: list[tuple[Floats, Floats, Floats]] = []
    for altitude, count in _BANDS:
        edges = np.sin(
            np.radians(np.linspace(altitude - _HALF_BAND_DEG, min(altitude + 6.0, 90.0), _FINENESS + 1))
        )
        middles = np.arcsin(0.5 * (edges[:-1] + edges[1:]))
        across = _FINENESS if count > 1 else _FINENESS_OF_THE_CAP
        spread = ((np.arange(across) + 0.5) / across - 0.5) * 2 * np.pi / count
        azimuth, height = np.meshgrid(spread, middles)
        solid = np.repeat(np.diff(edges), across) * 2 * np.pi / count / across
        pieces += [(azimuth.ravel() + 2 * np.pi * i / count, height.ravel(), solid) for i in range(count)]
    patch = np.repeat(np.arange(len(pieces)), [len(piece[0]) for piece in pieces])
    azimuths, altitudes, solids = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return _Mosaic(patch, azimuths, altitudes, solids)


@cache
def dome() -> Dome:
    """The 145 patches, with view factors summed over small pieces of each."""
    azimuth = np.concatenate([np.arange(count) * 360.0 / count for _, count in _BANDS])
    altitude = np.repeat([band for band, _ in _BANDS], [count for _, count in _BANDS])
    horizontal = _mosaic().view_factor(np.sin(_mosaic().altitude))
    return Dome(azimuth, altitude, horizontal, np.stack([upright_view(facing) for facing in CARDINALS_DEG]))


def upright_view(facing_deg: float) -> Floats:
    """View factors of all patches from an upright plane that faces ``facing_deg``."""
    mosaic = _mosaic()
    return mosaic.view_factor(np.cos(mosaic.altitude) * np.cos(mosaic.azimuth - np.radians(facing_deg)))


# Perez, Seals and Michalsky 1993, table 1: per clearness bin the coefficients 1..4 of a, b, c, d and e.
_PEREZ_EDGES = (1.065, 1.23, 1.50, 1.95, 2.80, 4.50, 6.20)
_PEREZ = np.array(
    [
        1.3525, -0.2576, -0.2690, -1.4366, -0.7670, 0.0007, 1.2734, -0.1233,
        2.8000, 0.6004, 1.2375, 1.0000, 1.8734, 0.6297, 0.9738, 0.2809,
        0.0356, -0.1246, -0.5718, 0.9938,
        -1.2219, -0.7730, 1.4148, 1.1016, -0.2054, 0.0367, -3.9128, 0.9156,
        6.9750, 0.1774, 6.4477, -0.1239, -1.5798, -0.5081, -1.7812, 0.1080,
        0.2624, 0.0672, -0.2190, -0.4285,
        -1.1000, -0.2515, 0.8952, 0.0156, 0.2782, -0.1812, -4.5000, 1.1766,
        24.7219, -13.0812, -37.7000, 34.8438, -5.0000, 1.5218, 3.9229, -2.6204,
        -0.0156, 0.1597, 0.4199, -0.5562,
        -0.5484, -0.6654, -0.2672, 0.7117, 0.7234, -0.6219, -5.6812, 2.6297,
        33.3389, -18.3000, -62.2500, 52.0781, -3.5000, 0.0016, 1.1477, 0.1062,
        0.4659, -0.3296, -0.0876, -0.0329,
        -0.6000, -0.3566, -2.5000, 2.3250, 0.2937, 0.0496, -5.6812, 1.8415,
        21.0000, -4.7656, -21.5906, 7.2492, -3.5000, -0.1554, 1.4062, 0.3988,
        0.0032, 0.0766, -0.0656, -0.1294,
        -1.0156, -0.3670, 1.0078, 1.4051, 0.2875, -0.5328, -3.8500, 3.3750,
        14.0000, -0.9999, -7.1406, 7.5469, -3.4000, -0.1078, -1.0750, 1.5702,
        -0.0672, 0.4016, 0.3017, -0.4844,
        -1.0000, 0.0211, 0.5025, -0.5119, -0.3000, 0.1922, 0.7023, -1.6317,
        19.0000, -5.0000, 1.2438, -1.9094, -4.0000, 0.0250, 0.3844, 0.2656,
        1.0468, -0.3788, -2.4517, 1.4656,
        -1.0500, 0.0289, 0.4260, 0.3590, -0.3250, 0.1156, 0.7781, 0.0025,
        31.0625, -14.5000, -46.1148, 55.3750, -7.2312, 0.4050, 13.3500, 0.6234,
        1.5000, -0.6426, 1.8564, 0.5636,
    ]
).reshape(8, 5, 4)  # fmt: skip


def diffuse_radiosity(
    diffuse_w_m2: Floats,
    direct_normal_w_m2: Floats,
    sun_azimuth_deg: Floats,
    sun_altitude_deg: Floats,
    extraterrestrial_w_m2: Floats,
) -> Floats:
    """Short-wave radiosity of each patch under an all-weather sky, W/m2 (steps x patches).

    Each row puts exactly ``diffuse_w_m2`` on an open horizontal plane.

    Source: Perez, Seals and Michalsky 1993, "All-weather model for sky luminance distribution", Solar Energy
    50:235-245, equations 1 to 8. All arguments have one entry per step.
    """
    altitude = np.maximum(sun_altitude_deg, 0.5)
    a, b, c, d, e = _perez_shape(diffuse_w_m2, direct_normal_w_m2, altitude, extraterrestrial_w_m2)
    sky = dome()
    from_sun = sky.angle_to(sun_azimuth_deg, altitude)
    towards_horizon = 1 + a * np.exp(b / np.sin(np.radians(sky.altitude_deg)))
    towards_sun = 1 + c * np.exp(d * from_sun) + e * np.cos(from_sun) ** 2
    luminance = np.maximum(towards_horizon * towards_sun, 0.0)
    # The fit has no meaning for the faintest light: there the sky is even.
    luminance[luminance @ sky.horizontal < 0.01] = 1.0
    return np.asarray(luminance * (np.maximum(diffuse_w_m2, 0.0) / (luminance @ sky.horizontal))[:, None])


def _perez_shape(
    diffuse: Floats, direct: Floats, altitude_deg: Floats, extraterrestrial: Floats
) -> list[Floats]:
    zenith = np.radians(90.0 - altitude_deg)
    scattered = np.maximum(diffuse, 1e-3)
    clearness = ((scattered + direct) / scattered + 1.041 * zenith**3) / (1 + 1.041 * zenith**3)
    # Kasten and Young 1989.
    air_mass = 1 / (np.cos(zenith) + 0.50572 * (altitude_deg + 6.07995) ** -1.6364)
    brightness = np.clip(scattered * air_mass / extraterrestrial, 0.01, 0.6)
    which = np.searchsorted(_PEREZ_EDGES, clearness, side="right")
    table = _PEREZ[which]
    shape = table[..., 0] + table[..., 1] * zenith[:, None]
    shape += brightness[:, None] * (table[..., 2] + table[..., 3] * zenith[:, None])
    overcast = which == 0
    c, d = table[overcast, 2], table[overcast, 3]
    delta, z = brightness[overcast], zenith[overcast]
    shape[overcast, 2] = np.exp(np.maximum(delta * (c[:, 0] + c[:, 1] * z), 0.0) ** c[:, 2]) - c[:, 3]
    shape[overcast, 3] = -np.exp(delta * (d[:, 0] + d[:, 1] * z)) + d[:, 2] + delta * d[:, 3]
    return [shape[:, i, None] for i in range(5)]


def clear_sky_emissivity(vapour_pressure_hpa: Floats) -> Floats:
    """Emissivity of a cloudless sky from the vapour pressure near the ground.

    Source: Brunt 1932, "Notes on radiation in the atmosphere", QJRMS 58:389-420, with the coefficients that
    he found for Benson, England. They were fitted to means over days and months, so give them daily means.
    """
    return np.asarray(0.52 + 0.065 * np.sqrt(np.maximum(vapour_pressure_hpa, 0.0)))


def cloudy_sky_emissivity(clear_emissivity: Floats, cloud_share: Floats) -> Floats:
    """Emissivity of a sky of which clouds cover a share.

    Source: Martin and Berdahl 1984, "Characteristics of infrared sky radiation in the United States", Solar
    Energy 33:321-336: low clouds make up 0.9 of what the clear sky lacks.
    """
    return np.asarray(clear_emissivity + (1 - clear_emissivity) * cloud_share * 0.9)


def sky_radiosity(temperature_c: Floats, emissivity: Floats, cloud_share: Floats) -> Floats:
    """Long-wave radiosity of each patch, W/m2 (steps x patches): colder overhead than at the horizon.

    Each row puts emissivity x sigma T^4 on an open horizontal plane.

    Source: Unsworth and Monteith 1975, "Long-wave radiation at the ground. I. Angular distribution of
    incoming radiation", QJRMS 101:13-24: emissivity grows by 0.09 ln(sec zenith angle) in a clear sky.
    """
    sky = dome()
    slant = np.log(1 / np.sin(np.radians(sky.altitude_deg)))
    lift = 0.09 * (slant - slant @ sky.horizontal)
    by_patch = np.clip(emissivity[:, None] + (1 - cloud_share)[:, None] * lift, 0.0, 1.0)
    return np.asarray(by_patch * black_body(temperature_c)[:, None])


def black_body(temperature_c: Floats) -> Floats:
    """What a black surface at a temperature emits, W/m2."""
    return np.asarray(STEFAN_BOLTZMANN * (temperature_c + 273.15) ** 4)
