"""The `client` command: what a site's IT types."""
