"""The mean vote of people about a room, from cold (-3) to hot (+3), and how many are dissatisfied.

Pupils in jumpers (1.0 clo) who sit and listen (1.2 met) vote 0 at about 22 °C; in shirts (0.5 clo) at 24.5
°C.

Source: ISO 7730:2005 and 2025 (Fanger 1970), ASHRAE 55 for moving air; both through pythermalcomfort. A
    year of
many rooms goes through a compiled copy of the same iteration, which the tests hold equal to it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from pilots.buildings.comfort.library import quiet

Floats = NDArray[np.float64]

_MET_W_M2 = 58.15
_STOP = 0.00015


def mean_vote_by_library(
    air_c: ArrayLike,
    radiant_c: ArrayLike,
    air_speed_m_s: ArrayLike,
    humidity_percent: ArrayLike,
    activity_met: ArrayLike,
    clothing_clo: ArrayLike,
    *,
    standard: Literal["ISO", "ASHRAE"] = "ISO",
    limited: bool = True,
    own_fans: bool = True,
) -> tuple[Floats, Floats]:
    """Mean vote and share of dissatisfied as pythermalcomfort gives them.

    Args:
        air_c: Air temperature.
        radiant_c: Mean radiant temperature.
        air_speed_m_s: Air speed relative to the body.
        humidity_percent: Relative humidity.
        activity_met: Metabolic rate, met.
        clothing_clo: Clothing, clo.
        standard: ISO 7730, or ASHRAE 55 which counts moving air as cooler air.
        limited: Whether inputs beyond the model's limits give no number.
        own_fans: Whether people control the air speed themselves; without, ASHRAE 55 allows less of it.

    Returns:
        Predicted mean vote, and predicted percentage of dissatisfied, %.
    """
    from pythermalcomfort.models import pmv_ppd_ashrae, pmv_ppd_iso

    given = {
        "tdb": air_c,
        "tr": radiant_c,
        "vr": air_speed_m_s,
        "rh": humidity_percent,
        "met": activity_met,
        "clo": clothing_clo,
        "limit_inputs": limited,
        "round_output": False,
    }
    with quiet():
        result = (
            pmv_ppd_iso(**given) if standard == "ISO" else pmv_ppd_ashrae(**given, airspeed_control=own_fans)
        )
    return np.asarray(result.pmv, dtype=np.float64), np.asarray(result.ppd, dtype=np.float64)


def mean_vote(
    air_c: ArrayLike,
    radiant_c: ArrayLike,
    humidity_percent: ArrayLike,
    *,
    air_speed_m_s: float = 0.1,
    activity_met: float = 1.2,
    clothing_clo: ArrayLike = 1.0,
) -> Floats:
    """Predicted mean vote of ISO 7730, compiled, for a year of many rooms.

    Args:
        air_c: Air temperature, any shape.
        radiant_c: Mean radiant temperature, the same shape.
        humidity_percent: Relative humidity, the same shape or one number.
        air_speed_m_s: Air speed relative to the body, 0 to 1.
        activity_met: Metabolic rate, 0.8 to 4.
        clothing_clo: Clothing, 0 to 2.

    Returns:
        The vote; not a number outside the limits of the standard (air 10 to 30 °C, radiant 10 to 40 °C,
        vapour pressure to 2700 Pa, vote within +-2).
    """
    air, radiant, humidity, clothing = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (air_c, radiant_c, humidity_percent, clothing_clo))
    )
    rows = np.column_stack([value.ravel() for value in (air, radiant, humidity, clothing)])
    return np.asarray(_votes(rows, air_speed_m_s, activity_met)).reshape(air.shape)


def dissatisfied_percent(vote: ArrayLike) -> Floats:
    """Predicted percentage of dissatisfied at a mean vote."""
    v = np.asarray(vote, dtype=np.float64)
    return np.asarray(100.0 - 95.0 * np.exp(-0.03353 * v**4 - 0.2179 * v**2))


@njit(cache=True, error_model="numpy")
def _votes(rows: Floats, speed: float, met: float) -> Floats:
    """Votes of rows of air and radiant temperature, humidity and clothing."""
    votes = np.full(rows.shape[0], np.nan)
    if not (0.0 <= speed <= 1.0 and 0.8 <= met <= 4.0):
        return votes
    for i in range(votes.size):
        air, radiant, humidity, clothing = rows[i]
        pressure = humidity * 10.0 * np.exp(16.6536 - 4030.183 / (air + 235.0))
        if 10.0 <= air <= 30.0 and 10.0 <= radiant <= 40.0 and 0.0 <= clothing <= 2.0 and pressure <= 2700.0:
            vote = _vote(air, radiant, pressure, clothing, speed, met)
            if abs(vote) <= 2.0:
                votes[i] = vote
    return votes


@njit(cache=True, error_model="numpy")
def _vote(air: float, radiant: float, pressure: float, clo: float, speed: float, met: float) -> float:
    """ISO 7730, annex D, symbols of the standard; temperatures in the iteration are hundredths of kelvins."""
    i_cl = 0.155 * clo
    m = met * _MET_W_M2
    f_cl = 1.0 + 1.29 * i_cl if i_cl <= 0.078 else 1.05 + 0.645 * i_cl
    forced = 12.1 * np.sqrt(speed)
    t_a, t_r = air + 273.0, (radiant + 273.0) / 100.0
    waves = t_r * t_r * t_r * t_r
    p_1 = i_cl * f_cl
    p_2, p_3, p_4 = p_1 * 3.96, p_1 * 100.0, p_1 * t_a
    p_5 = 308.7 - 0.028 * m + p_2 * waves
    x_n = (t_a + (35.5 - air) / (3.5 * (6.45 * i_cl + 0.1))) / 100.0
    x_f = 2.0 * x_n
    film = forced
    while abs(x_n - x_f) > _STOP:
        x_f = 0.5 * (x_f + x_n)
        film = max(2.38 * np.sqrt(np.sqrt(abs(100.0 * x_f - t_a))), forced)
        square = x_f * x_f
        x_n = (p_5 + p_4 * film - p_2 * square * square) / (100.0 + p_3 * film)
    clothes = 100.0 * x_n - 273.0
    square = x_n * x_n
    losses = 3.05e-3 * (5733.0 - 6.99 * m - pressure)
    losses += max(0.42 * (m - _MET_W_M2), 0.0)
    losses += 1.7e-5 * m * (5867.0 - pressure) + 0.0014 * m * (34.0 - air)
    losses += 3.96 * f_cl * (square * square - waves) + f_cl * film * (clothes - air)
    return float((0.303 * np.exp(-0.036 * m) + 0.028) * (m - losses))
