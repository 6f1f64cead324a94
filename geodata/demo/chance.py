"""Chance with a name: each theme of each demo city draws from a stream of its own."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(*names: str) -> np.random.Generator:
    """The random stream of a name, the same on every machine: ``stream("tallinn", "trees")``."""
    seed = hashlib.sha256("/".join(["twinbox demo", *names]).encode()).digest()[:16]
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
