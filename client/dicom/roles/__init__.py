"""Which sequence a series is."""
