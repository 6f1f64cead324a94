"""Who may do what, under which contract, and what it costs: tenants, keys, policies, quotas, the ledger."""
