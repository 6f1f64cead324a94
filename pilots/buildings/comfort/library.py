"""Calls to pythermalcomfort without its warnings, which say what its missing numbers say already."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Without the library's warnings; numbers out of its range come back as not a number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield
