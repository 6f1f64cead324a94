"""Where the tasks of a sweep are computed: here, or in several processes of this machine.

A task is a function of plain values that writes its own result; an engine only decides where it runs, so
that every engine gives the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Protocol

from twin.errors import RunFailed

Task = Mapping[str, Any]


class Engine(Protocol):
    """Computes tasks."""

    def compute(self, work: Callable[[Task], None], tasks: Sequence[Task]) -> Iterator[None]:
        """Call ``work`` on each task; yields once for each done, raises the first error at the end."""


class Serial:
    """One task after another in this process."""

    def compute(self, work: Callable[[Task], None], tasks: Sequence[Task]) -> Iterator[None]:
        """See :class:`Engine`."""
        for task in tasks:
            work(task)
            yield


class Processes:
    """Several tasks at once, each in a fresh process of this machine.

    Args:
        workers: How many; as many as there are processors if left out.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or os.cpu_count() or 1

    def compute(self, work: Callable[[Task], None], tasks: Sequence[Task]) -> Iterator[None]:
        """See :class:`Engine`."""
        first_error: BaseException | None = None
        # Spawned, not forked: a child must not inherit locks of threads that only the parent has.
        with ProcessPoolExecutor(self.workers, mp_context=get_context("spawn")) as pool:
            futures: list[Future[None]] = [pool.submit(work, task) for task in tasks]
            for future in as_completed(futures):
                error = future.exception()
                if error is None:
                    yield
                elif first_error is None:
                    first_error = error
        if isinstance(first_error, BrokenProcessPool):
            raise RunFailed(
                "a worker process died: it crashed or was killed, perhaps for want of memory",
                hint="what is done is kept; the same command goes on from there",
            ) from first_error
        if first_error is not None:
            raise first_error
