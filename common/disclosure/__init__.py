"""What of a cohort may be shown, and under which masks."""
