"""A model's misses, explained for the site's own radiologists."""

from hepafed.client.review.archive import forget, keep
from hepafed.client.review.page import review

__all__ = [
    "forget",
    "keep",
    "review",
]
