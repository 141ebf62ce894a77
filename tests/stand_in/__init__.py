"""A small network in the place of the real one, for programs that find this folder first."""

from pathlib import Path

STAND_IN = Path(__file__).parent
"""What PYTHONPATH names: the folder holds a `timm`."""
