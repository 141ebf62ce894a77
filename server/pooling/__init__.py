"""Pool what sites released into one report (docs/statistics.md); nothing here ever sees a score.

The parts of the report (hepafed.report/1, server/report/schema.json). `estimate` is
{"value", "low", "high", "se", "reason"?}, `rate` the five rates' form; a figure that cannot be
computed has value null and a reason.

- `results[]`, each scope: `auc.se`, `auc.logit` {low, high} or null, lesion tasks `auc.clustered`
  {low, high, se, method, logit, reason?}; `balanced_accuracy`, `likelihood_positive`,
  `likelihood_negative` estimate; `f1`, `mcc`, `average_precision` {value, reason?}; `roc`
  [[false positive rate, sensitivity]], `pr` [[recall, precision]]; `partial_auc`
  [{specificity, value, least, most}]; `sensitivity_at` [{specificity, value, least, most}];
  `specificity_at` [{sensitivity, value, least, most}]; `at_prevalence` [{prevalence, ppv, npv}];
  `net_benefit` [{threshold, model, all}] (treating none has 0). `least`, `most`: how far cells
  leave the figure open (equal to `value` where bins are fine).
- `multiclass[]` {scope, site, n, confusion, accuracy rate, kappa estimate, balanced_accuracy,
  f1_macro, f1_micro, mcc {value, reason?}, macro, hand_till estimate + binning_error}.
- `calibration[]` {scope, site, unit, task, n, brier, ece, mean_score, prevalence {value, reason?},
  slope, intercept, in_the_large estimate, reliability [{low, high, n, mean_score, observed rate}]}.
- `heterogeneity[]` {unit, task, sites, method, value, low, high, logit_auc, se, tau2, q, i2 (0…1),
  prediction {low, high, reason?}, leave_one_out [{without, value, low, high, tau2, i2, pooled
  {value, low, high, reason?}}]}.
- `readers[]` {reader, n, positives, sensitivity, specificity, model_sensitivity,
  model_specificity rates on the reader's patients, model_right_reader_wrong,
  model_wrong_reader_right, mcnemar_exact_p, sensitivity_mcnemar_exact_p,
  specificity_mcnemar_exact_p, sensitivity_difference, specificity_difference estimate (model −
  reader), kappa_with_model estimate, non_inferiority {margin, sensitivity, specificity} or null}.
- `reader_agreement[]` {readers [a, b], n, kappa estimate}.
- `comparisons[]` {scope: pooled | site, site, first, second, unit, task, n, positives, auc_first,
  auc_second {value, low, high, reason?}, difference estimate (second − first), binning_error,
  method, p, p_holm,
  mcnemar {first_right_second_wrong, first_wrong_second_right, p, p_holm, reason?},
  non_inferiority {margin, holds} or null, reason?}, pooled also `sites` and `absent` [site].
- `drift[]` {site, unit, task, class, n, psi, ks, reason?} against the tuning data's scores.
- `subgroups[]` {scope, site, unit, task, variable, level, n, positives, auc (method says how it is
  pooled), sensitivity, specificity rates}, pooled also `released_by`, `withheld_by` [site]; a
  level withheld has null counts, and an entry {site, what, variable, level, reason} in
  `suppressed[]`.
- `forms[]` {site, form: masked | cells | plain}; `notes[]`: sentences.
"""

from hepafed.server.pooling.check import check_summary
from hepafed.server.pooling.comparisons import Compared, check_comparison
from hepafed.server.pooling.drift import reference_of
from hepafed.server.pooling.evidence import Group, evidence
from hepafed.server.pooling.pool import Questions, pool

__all__ = [
    "Compared",
    "Group",
    "Questions",
    "check_comparison",
    "check_summary",
    "evidence",
    "pool",
    "reference_of",
]
