"""How sure a mean over replications is.

Source: Law, Simulation Modeling and Analysis, section 4.5 (confidence interval for a mean).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def mean_interval(values: npt.NDArray[np.float64]) -> tuple[float, float, float, int]:
    """Mean, 95 % interval by Student's t, and number of the values that are numbers.

    The interval is NaN below two values.
    """
    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return math.nan, math.nan, math.nan, 0
    mean = float(values.mean())
    if n == 1:
        return mean, math.nan, math.nan, 1
    # Imported here: it takes half a second that a single run does not need.
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.975) * values.std(ddof=1) / math.sqrt(n))
    return mean, mean - half, mean + half, n
