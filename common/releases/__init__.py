"""Which releases of HepaFed may work together, and which one runs here."""

from hepafed.common.releases.declared import (
    HEADER,
    RELEASE,
    TOGETHER,
    may_work_together,
    must_work_with,
    release_stated,
)

__all__ = [
    "HEADER",
    "RELEASE",
    "TOGETHER",
    "may_work_together",
    "must_work_with",
    "release_stated",
]
