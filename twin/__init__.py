"""The core of Twinbox: programme and rule, plug-in contract, world, runs, results, store.

Example::

    import twin

    result = twin.run("transport", cities=["tallinn", "rae"], days=1, seed=1)
    result.save("my-run")
    twin.open_result("my-run").kpis
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.result import Result, open_result
    from twin.simulate import run

__all__ = ["Result", "open_result", "run"]


def __getattr__(name: str) -> Any:
    # Imported on first use: the scientific libraries take a second that `twinbox --help` does not have.
    if name == "run":
        from twin.simulate import run

        return run
    if name in {"Result", "open_result"}:
        from twin import result

        return getattr(result, name)
    raise AttributeError(f"module 'twin' has no attribute {name!r}")
