"""A model's misses, explained for the site's own radiologists."""
