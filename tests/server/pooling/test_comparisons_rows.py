"""Rows of a comparison from what each site released: pooled, adjusted, held to margins."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hepafed.common.contract import Figure, PairSummary
from hepafed.common.contract.messages import SiteComparison
from hepafed.server.formats import AucEstimate, ComparisonRow, CoveringInterval, ResultRow
from hepafed.server.pooling import Compared
from hepafed.server.pooling.comparisons import as_in_results, comparison_rows, mcnemar_result
from scipy.stats import binomtest, norm, t
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

Z = float(norm.ppf(0.975))
PATIENT = ("patient", "malignant_vs_benign")
LESION = ("lesion", "benign_vs_rest")
TASKS = (PATIENT, LESION)
CALLS = (30, 4, 9, 12, 5, 3, 8, 40)
"""By truth, call of the first and of the second: no two cells are alike."""
DIFFERENCES = {"c": (0.04, 0.02), "a": (-0.03, 0.05), "b": (0.11, 0.03)}


def gain(value: float, se: float | None, **more: Any) -> Figure:  # noqa: ANN401
    if se is None:
        return Figure(value=value, **more)
    return Figure(value=value, low=value - Z * se, high=value + Z * se, se=se, **more)


def pair(
    first: int = 0,
    second: int = 1,
    at: tuple[str, str] = PATIENT,
    **more: Any,  # noqa: ANN401
) -> PairSummary:
    values: dict[str, Any] = {
        "positives": 56,
        "negatives": 55,
        "auc_first": Figure(value=0.8, low=0.7, high=0.9, se=0.05),
        "auc_second": Figure(value=0.84, low=0.76, high=0.92, se=0.04),
        "difference": gain(0.04, 0.02),
        "calls": CALLS,
        "bound": 0.001,
        **more,
    }
    return PairSummary(first=first, second=second, unit=at[0], task=at[1], **values)


def site(*pairs: PairSummary) -> SiteComparison:
    return SiteComparison(
        run="r", weights=("w", "v"), patients=111, lesions=111, minimum_count=1, pairs=pairs,
        form="figures",
    )  # fmt: skip


def rows(
    sites: dict[str, SiteComparison],
    margins: dict[tuple[str, str, str], float] | None = None,
    **more: Any,  # noqa: ANN401
) -> list[ComparisonRow]:
    return comparison_rows(Compared(names=("m", "n", "o"), sites=sites, **more), margins or {})


def pooled_of(**pairs: PairSummary) -> ComparisonRow:
    return rows({s: site(p) for s, p in pairs.items()})[0]


def by_difference(**found: Figure) -> ComparisonRow:
    return pooled_of(**{s: pair(difference=f) for s, f in found.items()})


def test_nothing_compared_has_no_rows() -> None:
    assert comparison_rows(None, {}) == []
    assert rows({}) == []


def test_each_pair_of_models_is_pooled_first_and_then_given_by_site() -> None:
    both = site(pair(0, 1), pair(0, 2, positives=50, calls=None))
    found = rows({"b": both, "a": both}, absent={"z": "refused", "d": "offline"})
    assert [(r.scope, r.site, r.first, r.second) for r in found] == [
        ("pooled", None, "m", "n"),
        ("site", "b", "m", "n"),
        ("site", "a", "m", "n"),
        ("pooled", None, "m", "o"),
        ("site", "b", "m", "o"),
        ("site", "a", "m", "o"),
    ]
    assert [r.sites for r in found if r.scope == "pooled"] == [("b", "a")] * 2
    assert [r.absent for r in found if r.scope == "pooled"] == [("d", "z")] * 2
    assert [r.n for r in found] == [222, 111, 111, 210, 105, 105]
    assert [r.positives for r in found] == [112, 56, 56, 100, 50, 50]


def test_a_site_row_has_the_sites_own_figures() -> None:
    row = rows({"a": site(pair(at=LESION))})[1]
    assert (row.unit, row.task, row.binning_error) == (*LESION, 0.001)
    assert row.method == "paired DeLong"
    assert (row.auc_first.value, row.auc_first.low, row.auc_first.high) == (0.8, 0.7, 0.9)
    assert (row.auc_second.value, row.auc_second.low, row.auc_second.high) == (0.84, 0.76, 0.92)
    wanted = gain(0.04, 0.02)
    assert (row.difference.value, row.difference.low, row.difference.high, row.difference.se) == (
        wanted.value, wanted.low, wanted.high, wanted.se,
    )  # fmt: skip


def test_p_is_two_sided_of_the_difference_over_its_error() -> None:
    for value in (0.04, -0.04):
        (_, row) = rows({"a": site(pair(difference=gain(value, 0.02)))})
        assert row.p == pytest.approx(2 * norm.sf(2.0))
        assert row.reason == ""


def test_a_difference_without_variance_is_tested_only_where_it_is_none() -> None:
    degenerate = "the difference has no variance in these cases"
    (_, row) = rows({"a": site(pair(difference=Figure(value=0.0, se=0.0)))})
    assert (row.p, row.reason) == (1.0, degenerate)
    (_, row) = rows({"a": site(pair(difference=Figure(value=1e-9, se=0.0)))})
    assert (row.p, row.reason) == (None, degenerate)
    (_, row) = rows({"a": site(pair(difference=Figure(value=0.1, se=0.0, reason="said")))})
    assert (row.p, row.reason) == (None, "said")


def test_a_difference_without_an_error_is_not_tested_and_says_why() -> None:
    for figure in (Figure(value=0.1, reason="said"), Figure(reason="said")):
        (_, row) = rows({"a": site(pair(difference=figure))})
        assert (row.p, row.p_holm, row.reason) == (None, None, "said")


def test_holm_is_over_the_pairs_of_models_of_one_site_and_one_task() -> None:
    raw = {}
    sites = {}
    for k, name in enumerate(("b", "a")):
        made = []
        for j, (first, second) in enumerate(((0, 1), (0, 2), (1, 2))):
            for i, at in enumerate(TASKS):
                z = 1.7 + 0.3 * ((2 * j + k) % 3) + 0.1 * i
                raw[name, at, j] = float(2 * norm.sf(z))
                made.append(pair(first, second, at, difference=gain(0.02 * z, 0.02)))
        sites[name] = site(*made)
    found = rows(sites)
    for name in sites:
        for at in TASKS:
            its = [r for r in found if (r.site, r.unit) == (name, at[0])]
            wanted = [raw[name, at, j] for j in range(3)]
            assert [r.p for r in its] == pytest.approx(wanted)
            assert [r.p_holm for r in its] == pytest.approx(
                list(multipletests(wanted, method="holm")[1])
            )


def test_a_pair_without_p_is_not_counted_in_holms_family() -> None:
    none = pair(1, 2, difference=Figure(reason="gone"), calls=None)
    found = rows({"a": site(pair(0, 1), pair(0, 2, difference=gain(0.05, 0.02)), none)})
    its = [r for r in found if r.site == "a"]
    raw = [2 * norm.sf(2.0), 2 * norm.sf(2.5)]
    assert [r.p_holm for r in its] == [
        pytest.approx(raw[0]), pytest.approx(2 * raw[1]), None,
    ]  # fmt: skip
    mcnemar = [r.mcnemar.p for r in its]
    assert mcnemar[2] is None
    assert mcnemar[0] is not None
    assert [r.mcnemar.p_holm for r in its] == [min(1.0, 2 * mcnemar[0])] * 2 + [None]


def test_mcnemar_counts_who_alone_was_right_in_both_classes() -> None:
    made = mcnemar_result(pair(), pooled=False)
    # benign: 9 that the first alone called malignant, 4 the second alone; malignant: 8 and 3
    assert (made.first_right_second_wrong, made.first_wrong_second_right) == (8 + 4, 3 + 9)
    uneven = pair(calls=(30, 14, 9, 12, 5, 3, 8, 40))
    made = mcnemar_result(uneven, pooled=False)
    assert (made.first_right_second_wrong, made.first_wrong_second_right) == (22, 12)
    assert made.p == pytest.approx(float(binomtest(22, 34).pvalue))
    assert made.reason == ""


def test_lesions_are_tested_over_patients_where_their_sums_are_known() -> None:
    made = mcnemar_result(pair(at=LESION, discordant=(36, 6)), pooled=True)
    assert (made.first_right_second_wrong, made.first_wrong_second_right) == (12, 12)
    assert (made.p, made.method, made.reason) == (1.0, "clustered", "")
    calls = (9, 0, 1, 45, 7, 9, 8, 32)
    gained = mcnemar_result(pair(at=LESION, calls=calls, discordant=(25, 9)), pooled=True)
    d = gained.first_right_second_wrong - gained.first_wrong_second_right
    assert d != 0
    assert gained.p == pytest.approx(2 * student.sf(abs(d) / 5, 8))


@pytest.mark.parametrize(
    ("discordant", "reason"),
    [
        (None, "not tested: how the lesions fall on patients is withheld by a site"),
        ((4, 1), "not tested: the calls differ in one patient only"),
    ],
)
def test_lesions_are_counted_and_not_tested_without_patients_that_differ(
    discordant: tuple[int, int] | None, reason: str
) -> None:
    made = mcnemar_result(pair(at=LESION, discordant=discordant), pooled=True)
    assert (made.first_right_second_wrong, made.first_wrong_second_right) == (12, 12)
    assert (made.p, made.reason) == (None, reason)


def test_how_calls_fall_on_patients_is_added_up_or_withheld() -> None:
    parts = [pair(at=LESION, discordant=(20, 5)), pair(at=LESION, discordant=(16, 4))]
    found = rows({"a": site(parts[0]), "b": site(parts[1])})[0]
    assert (found.mcnemar.p, found.mcnemar.method) == (1.0, "clustered")
    one = rows({"a": site(parts[0]), "b": site(pair(at=LESION))})[0]
    assert one.mcnemar.p is None
    assert one.mcnemar.reason.endswith("is withheld by a site")


def test_calls_that_are_withheld_say_by_whom() -> None:
    found = rows({"a": site(pair(calls=None)), "b": site(pair())})
    for row, reason in zip(
        found,
        ("withheld by a site", "withheld: released pooled only, or too few cases", ""),
        strict=True,
    ):
        counts = (row.mcnemar.first_right_second_wrong, row.mcnemar.first_wrong_second_right)
        assert counts == ((12, 12) if reason == "" else (None, None))
        assert row.mcnemar.reason == reason
        assert (row.mcnemar.p is None) == bool(reason)


def test_calls_of_all_sites_add_up() -> None:
    other = (1, 2, 3, 4, 5, 6, 7, 8)
    made = pooled_of(a=pair(), b=pair(calls=other)).mcnemar
    assert (made.first_right_second_wrong, made.first_wrong_second_right) == (12 + 9, 12 + 9)
    uneven = pooled_of(a=pair(), b=pair(calls=(0, 7, 0, 0, 0, 0, 0, 0))).mcnemar
    assert (uneven.first_right_second_wrong, uneven.first_wrong_second_right) == (19, 12)


def margin_row(p: PairSummary, margins: dict[tuple[str, str, str], float]) -> Any:  # noqa: ANN401
    return rows({"a": site(p)}, margins)[1].non_inferiority


def test_not_inferior_is_shown_by_the_upper_end_and_the_bound_below_the_margin() -> None:
    p = pair(difference=Figure(value=0.0, low=-0.05, high=0.0625, se=0.03), bound=0.03125)
    for margin, held in ((0.09375, False), (0.09376, True), (0.0626, False)):
        made = margin_row(p, {("n", *PATIENT): margin})
        assert (made.margin, made.holds) == (margin, held)


def test_a_margin_is_for_its_model_unit_and_task_against_the_validated_model_alone() -> None:
    margins = {("n", *PATIENT): 0.5}
    assert margin_row(pair(0, 1), margins) is not None
    assert margin_row(pair(0, 2), margins) is None
    assert margin_row(pair(0, 1, LESION), margins) is None
    assert margin_row(pair(2, 1), margins) is None
    assert margin_row(pair(0, 1), {("n", *PATIENT): 0.0}) is not None


def test_without_an_interval_no_margin_is_held() -> None:
    assert margin_row(pair(difference=Figure(value=0.0)), {("n", *PATIENT): 0.5}) is None


def effects(found: dict[str, tuple[float, float]]) -> tuple[float, float, float]:
    """DerSimonian and Laird's mean and error, and half of Hartung and Knapp's interval."""
    y, v = [x for x, _ in found.values()], [e * e for _, e in found.values()]
    w = [1 / x for x in v]
    fixed = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    q = sum(a * (b - fixed) ** 2 for a, b in zip(w, y, strict=True))
    tau2 = max(0.0, (q - len(y) + 1) / (sum(w) - sum(a * a for a in w) / sum(w)))
    w = [1 / (x + tau2) for x in v]
    mean = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    spread = sum(a * (b - mean) ** 2 for a, b in zip(w, y, strict=True))
    half = t.ppf(0.975, len(y) - 1) * math.sqrt(spread / (len(y) - 1) / sum(w))
    half = max(half, Z / math.sqrt(sum(1 / x for x in v)))
    return mean, 1 / math.sqrt(sum(w)), half


def test_differences_of_sites_are_pooled_by_random_effects() -> None:
    row = by_difference(**{s: gain(*v) for s, v in DIFFERENCES.items()})
    mean, se, half = effects(DIFFERENCES)
    found, error = row.difference, half / t.ppf(0.975, 2)
    assert (found.value, found.se) == (pytest.approx(mean), pytest.approx(se))
    assert (found.low, found.high) == (
        pytest.approx(mean - Z * se), pytest.approx(mean + Z * se),
    )  # fmt: skip
    assert row.method == "paired DeLong, random effects over 3 sites"
    # printed, judged and tested by Hartung and Knapp's: z is too sure of three sites
    assert row.p == pytest.approx(2 * t.sf(abs(mean) / error, 2))
    assert row.covering is not None
    assert (row.covering.low, row.covering.high) == (
        pytest.approx(mean - half), pytest.approx(mean + half),
    )  # fmt: skip
    assert row.covering.method == "hartung-knapp-sidik-jonkman"


def test_sites_that_agree_are_tested_as_of_one_common_difference() -> None:
    row = by_difference(a=gain(0.03, 0.02), b=gain(0.03, 0.02), c=gain(0.03, 0.01))
    error = 1 / math.sqrt(2 / 0.02**2 + 1 / 0.01**2)
    assert row.difference.se == pytest.approx(error)
    assert row.p == pytest.approx(2 * norm.sf(0.03 / error))
    assert row.covering is not None
    assert row.covering.method == "fixed effect"


def test_the_pooled_interval_ends_at_minus_1_and_1() -> None:
    high = by_difference(a=gain(0.95, 0.1), b=gain(0.99, 0.1))
    assert (high.difference.high, high.difference.value) == (1.0, pytest.approx(0.97))
    low = by_difference(a=gain(-0.95, 0.1), b=gain(-0.99, 0.1))
    assert (low.difference.low, low.difference.value) == (-1.0, pytest.approx(-0.97))


@pytest.mark.parametrize(
    "left",
    [Figure(value=0.3), Figure(value=0.3, se=0.0), Figure(value=0.3, se=1e-9), Figure(reason="x")],
    ids=["no error", "none", "rounding", "no value"],
)
def test_sites_without_an_error_do_not_count_in_the_pooled_difference(left: Figure) -> None:
    two = {s: DIFFERENCES[s] for s in ("a", "b")}
    row = by_difference(c=left, **{s: gain(*v) for s, v in two.items()})
    mean, _, _ = effects(two)
    assert row.difference.value == pytest.approx(mean)
    assert row.method == "paired DeLong, random effects over 2 sites"
    row = by_difference(c=left, a=gain(0.04, 0.02))
    assert (row.difference.value, row.difference.se) == (0.04, 0.02)
    assert row.method == "paired DeLong, of a, the one site that has an interval"


def test_models_that_nowhere_differ_do_not_differ_pooled() -> None:
    same = Figure(value=0.0, low=0.0, high=0.0, se=0.0)
    row = by_difference(a=same, b=same)
    assert (row.difference.value, row.difference.se, row.p) == (0.0, 0.0, 1.0)
    assert row.method == "paired DeLong, the same at every site"
    for other in (Figure(value=0.1, se=0.0), Figure(reason="one class only")):
        row = by_difference(a=same, b=other)
        assert (row.difference.value, row.difference.reason) == (None, "no site has an interval")
        assert row.method == "paired DeLong, at no site"
        assert (row.p, row.reason) == (None, "no site has an interval")


def logit(a: float) -> float:
    return math.log(a / (1 - a))


def test_aucs_of_sites_are_pooled_on_the_logit_scale() -> None:
    found = {"b": (0.9, 0.02), "a": (0.7, 0.06)}
    parts = {s: Figure(value=v, se=e) for s, (v, e) in found.items()}
    first = pooled_of(**{s: pair(auc_first=f) for s, f in parts.items()}).auc_first
    second = pooled_of(**{s: pair(auc_second=f) for s, f in parts.items()}).auc_second
    mean, se, half = effects({s: (logit(v), e / v / (1 - v)) for s, (v, e) in found.items()})
    for auc in (first, second):
        assert auc.value is not None
        assert auc.low is not None
        assert auc.high is not None
        assert logit(auc.value) == pytest.approx(mean)
        assert logit(auc.low) == pytest.approx(mean - Z * se)
        assert logit(auc.high) == pytest.approx(mean + Z * se)
        assert auc.covering is not None
        assert auc.covering.low is not None
        assert logit(auc.covering.low) == pytest.approx(mean - half)
        assert auc.reason == ""


def test_one_usable_auc_stays_as_it_is_and_none_says_why() -> None:
    own = Figure(value=0.8, low=0.7, high=0.9, se=0.05)
    degenerate = Figure(value=1.0, low=1.0, high=1.0, se=0.0)
    auc = pooled_of(a=pair(auc_first=degenerate), b=pair(auc_first=own)).auc_first
    assert (auc.value, auc.low, auc.high) == (0.8, 0.7, 0.9)
    for figure, reason in ((degenerate, "no site has an interval"), (Figure(reason="x"), "x")):
        auc = pooled_of(a=pair(auc_first=figure), b=pair(auc_first=figure)).auc_first
        assert (auc.value, auc.reason) == (None, reason)


def test_the_largest_bound_of_a_site_is_that_of_the_pooled_difference() -> None:
    parts = {"b": pair(bound=0.01), "a": pair(bound=0.04), "c": pair(bound=0.02)}
    assert pooled_of(**parts).binning_error == 0.04


def test_the_form_of_a_release_does_not_change_a_row() -> None:
    its = site(pair())
    assert rows({"a": its}) == rows({"a": replace(its, form="plain")})


def result_of(row: ComparisonRow, value: float, error: float = 0.0) -> ResultRow:
    ends = CoveringInterval(low=0.1, high=0.2, method="logit", decides=True)
    return ResultRow(
        scope=row.scope,
        site=row.site,
        unit=row.unit,
        task=row.task,
        n=row.n,
        positives=row.positives,
        auc=AucEstimate(
            value=value, low=0.7, high=0.9, method="delong", binning_error=error, covering=ends
        ),
    )


@pytest.mark.parametrize(
    ("own", "taken"), [(0.8, True), (0.8005, True), (0.802, False), (0.64, False)]
)
def test_only_the_same_auc_takes_the_interval_of_the_results(*, own: float, taken: bool) -> None:
    """The bound of the pair is 0.001: so far apart may bins move one AUC."""
    known = replace(pair(), covering_first=Figure(value=0.8, low=0.68, high=0.88))
    (row,) = [r for r in rows({"a": site(known)}) if r.scope == "site"]
    result = result_of(row, own)
    (made,) = as_in_results([row], [result], row.first)
    assert row.auc_first.covering is not None
    assert (made.auc_first.covering == result.auc.covering) == taken
    assert (made == row) != taken


def test_a_mean_over_sites_keeps_its_own_interval() -> None:
    """It is of the same cases as the pooled AUC, and another figure, however wide the bound is."""
    (row,) = [r for r in rows({s: site(pair()) for s in "ab"}) if r.scope == "pooled"]
    assert "random effects" in row.method
    assert row.auc_first.covering is not None
    result = result_of(row, row.auc_first.value or 0.0, 0.05)
    assert as_in_results([row], [result], row.first) == [row]
