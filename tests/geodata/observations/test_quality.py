"""Flags of the quality tests: by definition, by property, and equal to those of ioos_qc where it is there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geodata.errors import InvalidInput
from geodata.observations.quality import (
    Flag,
    attenuated_signal,
    flat_line,
    gap,
    gross_range,
    rate_of_change,
    spike,
    worst,
)

SECOND = 1_000_000_000
GOOD, UNKNOWN, SUSPECT, FAIL, MISSING = (int(flag) for flag in Flag)


def clock(count: int, step_s: int = 60) -> np.ndarray:
    return np.arange(count) * step_s * SECOND


def test_gross_range_takes_the_sensor_before_the_room():
    flags = gross_range([250, 350, 600, 6000, 20_000, np.nan], (300, 10_000), (380, 5000))
    assert flags.tolist() == [FAIL, SUSPECT, GOOD, SUSPECT, FAIL, MISSING]
    with pytest.raises(InvalidInput):
        gross_range([1.0], (0, 10), (5, 20))


def test_a_spike_is_far_from_the_mean_of_its_neighbours():
    assert spike([500, 500, 900, 500, 500], 100, 300).tolist() == [UNKNOWN, SUSPECT, FAIL, SUSPECT, UNKNOWN]
    assert spike([500, 500, 900, 500, 500], 100, 300, "differential").tolist() == [
        UNKNOWN,
        GOOD,
        FAIL,
        GOOD,
        UNKNOWN,
    ]
    assert spike([500, np.nan, 500, 510, 520], 100, 300).tolist() == [
        UNKNOWN,
        MISSING,
        UNKNOWN,
        GOOD,
        UNKNOWN,
    ]


def test_rates_are_per_second():
    flags = rate_of_change([20, 26, 26, 86], clock(4), 0.05, 0.5)
    assert flags.tolist() == [GOOD, SUSPECT, GOOD, FAIL]


def test_a_flat_line_needs_its_whole_stretch():
    values = np.array([1.0, 2, 5, 5, 5, 5, 5, 5, 5, 9])
    assert flat_line(values, clock(10), 180, 300, 0.1).tolist() == [GOOD] * 5 + [SUSPECT] * 2 + [FAIL] * 2 + [
        GOOD
    ]
    with pytest.raises(InvalidInput):
        flat_line([1.0, 1, 1], np.array([0, 1, 2]), 10, 20)


def test_a_gap_marks_the_value_after_the_silence():
    assert gap(np.array([0, 60, 120, 900, 960]) * SECOND, 300).tolist() == [GOOD, GOOD, GOOD, FAIL, GOOD]


def test_the_worst_verdict_counts():
    a = np.array([GOOD, GOOD, MISSING, UNKNOWN], dtype=np.uint8)
    b = np.array([FAIL, SUSPECT, GOOD, MISSING], dtype=np.uint8)
    assert worst(a, b).tolist() == [FAIL, SUSPECT, GOOD, UNKNOWN]


SERIES = arrays(
    np.float64,
    st.integers(1, 80),
    elements=st.sampled_from([np.nan, np.inf, *np.round(np.arange(-3, 3, 0.25), 2)]),
)


@settings(deadline=None)
@given(SERIES, st.floats(-50, 50))
def test_flags_do_not_depend_on_where_zero_is(values, shift):
    time = clock(values.size)
    shift = round(shift * 4) / 4
    for test in (
        lambda x: spike(x, 0.6, 1.6),
        lambda x: rate_of_change(x, time, 0.011, 0.031),
        lambda x: flat_line(x, time, 180, 360, 0.3),
    ):
        np.testing.assert_array_equal(test(values), test(values + shift))


@settings(deadline=None)
@given(SERIES)
def test_a_flat_line_is_what_a_plain_loop_says(values):
    flags = flat_line(values, clock(values.size), 180, 360, 0.3)
    if values.size < 3:
        return
    for i, flag in enumerate(flags):
        if not np.isfinite(values[i]):
            assert flag == MISSING
            continue
        expected = GOOD
        for steps, verdict in ((3, SUSPECT), (6, FAIL)):
            window = values[i - steps : i + 1] if i >= steps else np.array([])
            window = window[np.isfinite(window)]
            if window.size and window.max() - window.min() < 0.3:
                expected = verdict
        assert flag == expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_flags_are_equal_to_those_of_ioos_qc(seed):
    qartod = pytest.importorskip("ioos_qc.qartod", reason="ioos_qc is a peer and no dependency")
    rng = np.random.default_rng(seed)
    x = np.round(np.cumsum(rng.normal(0, 1, 150)), seed % 3)
    x[rng.random(150) < 0.1 * (seed % 2)] = np.nan
    start = rng.integers(0, 130)
    x[start : start + 20] = x[start]
    time = np.cumsum(rng.choice([59, 60, 61, 300], 150)) * SECOND
    stamps = time.astype("datetime64[ns]")
    pairs = [
        (gross_range(x, (-20, 20), (-8, 8)), qartod.gross_range_test(x, (-20, 20), (-8, 8))),
        (spike(x, 1.5, 4), qartod.spike_test(x, 1.5, 4)),
        (spike(x, 1.5, 4, "differential"), qartod.spike_test(x, 1.5, 4, method="differential")),
        (rate_of_change(x, time, 0.02, 0.05), qartod.rate_of_change_test(x, stamps, 0.02, 0.05)),
        (flat_line(x, time, 300, 600, 0.5), qartod.flat_line_test(x, stamps, 300, 600, 0.5)),
        (
            attenuated_signal(x, time, 0.8, 0.3, period_s=600),
            qartod.attenuated_signal_test(x, stamps, 0.8, 0.3, test_period=600),
        ),
    ]
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, np.asarray(theirs))
