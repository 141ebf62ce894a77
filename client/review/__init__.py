"""A page of the malignant lesions that a model missed, for the site's own radiologists."""

from hepafed.client.review.page import review

__all__ = [
    "review",
]
