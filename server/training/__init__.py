"""Training: rounds, aggregation, checkpoints."""
