"""The trust boundary: what may leave, what left, and what is remembered of it."""
