"""The rules of the first page in their order, and the page that they give for a report."""

from collections.abc import Callable, Mapping

from hepafed.server.formats import Report
from hepafed.server.report.plain_words import beside, few, found, risks, tested, trained, weak

Rule = Callable[[Report], str]
"""Returns its sentences, a line of the page each, or "" where its condition does not hold."""

WEAK = "What is weak"
NOTHING_WEAK = "None of the weaknesses that this program looks for was found."

FIRST_PAGE: Mapping[str, tuple[Rule, ...]] = {
    "What was tested, and on whom": (
        tested.made_up,
        tested.tested_model,
        trained.input_sequences,
        trained.trained_on,
        trained.not_trained,
        trained.training_not_known,
        tested.tested_scores,
        tested.on_patients,
        tested.noise_added,
        tested.from_volumes,
        tested.from_pictures,
        tested.origin_not_stated,
        tested.left_out,
        tested.nothing_left_out,
        tested.left_out_not_stated,
        tested.sites_without_figures,
        tested.planned_before,
    ),
    "How well it does": (
        few.decides_nothing,
        found.primary_goals,
        found.threshold_used,
        found.malignant_found,
        found.benign_called_malignant,
        found.rates_missing,
        found.told_apart,
        found.not_told_apart,
        found.by_site,
        beside.beside_readers,
        beside.beside_models,
    ),
    "Whether its risks can be believed, and where it helps": (
        few.risks_undecided,
        risks.risks_too_extreme,
        risks.risks_too_moderate,
        risks.slope_agrees,
        risks.risks_shifted,
        risks.calibration_missing,
        risks.useful_where,
        risks.useful_nowhere,
    ),
    WEAK: (
        weak.goal_not_reached,
        weak.wrong_way_round,
        weak.chance_not_excluded,
        weak.all_called_alike,
        weak.few_of_a_class,
        weak.few_tuning_patients,
        weak.tuning_not_known,
        weak.placeholder_threshold,
        weak.threshold_of_table,
        weak.not_registered,
        weak.seen_before,
        weak.registered_late,
        weak.one_site,
        weak.dominant_site,
        weak.drowned_in_noise,
        weak.scores_moved,
        weak.further_site,
        weak.slope_off,
        weak.harmful_threshold,
        weak.subgroups_withheld,
        weak.wide_pooling_error,
        weak.remark_on_auc,
    ),
}
"""Heading of each part of the page, and its rules."""


def first_page(report: Report) -> list[tuple[str, list[str]]]:
    """Return the parts of the first page, each a heading and its sentences."""
    page = []
    for heading, rules in FIRST_PAGE.items():
        sentences = [line for rule in rules for line in rule(report).splitlines()]
        if not sentences and heading == WEAK:
            sentences = [NOTHING_WEAK]
        page.append((heading, sentences))
    return page
