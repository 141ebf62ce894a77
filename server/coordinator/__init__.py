"""The running coordinator: queue, attempts and supervision."""
