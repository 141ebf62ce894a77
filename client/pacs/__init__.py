"""Fetching a site's examinations from its PACS: read only, throttled, resumable."""
