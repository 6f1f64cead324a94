"""The ledger has a row for every answer, once, in a chain; a month adds up to the cent."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from api_world import fresh_database, serving

from api.access.bill import as_csv, month_of
from api.access.policy import Fee, agreement
from api.access.usage import Journal, Use, append, broken_link
from api.store import USAGE, Store, now


def rows(store: Store):
    return store.rows(sa.select(USAGE).order_by(USAGE.c.seq))


@pytest.fixture
def store():
    with fresh_database() as url:
        made = Store(url or "sqlite://")
        yield made
        made.close()


def use(**changes):
    return Use(
        **{"tenant": "acme", "key_id": "k", "contract": "", "operation": "items", "resource": "x"} | changes
    )


def test_a_journal_left_by_a_killed_server_is_folded_once(tmp_path, store):
    journal = Journal(tmp_path / "journal", store)
    for _ in range(10):
        journal.add(use())
    # Killed here: a new server finds the file, and a copy of it, and a line cut short.
    (file,) = (tmp_path / "journal").glob("*.journal")
    (tmp_path / "journal" / "00-copy.journal").write_bytes(file.read_bytes() + b'{"id": "half')
    Journal(tmp_path / "journal", store)
    assert len(rows(store)) == 10
    assert broken_link(store) is None


def test_the_same_mark_counts_once(tmp_path, store):
    journal = Journal(tmp_path / "journal", store)
    journal.add(use(), "order-17")
    journal.fold()
    journal.add(use(), "order-17")
    journal.add(use(), "order-18")
    journal.fold()
    assert len(rows(store)) == 2


def test_a_changed_row_breaks_the_chain(store):
    for number in range(3):
        append(
            store,
            [
                {
                    "id": str(number),
                    "time": "2026-11-01T00:00:00.000000Z",
                    **{
                        n: getattr(use(), n)
                        for n in (
                            "tenant",
                            "key_id",
                            "contract",
                            "operation",
                            "resource",
                            "requests",
                            "features",
                            "bytes",
                            "simulated_h",
                            "cpu_s",
                        )
                    },
                }
            ],
        )
    assert broken_link(store) is None
    with store.write() as connection:
        connection.execute(sa.update(USAGE).where(USAGE.c.seq == 2).values(features=10**6))
    assert broken_link(store) == 2
    with store.write() as connection:
        connection.execute(sa.delete(USAGE).where(USAGE.c.seq == 2))
    assert broken_link(store) == 3


def test_every_answer_is_a_row_and_refusals_are_none(small_world_home, tmp_path):
    for served in serving(small_world_home, tmp_path):
        headers = served.key("acme")
        served.registry.add_contract(
            agreement(
                "acme-1",
                "acme",
                "metsa.buildings",
                fee=Fee(eur_per_request=__import__("decimal").Decimal("0.013")),
            )
        )
        served.context.guard.refresh()
        path = "/collections/metsa.buildings/items?limit=7"
        for _ in range(9):
            assert served.get(path, headers=headers).status_code == 200
        etag = served.get(path, headers=headers).headers["etag"]
        assert served.get(path, headers={**headers, "If-None-Match": etag}).status_code == 304
        for _ in range(3):
            assert served.get(path, headers={**headers, "Idempotency-Key": "one"}).status_code == 200
        assert served.get("/collections/metsa.stops/items", headers=headers).status_code == 403
        assert served.get("/collections/metsa.buildings/items?bogus=1", headers=headers).status_code == 400
        served.context.journal.fold()
        month = now().strftime("%Y-%m")
        (line,) = [
            item
            for item in month_of(served.context.store, month, "acme")
            if item.resource == "metsa.buildings"
        ]
        assert (line.requests, line.contract) == (12, "acme-1")
        assert line.features == 7 * 12
        assert str(line.fee_eur) == "0.16"
        assert broken_link(served.context.store) is None
        told = served.get(f"/usage?month={month}", headers=headers).json()["lines"]
        assert {"resource": "metsa.buildings", "requests": 12}.items() <= told[
            [x["resource"] for x in told].index("metsa.buildings")
        ].items()


def test_an_idempotency_key_is_the_tenants_own(small_world_home, tmp_path):
    for served in serving(small_world_home, tmp_path, open_data=True):
        for tenant in ("one", "two"):
            headers = {**served.key(tenant), "Idempotency-Key": "same"}
            served.get("/collections/metsa.stops/items", headers=headers)
        served.context.journal.fold()
        assert [row["tenant"] for row in rows(served.context.store)] == ["one", "two"]


def test_a_spreadsheet_takes_no_formula_from_a_bill():
    from decimal import Decimal

    from api.access.bill import Line

    line = Line("2026-11", "=cmd()", "", "x", 1, 0, 0, 0.0, 0.0, Decimal(0), Decimal(0))
    assert "\n2026-11,'=cmd()" in as_csv([line])


def test_what_cannot_be_noted_is_not_given(server, is_problem, monkeypatch):
    """A full disk: the caller is told so and nothing is given away unaccounted; then all goes on."""

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(server.context.journal, "add", full)
        problem = is_problem(server.get("/collections/metsa.stops/items"), 503)
        assert "journal" in problem["detail"]
        is_problem(server.get("/collections/nothing"), 404)
    assert server.get("/collections/metsa.stops/items").status_code == 200
