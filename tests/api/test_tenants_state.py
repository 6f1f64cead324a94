"""Random tenants, keys, contracts, datasets: nobody gets what the rules, written down anew, do not give."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from api.access.actions import Action, scopes
from api.access.guard import Caller, Guard, Target
from api.access.policy import agreement
from api.access.registry import PUBLIC, Registry
from api.settings import Settings
from api.store import Store
from geodata.manifest import Residency, State

TENANTS = ("ants", "bees", "cats")
DATASETS = {
    "tallinn.open": Target("tallinn.open"),
    "tallinn.agreed": Target("tallinn.agreed", Residency.AGREED),
    "tartu.stays": Target("tartu.stays", Residency.STAYS),
    "tartu.staging": Target("tartu.staging", state=State.STAGING),
    "run-1.kpis": Target("run-1.kpis", run_id="run-1"),
    "run-2.kpis": Target("run-2.kpis", run_id="run-2"),
}
ACTIONS = (Action.READ, Action.DOWNLOAD)
ODRL = {"use": Action.READ, "distribute": Action.DOWNLOAD}
STEPS = int(os.environ.get("TWINBOX_STATES", "30"))


class Access(RuleBasedStateMachine):
    """The guard beside a model of a few sets."""

    @initialize(open_data=st.booleans())
    def begin(self, open_data):
        self.store = Store("sqlite://")
        self.registry = Registry(self.store)
        self.open_data = open_data
        self.contracts: dict[str, tuple] = {}
        self.shared: set[tuple[str, str]] = set()
        self.disabled: set[str] = set()
        for tenant in TENANTS:
            self.registry.add_tenant(tenant, tenant)
        self.guard = Guard(self.registry, Settings(open_data=open_data))
        self.number = 0

    @rule(
        tenant=st.sampled_from(TENANTS),
        dataset=st.sampled_from((*DATASETS, "tallinn.*", "*")),
        actions=st.sets(st.sampled_from(sorted(ODRL)), min_size=1),
        hours=st.integers(-1, 1),
        purpose=st.sampled_from(("", "research")),
        forbid=st.sampled_from(("", *DATASETS)),
    )
    def contract(self, tenant, dataset, actions, hours, purpose, forbid):
        self.number += 1
        uid = f"c{self.number}"
        until = None if hours == 0 else datetime.now(UTC) + timedelta(hours=hours)
        document = agreement(
            uid,
            tenant,
            dataset,
            actions=tuple(sorted(actions)),
            until=until,
            purposes=(purpose,) if purpose else (),
        )
        if forbid:
            document["prohibition"] = [{"target": forbid, "action": "use"}]
        self.registry.add_contract(document)
        self.contracts[uid] = (tenant, dataset, {ODRL[a] for a in actions}, hours >= 0, purpose, forbid)

    @rule(data=st.data())
    def end(self, data):
        if self.contracts:
            uid = data.draw(st.sampled_from(sorted(self.contracts)))
            self.registry.revoke_contract(uid)
            del self.contracts[uid]

    @rule(run=st.sampled_from(("run-1", "run-2")), tenant=st.sampled_from((*TENANTS, PUBLIC)))
    def share(self, run, tenant):
        self.registry.share_run(run, tenant)
        self.shared.add((run, tenant))

    def expected(self, tenant, granted, action, name, purpose):
        target = DATASETS[name]
        if target.residency is Residency.STAYS or target.state is not State.PRODUCTION:
            return False
        mine = [c for c in self.contracts.values() if c[0] == tenant]
        if any(c[5] == name and action is Action.READ for c in mine):
            return False
        if not any(
            a in (action, "*") or (a == "download" and action == "read")
            for a, p in granted
            if p in (name, "*")
        ):
            return False
        for _, pattern, actions, alive, wanted, _ in mine:
            covers = pattern in (name, "*") or (pattern == "tallinn.*" and name.startswith("tallinn."))
            if covers and action in actions and alive and (not wanted or wanted == purpose):
                return True
        if target.run_id:
            return (target.run_id, tenant) in self.shared or (target.run_id, PUBLIC) in self.shared
        return self.open_data and target.residency is Residency.OPEN

    @invariant()
    def nobody_gets_more(self):
        if not hasattr(self, "guard"):
            return
        self.guard.refresh()
        for tenant in (*TENANTS, PUBLIC):
            for granted in (
                (("read", "*"),),
                (("download", "tallinn.agreed"),),
                (("*", "*"),),
                (("read", "run-1.kpis"), ("download", "*")),
            ):
                for purpose in (None, "research"):
                    caller = Caller(tenant, "k", scopes(f"{a}:{p}" for a, p in granted), purpose)
                    for name, target in DATASETS.items():
                        for action in ACTIONS:
                            verdict = self.guard.judge(caller, action, target)
                            assert verdict.allowed == self.expected(tenant, granted, action, name, purpose), (
                                tenant,
                                granted,
                                action,
                                name,
                                purpose,
                                verdict,
                                self.contracts,
                            )
                            assert verdict.allowed or verdict.reasons

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()


def test_no_leak_between_tenants():
    many = settings(
        max_examples=STEPS,
        stateful_step_count=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Access, settings=many)
