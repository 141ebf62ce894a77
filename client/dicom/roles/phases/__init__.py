"""Where the T1 stacks of an examination stand in its dynamic."""

from hepafed.client.dicom.roles.phases.placing import placed
from hepafed.client.dicom.roles.phases.rules import PHASE_RULES

__all__ = ["PHASE_RULES", "placed"]
