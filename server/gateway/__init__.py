"""The one public port."""
