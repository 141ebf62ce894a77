"""Frozen models and their signed cards."""
