"""What a site may release of its cohort, and how it is masked."""

from hepafed.common.disclosure.cohort_origin import released_origin
from hepafed.common.disclosure.discordance import possible_discordance, right_alone
from hepafed.common.disclosure.lesion_intervals import CLUSTERED, unsure
from hepafed.common.disclosure.masking import (
    FEWEST_SITES,
    MOST_ATTEMPTS,
    Counts,
    check_offer,
    check_terms,
    counts_from_bytes,
    counts_to_bytes,
    fingerprint,
    make_offer,
    masked,
    opened_sum,
    public_line,
    slot,
)
from hepafed.common.disclosure.operating_point import (
    ChosenThreshold,
    check_tuning,
    choose_threshold,
)
from hepafed.common.disclosure.pair_intervals import difference_ends
from hepafed.common.disclosure.paired import (
    EXACT,
    Paired,
    add_paired,
    check_paired,
    common_rows,
    own_pairs,
    pair_summaries,
    paired_length,
    paired_of,
    pairs_of,
)
from hepafed.common.disclosure.subgroup_figures import (
    TASK,
    TELLING,
    UNIT,
    WITHHELD,
    subgroup_summaries,
)
from hepafed.common.disclosure.summaries import (
    NO_INTERVAL,
    READ_AT,
    RELEASED,
    calibration_figures,
    summarise,
    tuning_figures,
    tuning_scores,
)
from hepafed.common.disclosure.suppression import withheld

__all__ = [
    "CLUSTERED",
    "EXACT",
    "FEWEST_SITES",
    "MOST_ATTEMPTS",
    "NO_INTERVAL",
    "READ_AT",
    "RELEASED",
    "TASK",
    "TELLING",
    "UNIT",
    "WITHHELD",
    "ChosenThreshold",
    "Counts",
    "Paired",
    "add_paired",
    "calibration_figures",
    "check_offer",
    "check_paired",
    "check_terms",
    "check_tuning",
    "choose_threshold",
    "common_rows",
    "counts_from_bytes",
    "counts_to_bytes",
    "difference_ends",
    "fingerprint",
    "make_offer",
    "masked",
    "opened_sum",
    "own_pairs",
    "pair_summaries",
    "paired_length",
    "paired_of",
    "pairs_of",
    "possible_discordance",
    "public_line",
    "released_origin",
    "right_alone",
    "slot",
    "subgroup_summaries",
    "summarise",
    "tuning_figures",
    "tuning_scores",
    "unsure",
    "withheld",
]
