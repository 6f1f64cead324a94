"""Rows of a matrix shared out among threads that run compiled code."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def in_parallel(fill: Callable[[slice], None], rows: int, at_once: int, workers: int | None) -> None:
    """Call ``fill`` with slices of ``rows``; each row is filled once, and alike whoever fills it.

    Args:
        fill: Fills its slice; releases the interpreter's lock while it works.
        rows: How many rows there are.
        at_once: How many to hand out at a time.
        workers: Threads; as many as this process may use processors if None.
    """
    with ThreadPoolExecutor(workers or _processors()) as pool:
        for _ in pool.map(fill, [slice(at, at + at_once) for at in range(0, rows, at_once)]):
            pass


def _processors() -> int:
    """Processors this process may use, where the system can tell; else those there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
