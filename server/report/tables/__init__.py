"""The report's tables and the words they use."""
