"""Joining a federation, how the site stands in it, and leaving."""
