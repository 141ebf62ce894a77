"""Runs on disk, what sites upload for them, and talking to the sites."""
