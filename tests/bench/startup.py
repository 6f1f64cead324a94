"""How long `twinbox --help` takes, beside a Python that does nothing, in one run."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np

REPEATS = 15
BARE = [sys.executable, "-c", "pass"]
HELP = [sys.executable, "-c", "from api.cli import main; main()", "--help"]
RUN_HELP = [sys.executable, "-c", "from api.cli import main; main()", "run", "--help"]


def measured(command: list[str]) -> tuple[float, float]:
    """CPU and wall seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    """Call each in turn, so that a busy machine slows all alike."""
    commands = (BARE, HELP, RUN_HELP)
    times = np.array([[measured(command) for command in commands] for _ in range(REPEATS)])
    cpu, wall = np.median(times, axis=0).T
    titles = ("python -c pass", "twinbox --help", "twinbox run --help")
    for title, own, clock, asked in zip(titles, cpu, wall, ("", "asked < 0.4 s", ""), strict=True):
        print(f"{title:20} CPU {own:5.3f} s   wall {clock:5.3f} s   ratio {own / cpu[0]:5.1f}   {asked}")


if __name__ == "__main__":
    main()
