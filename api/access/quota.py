"""How much a tenant may ask in a minute and in a month, counted in memory, told in every answer's headers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from api.problems import QuotaExceeded


@dataclass
class _Count:
    window: int
    used: int


class Quotas:
    """Counts requests of tenants against their quotas.

    Args:
        limits: Gives a tenant's requests per minute and per month.
        used: Gives what the ledger has of a tenant's month already, asked once a tenant and month.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        limits: Callable[[str], tuple[int, int]],
        used: Callable[[str, str], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._limits, self._used, self._clock = limits, used, clock
        self._minutes: dict[str, _Count] = {}
        self._months: dict[tuple[str, str], int] = {}

    def take(self, who: str, tenant: str) -> dict[str, str]:
        """Count one request.

        Args:
            who: Whose minute it is: the tenant, or the address of a caller without a key.
            tenant: Whose month it is.

        Returns:
            Headers that tell what is left.

        Raises:
            QuotaExceeded: Nothing is left.
        """
        at = self._clock()
        per_minute, per_month = self._limits(tenant)
        window = int(at // 60)
        count = self._minutes.get(who)
        if count is None or count.window != window:
            if len(self._minutes) > 100_000:
                self._minutes.clear()
            count = self._minutes[who] = _Count(window, 0)
        month = (tenant, time.strftime("%Y-%m", time.gmtime(at)))
        if month not in self._months:
            self._months[month] = self._used(*month)
        reset = int((window + 1) * 60 - at) + 1
        if count.used >= per_minute:
            raise QuotaExceeded("too many requests in this minute", reset, expected=f"{per_minute} a minute")
        if self._months[month] >= per_month:
            raise QuotaExceeded("the month's requests are used up", 86_400, expected=f"{per_month} a month")
        count.used += 1
        self._months[month] += 1
        return {
            "RateLimit-Limit": str(per_minute),
            "RateLimit-Remaining": str(per_minute - count.used),
            "RateLimit-Reset": str(reset),
            "X-Quota-Remaining": str(per_month - self._months[month]),
        }
