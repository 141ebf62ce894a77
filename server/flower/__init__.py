"""Flower below its public API, on the server's side."""
