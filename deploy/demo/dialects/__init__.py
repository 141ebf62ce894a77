"""How the scanners of five manufacturers write one and the same examination."""

from hepafed.deploy.demo.dialects.canon import CANON
from hepafed.deploy.demo.dialects.dialect import (
    Dialect,
    Private,
    Settings,
    Stated,
    Weighting,
    family_of,
)
from hepafed.deploy.demo.dialects.ge import GE
from hepafed.deploy.demo.dialects.philips import PHILIPS
from hepafed.deploy.demo.dialects.siemens import SIEMENS
from hepafed.deploy.demo.dialects.uih import UIH

DIALECTS = {"siemens": SIEMENS, "ge": GE, "philips": PHILIPS, "uih": UIH, "canon": CANON}

__all__ = [
    "CANON",
    "DIALECTS",
    "GE",
    "PHILIPS",
    "SIEMENS",
    "UIH",
    "Dialect",
    "Private",
    "Settings",
    "Stated",
    "Weighting",
    "family_of",
]
