"""What is odd in a cohort, and what may be said of it."""
