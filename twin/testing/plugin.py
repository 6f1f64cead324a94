"""The pytest plug-in that comes with Twinbox: contract tests for pilot teams, for nothing.

Example::

    def test_contract(pilot_contract):
        pilot_contract("street_lamps")
"""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def pilot_contract() -> Callable[..., None]:
    """A function that inspects an installed pilot and fails the test with every sentence that is not true."""

    def inspect(pilot_id: str, days: int | None = None) -> None:
        from twin.testing.contract import check

        report = check(pilot_id, days)
        faults = [f"{check.title}: {check.detail}" for check in report.checks if not check.passed]
        if faults:
            pytest.fail(f"the pilot {pilot_id} breaks the contract:\n  " + "\n  ".join(faults), pytrace=False)

    return inspect
