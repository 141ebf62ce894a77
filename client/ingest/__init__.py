"""From exports to the cohort store."""
