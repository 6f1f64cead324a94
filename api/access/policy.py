"""Usage contracts: who may use which dataset for what purpose until when, and what it costs (ODRL 2.2).

A contract is an ODRL *Agreement* in JSON-LD. Twinbox enforces the subset below and **refuses a policy that
says anything else**: a term that nobody evaluates would be a promise that nobody keeps.

- actions ``use`` (read), ``distribute`` (download), ``derive`` (run a process on it), ``index`` is not known
- constraints on a permission: ``dateTime`` (``lt``, ``lteq``, ``gt``, ``gteq``), ``recipient`` (``eq``,
``isAnyOf``:
  the tenant), ``purpose`` (``eq``, ``isAnyOf``: what the header ``Twinbox-Purpose`` must say)
- prohibitions of the same actions, without constraints other than these
- one duty ``compensate`` on a permission, with the terms of :class:`Fee` as ``twb:`` members

What is not permitted is prohibited; a prohibition beats a permission.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any

from api.access.actions import Action
from geodata.errors import InvalidInput

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
ACTIONS = {"use": Action.READ, "distribute": Action.DOWNLOAD, "derive": Action.RUN}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}
_FEES = ("eur_per_month", "eur_per_request", "eur_per_1000_features", "eur_per_gb", "eur_per_simulated_hour")


@dataclass(frozen=True)
class Fee:
    """What use under a contract costs, and which share of it goes to the data's owner.

    Attributes:
        eur_per_month: Flat, for each month in which the contract holds for at least one day.
        eur_per_request: For each answered request.
        eur_per_1000_features: For each thousand features or values of a coverage's answer.
        eur_per_gb: For each 10^9 bytes of answers.
        eur_per_simulated_hour: For each simulated hour of runs.
        owner_share: Share of the fee, 0 to 1, that is due to the city whose data they are.
    """

    eur_per_month: Decimal = Decimal(0)
    eur_per_request: Decimal = Decimal(0)
    eur_per_1000_features: Decimal = Decimal(0)
    eur_per_gb: Decimal = Decimal(0)
    eur_per_simulated_hour: Decimal = Decimal(0)
    owner_share: Decimal = Decimal(0)


@dataclass(frozen=True)
class Constraint:
    """One condition of a permission."""

    left: str
    compare: str
    right: tuple[str, ...]

    def holds(self, tenant: str, purpose: str | None, at: datetime) -> str:
        """Why the condition does not hold; empty if it does."""
        if self.left == "dateTime":
            if _COMPARE[self.compare](at, _instant(self.right[0])):
                return ""
            return f"the contract asks for dateTime {self.compare} {self.right[0]}"
        given = tenant if self.left == "recipient" else purpose
        if given in self.right:
            return ""
        hint = "; say it in the header Twinbox-Purpose" if self.left == "purpose" else ""
        return f"the contract asks for {self.left} {' or '.join(self.right)}{hint}"


@dataclass(frozen=True)
class Rule:
    """A permission or a prohibition of one policy."""

    target: str
    actions: frozenset[str]
    constraints: tuple[Constraint, ...]

    def concerns(self, action: str, resource: str) -> bool:
        """Whether the rule speaks of an action on a resource."""
        return action in self.actions and fnmatchcase(resource, self.target)


@dataclass(frozen=True)
class Policy:
    """A contract's policy, understood."""

    id: str
    tenant: str
    permissions: tuple[Rule, ...]
    prohibitions: tuple[Rule, ...]
    fee: Fee

    def judge(self, action: str, resource: str, purpose: str | None, at: datetime) -> tuple[bool, list[str]]:
        """Whether the contract permits an action, and the reasons why not.

        No reasons and no permission mean that the contract does not speak of it.
        """
        for rule in self.prohibitions:
            if rule.concerns(action, resource) and not _unmet(rule, self.tenant, purpose, at):
                return False, [f"contract {self.id} prohibits it"]
        reasons: list[str] = []
        for rule in self.permissions:
            if rule.concerns(action, resource):
                unmet = _unmet(rule, self.tenant, purpose, at)
                if not unmet:
                    return True, []
                reasons += [f"contract {self.id}: {reason}" for reason in unmet]
        return False, reasons


def _unmet(rule: Rule, tenant: str, purpose: str | None, at: datetime) -> list[str]:
    reasons = (constraint.holds(tenant, purpose, at) for constraint in rule.constraints)
    return [reason for reason in reasons if reason]


def understand(document: Mapping[str, Any]) -> Policy:
    """Read a policy, refusing whatever would not be enforced.

    Args:
        document: An ODRL Agreement as JSON-LD with the ODRL context.

    Raises:
        InvalidInput: A member, action, constraint or duty is not of the enforced subset.
    """
    known = {"@context", "@type", "uid", "profile", "permission", "prohibition", "assignee", "assigner"}
    _only(document, known, "/")
    if document.get("@type") not in ("Agreement", "odrl:Agreement"):
        raise _refused("/@type", document.get("@type"), "Agreement")
    tenant = document.get("assignee")
    uid = document.get("uid")
    if not isinstance(tenant, str) or not isinstance(uid, str):
        raise _refused("/assignee", tenant, "the tenant's id, and a uid")
    permissions, fees = [], []
    for index, item in enumerate(_list(document.get("permission"), "/permission")):
        rule, fee = _rule(item, f"/permission/{index}", duties=True)
        permissions.append(rule)
        fees += [fee] if fee else []
    if not permissions or len(set(fees)) > 1:
        raise _refused("/permission", None, "at least one permission, and one compensation for all of them")
    prohibitions = [
        _rule(item, f"/prohibition/{index}", duties=False)[0]
        for index, item in enumerate(_list(document.get("prohibition"), "/prohibition"))
    ]
    return Policy(uid, tenant, tuple(permissions), tuple(prohibitions), fees[0] if fees else Fee())


def _rule(item: Any, where: str, *, duties: bool) -> tuple[Rule, Fee | None]:
    if not isinstance(item, Mapping):
        raise _refused(where, item, "an object")
    _only(item, {"target", "action", "constraint", *(("duty",) if duties else ())}, where)
    if not isinstance(item.get("target"), str):
        raise _refused(f"{where}/target", item.get("target"), "a collection's or process's id")
    actions = [_strip(action) for action in _list(item.get("action"), f"{where}/action")]
    if not actions or not set(actions) <= set(ACTIONS):
        raise _refused(f"{where}/action", item.get("action"), "one of " + ", ".join(ACTIONS))
    constraints = [
        _constraint(inner, f"{where}/constraint/{index}")
        for index, inner in enumerate(_list(item.get("constraint"), f"{where}/constraint"))
    ]
    fee = None
    for index, duty in enumerate(_list(item.get("duty"), f"{where}/duty")):
        fee = _fee(duty, f"{where}/duty/{index}")
    covered = frozenset(str(ACTIONS[action]) for action in actions)
    return Rule(item["target"], covered, tuple(constraints)), fee


def _constraint(item: Any, where: str) -> Constraint:
    if not isinstance(item, Mapping):
        raise _refused(where, item, "an object")
    _only(item, {"leftOperand", "operator", "rightOperand"}, where)
    left, compare = _strip(item.get("leftOperand")), _strip(item.get("operator"))
    given = [
        value.get("@value") if isinstance(value, Mapping) else value
        for value in _list(item.get("rightOperand"), f"{where}/rightOperand")
    ]
    values = tuple(value for value in given if isinstance(value, str))
    if not values or len(values) < len(given):
        raise _refused(f"{where}/rightOperand", item.get("rightOperand"), "text")
    allowed = {"dateTime": set(_COMPARE), "recipient": {"eq", "isAnyOf"}, "purpose": {"eq", "isAnyOf"}}
    if left not in allowed:
        raise _refused(f"{where}/leftOperand", left, "one of " + ", ".join(allowed))
    if compare not in allowed[left] or (compare != "isAnyOf" and len(values) > 1):
        raise _refused(f"{where}/operator", compare, "one of " + ", ".join(sorted(allowed[left])))
    if left == "dateTime":
        _instant(values[0])
    return Constraint(left, compare, values)


def _fee(duty: Any, where: str) -> Fee:
    if not isinstance(duty, Mapping):
        raise _refused(where, duty, "an object")
    terms = {f"twb:{name}": name for name in (*_FEES, "owner_share")}
    _only(duty, {"action", *terms}, where)
    if _strip(duty.get("action")) != "compensate":
        raise _refused(f"{where}/action", duty.get("action"), "compensate")
    amounts = {}
    for member, name in terms.items():
        if member not in duty:
            continue
        try:
            amount = Decimal(str(duty[member]))
        except InvalidOperation:
            amount = Decimal(-1)
        if not amount.is_finite() or amount < 0 or (name == "owner_share" and amount > 1):
            raise _refused(f"{where}/{member}", duty[member], "an amount of at least 0; a share of at most 1")
        amounts[name] = amount
    return Fee(**amounts)


def _only(item: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(item) - known)
    if unknown:
        raise _refused(f"{where.rstrip('/')}/{unknown[0]}", None, "one of " + ", ".join(sorted(known)))


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    if len(items) > 100:
        raise _refused(where, len(items), "100 entries at most")
    return items


def _strip(term: Any) -> str:
    text = term if isinstance(term, str) else json.dumps(term, default=str)
    return text.removeprefix("odrl:").removeprefix("http://www.w3.org/ns/odrl/2/")


def _instant(text: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise _refused("dateTime", text, "an RFC 3339 time or a date") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _refused(where: str, value: object, expected: str) -> InvalidInput:
    return InvalidInput(
        "the policy has a term that would not be enforced", field=where, value=value, expected=expected
    )


def agreement(
    uid: str,
    tenant: str,
    target: str,
    *,
    actions: tuple[str, ...] = ("use", "distribute"),
    purposes: tuple[str, ...] = (),
    starts: datetime | None = None,
    until: datetime | None = None,
    fee: Fee | None = None,
) -> dict[str, Any]:
    """An ODRL Agreement of the enforced subset.

    Args:
        uid: The contract's id.
        tenant: Who may use it.
        target: Collection or process, ``*`` within it matching any characters.
        actions: ODRL actions.
        purposes: What the use must be for; any if empty.
        starts: When it begins to hold.
        until: When it ends.
        fee: What it costs.
    """
    constraints: list[dict[str, Any]] = [
        {"leftOperand": "recipient", "operator": "eq", "rightOperand": tenant}
    ]
    for compare, instant in (("gteq", starts), ("lt", until)):
        if instant is not None:
            constraints.append(
                {"leftOperand": "dateTime", "operator": compare, "rightOperand": instant.isoformat()}
            )
    if purposes:
        constraints.append({"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": list(purposes)})
    permission: dict[str, Any] = {"target": target, "action": list(actions), "constraint": constraints}
    if fee is not None and fee != Fee():
        amounts = {f"twb:{name}": str(getattr(fee, name)) for name in (*_FEES, "owner_share")}
        permission["duty"] = [
            {"action": "compensate", **{name: text for name, text in amounts.items() if Decimal(text)}}
        ]
    return {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": uid,
        "assignee": tenant,
        "permission": [permission],
    }
