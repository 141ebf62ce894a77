"""The words every side shares: classes, sequences, protocols, roles, splits, units and tasks."""

from typing import Final

CLASSES: Final = ("benign", "primary-malignant", "metastatic")
"""Lesion classes in the order of the model's outputs (Zhen et al. 2025)."""

CLASS_KEYS: Final = ("benign", "primary_malignant", "metastatic")
"""The same classes as they stand in score tables (`p_benign`) and report.json."""

SEQUENCES: Final = (
    "t1",
    "t2",
    "dwi",
    "adc",
    "t1-pre",
    "arterial",
    "portal",
    "delayed",
    "hepatobiliary",
)
"""Roles of a series in a liver examination."""

PROTOCOLS: Final[dict[str, tuple[str, ...]]] = {
    "t2": ("t2",),
    "t2-dwi": ("t2", "dwi"),
    "multi-sequence": ("t2", "dwi", "adc", "t1-pre"),
    "enhanced": ("t1-pre", "arterial", "portal", "delayed"),
}
"""The sequences of each protocol, in the order of the input channels (the four models of Zhen
2025)."""

ROLES: Final = ("train", "validate")
"""What a site may be asked: a `validate` site refuses training."""

OPTIMISERS: Final = ("adamw", "sgd")
"""What a plan may train with."""

SPLITS: Final = ("train", "tune", "test", "external")
"""`test` is the internal test; at a validate site every patient is `external`."""

TUNING_SPLIT: Final = "tune"
"""The split on which a training is judged and its operating point is chosen."""

COHORT_TABLES: Final[dict[str, tuple[str, ...]]] = {
    "by_class": CLASS_KEYS,
    "by_split": SPLITS,
    "by_protocol": tuple(PROTOCOLS),
    "by_field_strength": ("1.5 T", "3 T", "other", "not stated"),
}
"""Tables of a `CohortSummary`, with the words that may stand in each."""

UNITS: Final = ("patient", "lesion")

TASKS: Final[dict[str, tuple[str, ...]]] = {
    "patient": ("malignant_vs_benign",),
    "lesion": ("benign_vs_rest", "primary_malignant_vs_rest", "metastatic_vs_rest"),
}
"""Binary tasks by unit (docs/statistics.md); `macro` is the mean of the three lesion tasks."""
