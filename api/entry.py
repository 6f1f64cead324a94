"""A request that has come in: who it is from, what it may, how links of the answer are made, what it used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import quote, urlencode

from fastapi import Depends, Request

from api.access.actions import Action, scope
from api.access.guard import Caller, Target, Verdict
from api.access.usage import Use, mark_of
from api.catalogue.collection import Collection
from api.context import Context, context_of, today
from api.problems import NotFound, Unavailable
from geodata.errors import InvalidInput

LANGUAGES = ("en", "et", "fi")
_MARK_MOST = 200
_HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:]{2,45}\])(:\d{1,5})?")
_READ_ALL = (scope("read:*"),)


@dataclass(frozen=True)
class Entry:
    """What a handler knows of its request."""

    request: Request
    context: Context
    caller: Caller

    def href(self, path: str, **query: str | int | None) -> str:
        """The address of a resource: below the public URL, or relative to this host where none is set."""
        base = self.base
        given = {name.rstrip("_"): value for name, value in query.items() if value is not None}
        text = f"?{urlencode(given, safe='/:,')}" if given else ""
        return f"{base}{quote(path, safe='/:+,@()$')}{text}"

    @cached_property
    def base(self) -> str:
        """What links begin with: nothing, unless a public URL is set or the client needs whole addresses.

        QGIS takes a link for an address as it stands (seen with 3.22), so it gets the host it asked.
        """
        public = self.context.settings.public_url
        return public or (self.host if "QGIS/" in self.request.headers.get("user-agent", "") else "")

    @property
    def host(self) -> str:
        """Scheme and host that the caller asked.

        Raises:
            InvalidInput: The header Host is no host.
        """
        host = self.request.headers.get("host", "localhost")
        if not _HOST.fullmatch(host):
            raise InvalidInput("the header Host is not valid", field="Host")
        return f"{self.request.url.scheme}://{host}"

    @property
    def language(self) -> str:
        """The language the caller reads best, of those Twinbox speaks."""
        return language_of(self.request.headers.get("accept-language", ""))

    def collection(self, collection_id: str) -> Collection:
        """The collection of this id.

        Raises:
            NotFound: There is none, or it is another tenant's result: the answer is the same.
            Unavailable: The city's generated data are not made yet.
        """
        collection = self.context.catalogue.collections.get(collection_id)
        if collection is None and (city := collection_id.partition(".")[0]) in self.context.coming:
            raise Unavailable(f"the generated data of {city} are being made", field="collectionId")
        if collection is None or not self.sees(collection):
            raise NotFound("there is no such collection", field="collectionId", value=collection_id)
        return collection

    def sees(self, collection: Collection) -> bool:
        """Whether the caller may know that a collection is there.

        Cities' datasets are listed with licence and terms even where the data are not open; results are known
        to those who may read them.
        """
        if not collection.run:
            return True
        reader = Caller(self.caller.tenant, self.caller.key_id, _READ_ALL, self.caller.purpose)
        return self.context.guard.judge(reader, Action.READ, collection.target).allowed

    def visible(self) -> list[Collection]:
        """The collections that the caller may know of."""
        return [item for item in self.context.catalogue.collections.values() if self.sees(item)]

    def readable(self) -> list[Collection]:
        """The collections whose data the caller may read: what a client can open without a refusal."""
        judge = self.context.guard.judge
        return [item for item in self.visible() if judge(self.caller, Action.READ, item.target).allowed]

    def check(self, action: Action, target: Target, operation: str) -> Verdict:
        """Let the caller do something, and have it noted when it is answered.

        Raises:
            NotAuthenticated: A key is needed.
            NotPermitted: It is not permitted; the reasons say why.
        """
        verdict = self.context.guard.check(self.caller, action, target)
        self.note(operation, target.id, contract=verdict.contract)
        return verdict

    def note(self, operation: str, resource: str, *, contract: str = "", features: int = 0) -> None:
        """Say what the answer will be, for the ledger."""
        self.request.state.use = Use(
            self.caller.tenant, self.caller.key_id, contract, operation, resource, features=features
        )

    def count(self, features: int) -> None:
        """Say how many features or values the answer has."""
        use: Use = self.request.state.use
        self.request.state.use = Use(
            use.tenant, use.key_id, use.contract, use.operation, use.resource, features=features
        )


@lru_cache(maxsize=256)
def language_of(accept: str) -> str:
    """The best of Twinbox's languages for an Accept-Language header."""
    wishes = []
    for place, part in enumerate(accept.split(",")[:20]):
        name, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), place, name.lower()[:2]))
        except ValueError:
            continue
    return next((name for _, _, name in sorted(wishes) if name in LANGUAGES), "en")


async def enter(request: Request) -> Entry:
    """Let a request in: its parameters known, its key valid, its tenant within its quota."""
    context = context_of(request)
    check_parameters(request)
    headers = request.headers
    purpose = headers.get("twinbox-purpose")
    caller = await context.guard.caller(headers.get("authorization"), purpose)
    state = request.state
    state.known = caller.known
    address = request.client.host if request.client else ""
    who = caller.tenant if caller.known else f"public {address}"
    state.quota_headers = context.quotas.take(who, caller.tenant)
    entry = Entry(request, context, caller)
    route = request.scope["route"]
    entry.note(route.name, route.path)
    again = headers.get("idempotency-key")
    if again is not None:
        state.mark = _mark(entry, again)
    return entry


def _mark(entry: Entry, key: str) -> str:
    request = entry.request
    if not 1 <= len(key) <= _MARK_MOST or not key.isascii() or not key.isprintable():
        raise InvalidInput("this is no idempotency key", field="Idempotency-Key", expected="1 to 200 letters")
    return mark_of(
        entry.caller.tenant, key, request.method, request.url.path, request.scope["query_string"], today()
    )


def check_parameters(request: Request) -> None:
    """Refuse unknown and repeated query parameters (OGC API Features, requirement query-param-unknown)."""
    if not request.scope["query_string"]:
        return
    route = request.scope["route"]
    known = _known_parameters(route)
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if known is not None and name not in known:
            raise InvalidInput(
                "this query parameter is not known here",
                field=name,
                expected="one of " + ", ".join(sorted(known)) if known else "no parameters",
            )
        if name in seen and not (known and known[name]):
            raise InvalidInput("this query parameter is given twice", field=name)
        seen.add(name)


_KNOWN: dict[tuple[str, str], Mapping[str, bool] | None] = {}


def _known_parameters(route: Any) -> Mapping[str, bool] | None:
    """A route's query parameters and whether each may be repeated; None where it judges them itself."""
    key = (route.name, route.path)
    if key not in _KNOWN:
        own = (route.openapi_extra or {}).get("x-own-parameters")
        _KNOWN[key] = None if own else _names(route.dependant)
    return _KNOWN[key]


def _names(dependant: Any) -> dict[str, bool]:
    names = {field.alias: _is_list(field.field_info.annotation) for field in dependant.query_params}
    for inner in dependant.dependencies:
        names |= _names(inner)
    return names


def _is_list(annotation: Any) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


Visitor = Annotated[Entry, Depends(enter)]


def link(href: str, rel: str, media: str, title: str = "", **more: Any) -> dict[str, Any]:
    """A link: every one says its relation and its type."""
    made: dict[str, Any] = {"href": href, "rel": rel, "type": media}
    if title:
        made["title"] = title
    return made | more


Document = Mapping[str, Any]
