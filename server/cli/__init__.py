"""The `server` command: what coordinators and evaluators type."""
