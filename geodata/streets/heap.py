"""A heap in two arrays, for label-setting searches in compiled code.

Its size is kept by the caller. An entry whose key is no longer its node's label is stale: the caller passes
it over when it comes up, which is cheaper than moving entries within the heap.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

BRANCHES = 4
"""Four children a node: a flatter heap than a binary one, which touches less memory."""


class Heap(NamedTuple):
    """Work space: keys and the nodes they belong to, the least key first."""

    keys: NDArray[np.float64]
    nodes: NDArray[np.int32]


def new_heap(room: int) -> Heap:
    """An empty heap with room for so many entries, stale ones included."""
    return Heap(np.empty(room), np.empty(room, np.int32))


@nb.njit(cache=True, nogil=True)
def push(heap: Heap, size: int, key: float, node: int) -> int:
    """Add an entry to a heap of *size* entries; returns the new size."""
    at = size
    while at > 0:
        parent = (at - 1) // BRANCHES
        if heap.keys[parent] <= key:
            break
        heap.keys[at] = heap.keys[parent]
        heap.nodes[at] = heap.nodes[parent]
        at = parent
    heap.keys[at] = key
    heap.nodes[at] = node
    return size + 1


@nb.njit(cache=True, nogil=True)
def drop_first(heap: Heap, size: int) -> int:
    """Remove the least of *size* entries; returns the new size."""
    last = size - 1
    key = heap.keys[last]
    at = 0
    while True:
        child = BRANCHES * at + 1
        if child >= last:
            break
        for other in range(child + 1, min(BRANCHES * at + 1 + BRANCHES, last)):
            if heap.keys[other] < heap.keys[child]:
                child = other
        if heap.keys[child] >= key:
            break
        heap.keys[at] = heap.keys[child]
        heap.nodes[at] = heap.nodes[child]
        at = child
    heap.keys[at] = key
    heap.nodes[at] = heap.nodes[last]
    return last
