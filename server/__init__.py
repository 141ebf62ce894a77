"""The coordinator: gateway, runs, aggregation, registry, pooling, report."""
