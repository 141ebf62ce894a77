"""What makes each sentence of the first page true, computed anew from report.json."""

from collections.abc import Callable, Mapping
from typing import Any

Values = dict[str, Any]


def row(v: Values) -> Values:
    (found,) = [
        r for r in v["results"] if (r["scope"], r["task"]) == ("pooled", "malignant_vs_benign")
    ]
    return found


def run(v: Values) -> bool:
    return "run" in v["provenance"]


def slope(v: Values) -> Values:
    if not v["calibration"]:
        nothing = {"value": None, "low": None, "high": None}
        return nothing | {"large": nothing}
    (found,) = [
        c for c in v["calibration"] if (c["scope"], c["task"]) == ("pooled", "malignant_vs_benign")
    ]
    return found["slope"] | {"large": found["in_the_large"]}


def sources(v: Values) -> list[str]:
    return [x for s in v["sites"] for x in s.get("origin", {}).get("sources", ())]


def parts(v: Values) -> list[Values]:
    return [p for s in v["sites"] for p in s.get("origin", {}).get("left_out") or ()]


def curve(v: Values) -> list[bool]:
    return [p["model"] > 0 and p["model"] > p["all"] for p in row(v).get("net_benefit") or ()]


def ends(v: Values) -> Values | None:
    """Return the interval of the headline AUC that is judged."""
    auc = row(v)["auc"]
    clustered = auc.get("clustered") or {}
    found = auc.get("covering") or clustered.get("logit") or auc.get("logit") or auc
    return found if found["low"] is not None else None


def benefit(v: Values) -> tuple[float, float] | None:
    se, sp = row(v)["sensitivity"], row(v)["specificity"]
    if se["denominator"] is None or sp["denominator"] is None:
        return None
    at = v["model"]["operating_point"]["threshold"]
    odds, n = at / (1 - at), se["denominator"] + sp["denominator"]
    false = sp["denominator"] - sp["numerator"]
    return (
        (se["numerator"] - false * odds) / n,
        (se["denominator"] - sp["denominator"] * odds) / n,
    )


def tuning(v: Values) -> Values | None:
    return (v["model"].get("card") or {}).get("tuning_scores")


def looks(v: Values) -> list[Values]:
    return v["look"]["earlier"] if v.get("look") else []


def placeholder(v: Values) -> bool:
    return "placeholder" in v["model"]["operating_point"]["rule"]


def has(figure: Values) -> bool:
    return None not in (figure["value"], figure["low"], figure["high"])


def widened(v: Values) -> bool:
    """Tell whether noise doubles the interval; Newcombe's half-width is about 1.96 √V(A) here."""
    at, found = row(v)["auc"]["value"], ends(v)
    if at is None or found is None:
        return True
    m, n = row(v)["positives"], row(v)["n"] - row(v)["positives"]
    more = ((m + n) / 2 - 1) * ((1 - at) / (2 - at) + at / (1 + at))
    return found["high"] - found["low"] > 4 * 1.96 * (at * (1 - at) / (m * n) * (1 + more)) ** 0.5


def classes(v: Values) -> tuple[int, int]:
    return row(v)["positives"], row(v)["n"] - row(v)["positives"]


def enough(v: Values) -> bool:
    return min(classes(v)) >= 10


def judged(v: Values) -> bool:
    return has(slope(v)) and enough(v)


def card(v: Values) -> Values:
    return v["model"].get("card") or {}


def rehearsal(v: Values) -> bool:
    return card(v).get("plan", {}).get("training", {}).get("epochs") == 0


def primary(v: Values) -> list[str]:
    return [e["verdict"] for e in (v.get("evaluation") or {}).get("endpoints", ()) if e["primary"]]


def sites_aucs(v: Values) -> list[float]:
    question = ("site", "patient", "malignant_vs_benign")
    rows = [r for r in v["results"] if (r["scope"], r["unit"], r["task"]) == question]
    return [r["auc"]["value"] for r in rows if r["auc"]["value"] is not None]


def further(v: Values) -> float:
    """Return the least AUC that is expected of a further site; 1 where that is not known."""
    for h in v["heterogeneity"]:
        if h["task"] == "malignant_vs_benign" and h.get("prediction"):
            low = h["prediction"]["low"]
            return 1.0 if low is None else low
    return 1.0


TRUE: Mapping[str, Callable[[Values], bool]] = {
    "made_up": lambda v: (v["model"].get("card") or {}).get("plan", {}).get("synthetic", False),
    "tested_model": run,
    "tested_scores": lambda v: not run(v),
    "input_sequences": run,
    "trained_on": lambda v: bool(card(v).get("training_examples")) and not rehearsal(v),
    "not_trained": rehearsal,
    "training_not_known": lambda v: run(v) and not card(v),
    "on_patients": lambda v: True,
    "decides_nothing": lambda v: not enough(v),
    "risks_undecided": lambda v: not enough(v),
    "noise_added": lambda v: "noise" in v,
    "from_volumes": lambda v: bool({"dicom", "lld-mmri"}.intersection(sources(v))),
    "from_pictures": lambda v: "key-images" in sources(v),
    "origin_not_stated": lambda v: run(v) and any("origin" not in s for s in v["sites"]),
    "left_out": lambda v: any(p["lesions"] != 0 for p in parts(v)),
    "nothing_left_out": lambda v: (
        [p["lesions"] for p in parts(v)] == [0] * 3 * len(v["sites"]) != []
    ),
    "left_out_not_stated": lambda v: (
        run(v) and any(s.get("origin", {}).get("left_out") is None for s in v["sites"])
    ),
    "sites_without_figures": lambda v: bool(v["provenance"].get("missing_sites")),
    "planned_before": lambda v: bool(v.get("evaluation")) and v["look"]["number"] == 1,
    "threshold_used": lambda v: (
        row(v)["sensitivity"]["value"] is not None or row(v)["specificity"]["value"] is not None
    ),
    "malignant_found": lambda v: row(v)["sensitivity"]["value"] is not None,
    "benign_called_malignant": lambda v: row(v)["specificity"]["value"] is not None,
    "rates_missing": lambda v: (
        row(v)["sensitivity"]["value"] is None and row(v)["specificity"]["value"] is None
    ),
    "primary_goals": lambda v: bool(primary(v)),
    "goal_not_reached": lambda v: any(
        p not in ("met", "non-inferior", "reported") for p in primary(v)
    ),
    "by_site": lambda v: len(sites_aucs(v)) > 1,
    "further_site": lambda v: further(v) <= 0.5,
    "scores_moved": lambda v: any(d.get("differs") for d in v["drift"] if d["site"] is None),
    "told_apart": lambda v: row(v)["auc"]["value"] is not None,
    "not_told_apart": lambda v: row(v)["auc"]["value"] is None,
    "beside_readers": lambda v: any(
        r[k]["value"] is not None and r["model_" + k]["value"] is not None
        for r in v["readers"]
        for k in ("sensitivity", "specificity")
    ),
    "beside_models": lambda v: any(
        (c["scope"], c["unit"], c["task"]) == ("pooled", "patient", "malignant_vs_benign")
        for c in v["comparisons"]
    ),
    "wrong_way_round": lambda v: (e := ends(v)) is not None and e["high"] < 0.5,
    "chance_not_excluded": lambda v: (e := ends(v)) is not None and e["low"] <= 0.5 <= e["high"],
    "all_called_alike": lambda v: (
        (row(v)["sensitivity"]["value"], row(v)["specificity"]["value"]) in ((0, 1), (1, 0))
    ),
    "risks_too_extreme": lambda v: judged(v) and slope(v)["high"] < 1,
    "risks_too_moderate": lambda v: judged(v) and slope(v)["low"] > 1,
    "slope_agrees": lambda v: judged(v) and slope(v)["low"] <= 1 <= slope(v)["high"],
    "risks_shifted": lambda v: (
        judged(v) and slope(v)["large"]["low"] * slope(v)["large"]["high"] > 0
    ),
    "calibration_missing": lambda v: enough(v) and not has(slope(v)),
    "useful_where": lambda v: enough(v) and any(curve(v)),
    "useful_nowhere": lambda v: enough(v) and bool(curve(v)) and not any(curve(v)),
    "few_of_a_class": lambda v: min(row(v)["positives"], row(v)["n"] - row(v)["positives"]) < 100,
    "few_tuning_patients": lambda v: (
        (t := tuning(v)) is not None
        and not placeholder(v)
        and min(sum(t["positives"]), sum(t["negatives"])) < 50
    ),
    "tuning_not_known": lambda v: run(v) and tuning(v) is None and not placeholder(v),
    "placeholder_threshold": placeholder,
    "threshold_of_table": lambda v: not run(v),
    "not_registered": lambda v: run(v) and not v.get("evaluation"),
    "seen_before": lambda v: bool(looks(v)),
    "registered_late": lambda v: bool(v.get("evaluation") and looks(v)),
    "one_site": lambda v: len(v["sites"]) == 1,
    "dominant_site": lambda v: (
        len(v["sites"]) > 1
        and "noise" not in v
        and max(s["patients"] for s in v["sites"]) > 0.6 * sum(s["patients"] for s in v["sites"])
    ),
    "drowned_in_noise": lambda v: "noise" in v and widened(v),
    "slope_off": lambda v: judged(v) and not slope(v)["low"] <= 1 <= slope(v)["high"],
    "harmful_threshold": lambda v: (b := benefit(v)) is not None and b[0] < max(b[1], 0),
    "subgroups_withheld": lambda v: any(
        "variable" in s or s["what"].startswith("subgroup") for s in v["suppressed"]
    ),
    "wide_pooling_error": lambda v: (
        row(v)["auc"]["value"] is not None and row(v)["auc"]["binning_error"] > 0.005
    ),
    "remark_on_auc": lambda v: (
        row(v)["auc"]["value"] is not None and bool(row(v)["auc"].get("reason"))
    ),
}
"""By the name of a rule: whether its sentence is true of a report.json."""
