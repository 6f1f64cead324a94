"""The guard at the door: who is calling, may they do this, and if not, why not.

Verdicts are reached from what the store says of tenants, keys and contracts, read anew every two seconds, so
that a key revoked on the command line is useless moments later while no request waits for the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import anyio.to_thread
import sqlalchemy as sa

from api.access.actions import Action, Scope, scope
from api.access.policy import Policy, understand
from api.access.registry import PUBLIC, Registry, digest_of, in_force, parts_of
from api.problems import NotAuthenticated, NotPermitted
from api.settings import Settings
from api.store import KEYS, RUN_OWNERS, TENANTS, moment, now
from geodata.errors import InvalidInput
from geodata.manifest import Residency, State

if TYPE_CHECKING:
    from api.access.oidc import Issuer

FRESH_S = 2.0
_TOKENS_KEPT = 10_000
_PUBLIC_SCOPES = (scope("read:*"), scope("download:*"), scope("run:*"))


@dataclass(frozen=True)
class Caller:
    """Who is calling.

    Attributes:
        tenant: The tenant's id; ``public`` without a key.
        key_id: The key, ``oidc`` for a token, empty without either.
        scopes: What the key or token may be used for.
        purpose: What the caller says the use is for.
    """

    tenant: str
    key_id: str
    scopes: tuple[Scope, ...]
    purpose: str | None = None

    @property
    def known(self) -> bool:
        """Whether the caller showed a key or token."""
        return self.tenant != PUBLIC


@dataclass(frozen=True)
class Target:
    """What a verdict needs to know of a resource.

    Attributes:
        id: The collection's, process's or stream's id.
        residency: Where its data may go.
        state: Whether it is in production.
        run_id: The run it is a result of; empty for a city's dataset.
    """

    id: str
    residency: Residency = Residency.OPEN
    state: State = State.PRODUCTION
    run_id: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether an action is allowed, under which contract, and if not, why not."""

    allowed: bool = False
    reasons: tuple[str, ...] = ()
    contract: str = ""


@dataclass(frozen=True)
class _KeyRow:
    tenant: str
    secret_sha256: str
    scopes: tuple[Scope, ...]
    expires: str | None
    revoked: str | None


@dataclass(frozen=True)
class _Snapshot:
    """What the store said a moment ago."""

    tenants: Mapping[str, bool] = field(default_factory=dict)
    minute: Mapping[str, int | None] = field(default_factory=dict)
    month: Mapping[str, int | None] = field(default_factory=dict)
    keys: Mapping[str, _KeyRow] = field(default_factory=dict)
    contracts: Mapping[str, tuple[Policy, ...]] = field(default_factory=dict)
    runs: frozenset[tuple[str, str]] = frozenset()


class Guard:
    """Authenticates callers and judges what they want to do.

    Args:
        registry: Tenants, keys and contracts.
        settings: What the operator opens to everyone.
    """

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self.registry, self.settings = registry, settings
        self.issuer = _issuer(settings)
        self._tokens: dict[bytes, tuple[float, Caller]] = {}
        self._lock = threading.Lock()
        self._read_at = -FRESH_S
        self._snapshot = _Snapshot()
        self.refresh()

    def refresh(self) -> None:
        """Read the store again."""
        self._snapshot = _read(self.registry)
        self._read_at = time.monotonic()

    @property
    def snapshot(self) -> _Snapshot:
        """What the store says, at most two seconds old."""
        if time.monotonic() - self._read_at > FRESH_S:
            with self._lock:
                if time.monotonic() - self._read_at > FRESH_S:
                    self.refresh()
        return self._snapshot

    async def caller(self, authorization: str | None, purpose: str | None) -> Caller:
        """Who is calling.

        Raises:
            NotAuthenticated: A key or token is shown but is not valid; a bad key is never taken for none.
        """
        if authorization is None:
            return Caller(PUBLIC, "", _PUBLIC_SCOPES, purpose)
        kind, _, text = authorization.partition(" ")
        text = text.strip()
        if kind.lower() != "bearer" or not text or len(text) > 8192:
            raise NotAuthenticated("the header Authorization is not understood", expected="Bearer and a key")
        if text.startswith("twb_"):
            return self._by_key(text, purpose)
        if self.issuer is None:
            raise NotAuthenticated("the key is not valid", expected="a key in force")
        return await self._by_token(text, purpose)

    def _by_key(self, text: str, purpose: str | None) -> Caller:
        parts = parts_of(text)
        row = self.snapshot.keys.get(parts[0]) if parts else None
        given = digest_of(parts[1] if parts else text)
        # Compared even where there is no such key, so that the time tells nothing.
        same = hmac.compare_digest(given, row.secret_sha256 if row else "0" * 64)
        if row is None or not same or not in_force(row.expires, row.revoked, now()):
            raise NotAuthenticated("the key is not valid", expected="a key in force")
        self._check_tenant(row.tenant)
        return Caller(row.tenant, parts[0] if parts else "", row.scopes, purpose)

    async def _by_token(self, text: str, purpose: str | None) -> Caller:
        assert self.issuer is not None
        mark = hashlib.sha256(text.encode()).digest()
        kept = self._tokens.get(mark)
        if kept is None or kept[0] < time.time():
            claims = await anyio.to_thread.run_sync(self.issuer.claims, text)
            tenant = claims.get(self.issuer.settings.tenant_claim)
            granted = []
            for item in str(claims.get(self.issuer.settings.scope_claim, "")).split():
                try:
                    granted.append(scope(item))
                except InvalidInput:
                    continue  # an issuer's other scopes (openid, email) are not ours to judge
            if not isinstance(tenant, str):
                raise NotAuthenticated("the token names no tenant")
            if len(self._tokens) >= _TOKENS_KEPT:
                self._tokens.clear()
            until = min(float(claims["exp"]), time.time() + 60)
            kept = self._tokens[mark] = (until, Caller(tenant, "oidc", tuple(granted)))
        self._check_tenant(kept[1].tenant)
        return Caller(kept[1].tenant, "oidc", kept[1].scopes, purpose)

    def _check_tenant(self, tenant: str) -> None:
        if not self.snapshot.tenants.get(tenant, False):
            raise NotAuthenticated("the tenant is not known here or is shut out")

    def judge(  # noqa: PLR0911 - one return for each rule, in their order
        self, caller: Caller, action: Action, target: Target, at: datetime | None = None
    ) -> Verdict:
        """Whether a caller may do an action on a target, and why not.

        The order is the strictest first: what never leaves, what is not in production, what a contract
        prohibits, what the key is not for; then contracts, ownership, and what is open.
        """
        at = at or now()
        if target.residency is Residency.STAYS and action is not Action.RUN:
            return Verdict(reasons=("the data stay on their node; pilots may run on them here",))
        if target.state is not State.PRODUCTION:
            return Verdict(reasons=(f"the dataset is in state {target.state}, not in production",))
        covered = any(item.covers(action, target.id) for item in caller.scopes)
        policies = self.snapshot.contracts.get(caller.tenant, ())
        judged = [policy.judge(action, target.id, caller.purpose, at) for policy in policies]
        prohibited = [reason for ok, reasons in judged for reason in reasons if "prohibits" in reason]
        if prohibited:
            return Verdict(reasons=tuple(prohibited))
        if not covered:
            return Verdict(reasons=(f"the key has no scope {action}:{target.id}",))
        for policy, (ok, _) in zip(policies, judged, strict=True):
            if ok:
                return Verdict(allowed=True, contract=policy.id)
        if self._is_open(caller, action, target):
            return Verdict(allowed=True)
        reasons = [reason for _, reasons in judged for reason in reasons]
        return Verdict(reasons=(*reasons, self._why_closed(caller, action, target)))

    def _is_open(self, caller: Caller, action: Action, target: Target) -> bool:
        if action is Action.RUN:
            # A process, or open data that it runs on; on other data a contract must let it run.
            return target.residency is Residency.OPEN and (caller.known or self.settings.open_runs)
        if action in (Action.WRITE, Action.UPLOAD):
            return caller.known
        if target.run_id:
            runs = self.snapshot.runs
            return (target.run_id, caller.tenant) in runs or (target.run_id, PUBLIC) in runs
        return target.residency is Residency.OPEN and self.settings.open_data

    def _why_closed(self, caller: Caller, action: Action, target: Target) -> str:
        if not caller.known:
            return "a key is needed"
        if target.run_id:
            return "the result belongs to another tenant and is not shared"
        if target.residency is Residency.AGREED:
            return f"the dataset is shared by agreement: a contract must permit to {action} {target.id}"
        return f"no contract permits to {action} {target.id}"

    def check(self, caller: Caller, action: Action, target: Target) -> Verdict:
        """The verdict, if it is favourable.

        Raises:
            NotAuthenticated: It is not, and the caller showed no key.
            NotPermitted: It is not, with the reasons.
        """
        verdict = self.judge(caller, action, target)
        if verdict.allowed:
            return verdict
        if not caller.known and target.residency is not Residency.STAYS and target.state is State.PRODUCTION:
            raise NotAuthenticated(
                "a key is needed", field=target.id, hint="send it in the header Authorization: Bearer …"
            )
        raise NotPermitted(f"to {action} {target.id} is not permitted", list(verdict.reasons))


def _read(registry: Registry) -> _Snapshot:
    store = registry.store
    tenants = store.rows(sa.select(TENANTS))
    contracts: dict[str, list[Policy]] = {}
    for row in registry.contracts():
        contracts.setdefault(row["tenant"], []).append(understand(json.loads(row["policy"])))
    at = now()
    return _Snapshot(
        tenants={row["id"]: not row["disabled"] for row in tenants},
        minute={row["id"]: row["requests_per_minute"] for row in tenants},
        month={row["id"]: row["requests_per_month"] for row in tenants},
        keys={
            row["id"]: _KeyRow(
                row["tenant"],
                row["secret_sha256"],
                tuple(scope(text) for text in json.loads(row["scopes"])),
                row["expires"],
                row["revoked"],
            )
            for row in store.rows(sa.select(KEYS).where(KEYS.c.revoked.is_(None)))
            if row["expires"] is None or moment(row["expires"]) > at
        },
        contracts={tenant: tuple(items) for tenant, items in contracts.items()},
        runs=frozenset((row["run_id"], row["tenant"]) for row in store.rows(sa.select(RUN_OWNERS))),
    )


def _issuer(settings: Settings) -> Issuer | None:
    """Checks tokens, where the operator trusts an issuer; only then is cryptography loaded."""
    if settings.oidc is None:
        return None
    from api.access.oidc import Issuer

    return Issuer(settings.oidc)
