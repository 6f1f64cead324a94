"""``python -m pilots.green.exports RUN --city CITY --to FOLDER``: a stored run's trees for others' tools."""

from __future__ import annotations

import argparse
import sys

from geodata.errors import NotReady, TwinboxError
from pilots.green.exports.stored import areas_of, export
from twin.store import RunStore


def main(arguments: list[str]) -> int:
    """Export the trees of a run; the exit code is 2 if something is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m pilots.green.exports", description=__doc__)
    parser.add_argument("run", help="a run of the green pilot, as `twinbox runs` lists it")
    parser.add_argument("--city", required=True, help="the city's id")
    parser.add_argument("--year", type=int, help="one of the years that the run keeps; the last if left out")
    parser.add_argument("--to", required=True, help="an empty or new folder")
    given = parser.parse_args(arguments)
    try:
        result = RunStore().open(given.run)
        try:
            areas = areas_of(result, given.city)
        except NotReady as error:
            sys.stderr.write(f"without green areas: {error}\n")
            areas = None
        paths = export(result, given.city, given.to, given.year, areas)
    except TwinboxError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.writelines(f"{path}\n" for path in paths)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
