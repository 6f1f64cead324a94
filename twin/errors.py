"""What can go wrong in the core, as branches of the one tree of :mod:`geodata.errors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geodata.errors import InvalidInput, NotReady, TwinboxError

if TYPE_CHECKING:
    from twin.programme import Verdict
    from twin.readiness import Readiness


class NotEligible(TwinboxError):
    """The cities of a run do not satisfy the programme's rule."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(
            f"the rule {verdict.rule_id!r} is not satisfied: "
            + "; ".join(r.message for r in verdict.reasons),
            field="cities",
            value=", ".join(verdict.cities) or "none",
        )
        self.verdict = verdict

    def details(self) -> dict[str, Any]:
        """The parts of the error, with the verdict."""
        return {**super().details(), "verdict": self.verdict.model_dump(mode="json")}


class NeedUnmet(NotReady):
    """A city's pack lacks what a pilot needs."""

    def __init__(self, readiness: Readiness) -> None:
        unmet = [check for check in readiness.checks if not check.met and not check.optional]
        super().__init__(
            f"the pack of {readiness.city} is not ready for the pilot {readiness.pilot}: "
            + "; ".join(f"{check.need}: {check.finding}" for check in unmet),
            hint=f"twinbox pack check {readiness.city} --pilot {readiness.pilot} says what to do",
        )
        self.readiness = readiness


class ScenarioInvalid(InvalidInput):
    """A scenario's field is unknown, of the wrong type or out of its bounds.

    Args:
        message: What is wrong.
        pilot: The pilot whose scenario it is, where it is one pilot's.
        where: Field, value and the rest of what an error of Twinbox tells.
    """

    def __init__(self, message: str, *, pilot: str | None = None, **where: Any) -> None:
        super().__init__(message, **where)
        self.pilot = pilot


class PluginRefused(TwinboxError):
    """A plug-in was found but cannot be used."""


class ContractBroken(TwinboxError):
    """A pilot did what its declarations do not cover: an undeclared read, a wrong unit, a cycle."""


class RunFailed(TwinboxError):
    """A pilot raised an error while it was simulated; the cause is chained."""


class DamagedRun(TwinboxError):
    """A stored run's files do not match what its record says."""
