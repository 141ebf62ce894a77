"""Every error that HepaFed raises on purpose, in one tree.

HepaFedError
├── UsageError          the person's words are off (exit 2)
│   ├── PlanError       a plan file
│   ├── EvaluationError an evaluation file
│   └── ConfigError     a configuration, invite or access file
├── DataError           what a hospital gave us cannot be used
│   ├── DicomError      one DICOM file or series
│   ├── LabelsError     the labels table
│   └── CohortError     the cohort store
├── FederationError     between machines
│   ├── UnreachableError
│   ├── EnrolmentError
│   ├── RefusedError    policy, role or access says no
│   └── PayloadError    bytes from the network are not what they should be
└── RunError            a training or validation run cannot go on
"""


class HepaFedError(Exception):
    """What was wrong and where; `hint` says what to do next.

    Neither text may hold anything identifying of a patient: no names, dates, UIDs or paths
    below the folder that the person named.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HepaFedError):
    """The person's words are off."""

    exit_code = 2


class PlanError(UsageError):
    """A plan file has an unknown key, a wrong type or an impossible value."""


class EvaluationError(UsageError):
    """An evaluation file has an unknown key, a wrong type or an impossible value."""


class ConfigError(UsageError):
    """A configuration, invite or access file cannot be read."""


class DataError(HepaFedError):
    """What a hospital gave us cannot be used."""


class DicomError(DataError):
    """One DICOM file or series is broken, unsafe or of no use."""


class LabelsError(DataError):
    """The labels table has problems; the message lists every one with its row."""


class CohortError(DataError):
    """The cohort store is missing, empty or damaged."""


class FederationError(HepaFedError):
    """Something between machines."""


class UnreachableError(FederationError):
    """The other side does not answer."""


class EnrolmentError(FederationError):
    """An invite is expired, used or not ours."""


class RefusedError(FederationError):
    """Policy, role or access says no."""


class PayloadError(FederationError):
    """Bytes from the network are not what they should be."""


class RunError(HepaFedError):
    """A training or validation run cannot go on."""
