"""How sure a mean over replications is.

Sources: Law, Simulation Modeling and Analysis, section 4.5 (confidence interval for a mean); Brown, Cai &
DasGupta 2001, Statistical Science 16:101-133, section 4 (logit interval for a share).
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


def share_interval(values: npt.NDArray[np.float64], whole: float = 1.0) -> tuple[float, float, float, int]:
    """The same for shares of a whole: the interval, worked out on the logit, stays within 0 and the whole.

    Values that are all 0, or all of the whole, or lie outside, are treated as any numbers.
    """
    mean, low, high, n = mean_interval(values)
    part = mean / whole
    if n < 2 or not 0 < part < 1 or np.nanmin(values) < 0 or np.nanmax(values) > whole:
        return mean, low, high, n
    # The half width on the logit follows from the derivative of the logit at the mean.
    half = (high - low) / whole / 2 / (part * (1 - part))
    middle = math.log(part / (1 - part))
    low, high = (whole / (1 + math.exp(side - middle)) for side in (half, -half))
    # Equal values come back from the logit a last digit off.
    return mean, min(low, mean), max(high, mean), n


def interval(values: npt.NDArray[np.float64], whole: float | None) -> tuple[float, float, float, int]:
    """Mean, 95 % interval and number of values: of a share of a whole, or of any number."""
    return mean_interval(values) if whole is None else share_interval(values, whole)
