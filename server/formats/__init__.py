"""What report.json and card.json hold, as types: written, read, described from one place."""

from hepafed.server.formats.between_sites import (
    DriftRow,
    HeterogeneityRow,
    LeaveOneOut,
    PredictionInterval,
    SiteLeftOut,
    SiteWeight,
)
from hepafed.server.formats.calibration import CalibrationRow, ReliabilityTenth
from hepafed.server.formats.card import ModelCard, OperatingPoint, TuningScores, read_card
from hepafed.server.formats.classes import ConfusionRow, MulticlassRow
from hepafed.server.formats.comparisons import (
    ComparisonRow,
    LostCases,
    McNemarResult,
    NonInferiority,
)
from hepafed.server.formats.estimates import (
    NOT_CLUSTERED,
    AucEstimate,
    BriefAuc,
    ClusteredInterval,
    CoveringInterval,
    IntervalEstimate,
    LogitInterval,
    PatientInterval,
    PointEstimate,
    RateEstimate,
    covering,
)
from hepafed.server.formats.evaluation import (
    EarlierLook,
    JudgedEndpoint,
    JudgedEvaluation,
    Looks,
    why_exploratory,
)
from hepafed.server.formats.readers import AgreementRow, ReaderNonInferiority, ReaderRow
from hepafed.server.formats.report import (
    REPORT_1,
    FormRow,
    ModelPart,
    NoisePart,
    NoisySite,
    Provenance,
    Report,
    SiteRow,
    read_report,
)
from hepafed.server.formats.results import (
    AtPrevalence,
    NetBenefit,
    ReadAtSensitivity,
    ReadAtSpecificity,
    ResultRow,
)
from hepafed.server.formats.subgroups import SubgroupRow, SuppressedPart
from hepafed.server.formats.values import Limits

__all__ = [
    "NOT_CLUSTERED",
    "REPORT_1",
    "AgreementRow",
    "AtPrevalence",
    "AucEstimate",
    "BriefAuc",
    "CalibrationRow",
    "ClusteredInterval",
    "ComparisonRow",
    "ConfusionRow",
    "CoveringInterval",
    "DriftRow",
    "EarlierLook",
    "FormRow",
    "HeterogeneityRow",
    "IntervalEstimate",
    "JudgedEndpoint",
    "JudgedEvaluation",
    "LeaveOneOut",
    "Limits",
    "LogitInterval",
    "Looks",
    "LostCases",
    "McNemarResult",
    "ModelCard",
    "ModelPart",
    "MulticlassRow",
    "NetBenefit",
    "NoisePart",
    "NoisySite",
    "NonInferiority",
    "OperatingPoint",
    "PatientInterval",
    "PointEstimate",
    "PredictionInterval",
    "Provenance",
    "RateEstimate",
    "ReadAtSensitivity",
    "ReadAtSpecificity",
    "ReaderNonInferiority",
    "ReaderRow",
    "ReliabilityTenth",
    "Report",
    "ResultRow",
    "SiteLeftOut",
    "SiteRow",
    "SiteWeight",
    "SubgroupRow",
    "SuppressedPart",
    "TuningScores",
    "covering",
    "read_card",
    "read_report",
    "why_exploratory",
]
