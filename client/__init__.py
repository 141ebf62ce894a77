"""The site: cohort, worker, policy, ledger."""
