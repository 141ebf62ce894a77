"""Who takes part: invites, tokens, roles."""
