"""Every error that HepaFed raises on purpose, in one tree.

HepaFedError
├── UsageError          the command or a file of the person's is wrong (exit 2)
│   ├── PlanError       a plan file
│   ├── EvaluationError an evaluation file
│   └── ConfigError     a configuration, invite or access file
├── DataError           what a hospital gave us cannot be used
│   ├── DicomError      one DICOM file or series
│   ├── LabelsError     the labels table
│   └── CohortError     the cohort store
│       └── EmptySplitError  a split without a lesion that fits the protocol
├── FederationError     between machines
│   ├── UnreachableError
│   ├── BusyError       not now; trying again helps
│   │   └── FullDiskError   the disk of the other side is full
│   ├── EnrolmentError
│   ├── RefusedError    policy, role or access says no
│   │   └── OtherReleaseError  the two sides run releases that do not work together
│   └── PayloadError    bytes from the network are not what they should be
├── RunError            a training or validation run cannot go on
└── ReportError         a report's folder cannot be written, or is not as it was written
"""


class HepaFedError(Exception):
    """`message` says what was wrong and where; `hint` says what to do next.

    Neither text may hold anything identifying of a patient: no names, dates, UIDs or paths
    below the folder that the person named.
    """

    exit_code = 1
    usual_hint = "see the command's --help"
    """The hint of every error of this kind that is raised without one."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.usual_hint

    @property
    def own_hint(self) -> str:
        """The hint of this very error; "" where it is the usual one of its kind."""
        return "" if self.hint == self.usual_hint else self.hint


class UsageError(HepaFedError):
    """The command, or a file that the person wrote, is wrong."""

    exit_code = 2


class PlanError(UsageError):
    """A plan file has an unknown key, a wrong type or an impossible value."""

    usual_hint = "see docs/coordinator-guide.md, 'Plans'"


class EvaluationError(UsageError):
    """An evaluation file has an unknown key, a wrong type or an impossible value."""


class ConfigError(UsageError):
    """A configuration, invite or access file cannot be read."""

    usual_hint = "correct the file"


class DataError(HepaFedError):
    """What a hospital gave us cannot be used."""

    usual_hint = "see docs/site-guide.md"


class DicomError(DataError):
    """One DICOM file or series is broken, unsafe or of no use."""

    usual_hint = "client inspect lists every file with its reason"


class LabelsError(DataError):
    """The labels table has problems; the message lists every one with its row."""

    usual_hint = "correct the table; nothing was stored"


class CohortError(DataError):
    """The cohort store is missing, empty or damaged."""

    usual_hint = "see client cohort; run client ingest again"


class EmptySplitError(CohortError):
    """A split has no lesion with the sequences of the protocol."""


class FederationError(HepaFedError):
    """Two machines do not work together."""

    usual_hint = "see server sites, and the logs on both sides"


class UnreachableError(FederationError):
    """The other side does not answer."""

    usual_hint = "Is the other side running? Does the firewall allow the connection?"


class BusyError(FederationError):
    """The other side cannot take this now."""

    usual_hint = "try again in a moment"


class FullDiskError(BusyError):
    """The other side has no room on its disk now."""

    usual_hint = "free some space on the coordinator's disk"


class EnrolmentError(FederationError):
    """An invite has expired, was used, or is from another federation."""

    usual_hint = "ask the coordinator for a new invite (server invite)"


class RefusedError(FederationError):
    """A policy, a role or an access file does not allow this."""

    usual_hint = "ask the coordinator, or read the policy in site.toml"


class OtherReleaseError(RefusedError):
    """The other side runs a release that does not work with ours."""

    usual_hint = "install the coordinator's release at the site"


class PayloadError(FederationError):
    """What came over the network is damaged or is not what was asked for."""

    usual_hint = "Do both sides run the same release?"


class RunError(HepaFedError):
    """A training or validation run cannot go on."""

    usual_hint = "see server.log; then server resume RUN"


class ReportError(HepaFedError):
    """A report's folder cannot be written, or it is not as it was written."""

    usual_hint = "write the report again: server report RUN -o FOLDER"
