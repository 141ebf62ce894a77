"""`client review`: the site's own misses, explained where the evidence is, and for nobody else."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.scoring import score
from hepafed.client.learning.trainer import Trainer
from hepafed.client.review.page import missed_of, review
from hepafed.client.validations import keep, recall
from hepafed.common.contract.messages import ValidateRequest
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.network.architecture import build
from hepafed.common.network.weights import Layout, flatten, from_bf16, to_bf16

PLAN = Plan(name="small", protocol="t2-dwi", model=ModelPlan(size=75))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that has taken part in a validation with an untrained network."""
    home = tmp_path_factory.mktemp("site")
    rng = np.random.default_rng(1)
    crops = [
        Crop(
            f"lesion{i:02d}",
            f"patient{i:02d}",
            i % 3,
            ("t2", "dwi"),
            rng.normal(size=(2, 1, 160, 160)).astype(np.float16),
        )
        for i in range(30)
    ]
    Cohort.create(home).add(crops)
    module = build(PLAN)
    layout = Layout.of(module)
    content = to_bf16(flatten(module, layout))
    weights = from_bf16(content, layout)
    table = score(Trainer(home, 0), PLAN, weights, "external", "somewhere")
    middle = float(np.median(1 - np.exp(table.log_probs[:, 0])))
    digest = hashlib.sha256(content).hexdigest()
    request = ValidateRequest(
        run="validate-1", model="m", plan=PLAN, weights=digest, threshold=middle, split="external"
    )
    keep(home, request, table, weights)
    return home


def test_the_page_shows_each_missed_lesion_with_its_channels_and_maps(
    home: Path, tmp_path: Path
) -> None:
    kept = recall(home, "validate-1")
    missed = missed_of(kept.table, kept.request.threshold)
    assert missed
    page = tmp_path / "page.html"
    found = review(home, "validate-1", page, most=2, occlusion=True, progress=lambda *_: None)
    text = page.read_text(encoding="utf-8")
    assert found == (len(missed), min(2, len(missed)))
    assert all(m.lesion in text for m in missed[:2])
    assert text.count("data:image/png") == 4 * found[1]
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    assert page.stat().st_mode & 0o777 == 0o600


def test_only_malignant_lesions_below_the_operating_point_count_as_missed(home: Path) -> None:
    kept = recall(home, "validate-1")
    missed = {m.lesion for m in missed_of(kept.table, kept.request.threshold)}
    for lesion, truth, log_p in zip(
        kept.table.lesion, kept.table.truth, kept.table.log_probs[:, 0], strict=True
    ):
        assert (lesion in missed) == (truth != 0 and -np.expm1(log_p) < kept.request.threshold)


def test_a_missed_lesion_that_was_excluded_since_is_counted_and_not_shown(
    home: Path, tmp_path: Path
) -> None:
    kept = recall(home, "validate-1")
    first, *others = missed_of(kept.table, kept.request.threshold)
    page = tmp_path / "page.html"
    store = Cohort.open(home)
    store.exclude({first.lesion: "wrong place"})
    found = review(home, "validate-1", page, most=1, occlusion=False, progress=lambda *_: None)
    store.include({first.lesion})
    text = page.read_text(encoding="utf-8")
    assert found == (len(others) + 1, 1)
    assert first.lesion not in text
    assert others[0].lesion in text
    assert "1 of them were excluded since then" in text
