"""The rows of `subgroups` and `suppressed`: parts of the cohort, and what sites withheld."""

from dataclasses import dataclass

from hepafed.common.records import optional
from hepafed.server.formats.estimates import AucEstimate, RateEstimate
from hepafed.server.formats.values import (
    Count,
    LevelName,
    Name,
    PooledOrSite,
    Task,
    Unit,
    Variable,
)


@dataclass(frozen=True, kw_only=True)
class SubgroupRow:
    """Patients of one level of a variable; a level that is withheld has null counts."""

    scope: PooledOrSite
    """Scope: whose patients are counted."""
    site: str | None
    """The site, where the scope is `site`."""
    unit: Unit
    """What is counted: always patients."""
    task: Task
    """Which question: always malignant versus benign."""
    variable: Variable
    """The variable, such as `lesion_size`."""
    level: LevelName
    """The level, such as `<10 mm`."""
    n: Count | None
    """Patients of the level; null where they are withheld."""
    positives: Count | None
    """Malignant patients of the level; null where they are withheld."""
    auc: AucEstimate
    """AUC; `method` says how it is pooled."""
    sensitivity: RateEstimate
    """Sensitivity at the operating point."""
    specificity: RateEstimate
    """Specificity at the operating point."""
    released_by: tuple[str, ...] | None = optional(None)
    """Sites whose patients are in the row; of pooled rows alone."""
    withheld_by: tuple[str, ...] | None = optional(None)
    """Sites that withheld the level; of pooled rows alone."""


@dataclass(frozen=True, kw_only=True)
class SuppressedPart:
    """Something that a site withheld."""

    site: str
    """The site."""
    what: str
    """What is withheld, in words."""
    variable: str = optional("")
    """The variable, where a subgroup is withheld."""
    level: str = optional("")
    """The level, where a subgroup is withheld."""
    reason: Name = optional("")
    """Why, where it may be said."""
