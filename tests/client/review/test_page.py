"""`client review`: the site's own misses, explained where the evidence is, and for nobody else."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort.store import Cohort, Crop
from hepafed.client.learning.scoring import score
from hepafed.client.learning.trainer import Trainer
from hepafed.client.review.archive import keep, recall, recall_weights
from hepafed.client.review.page import missed_of, review
from hepafed.client.review.saliency import grad_cam, occlude
from hepafed.common.contract.messages import ValidateRequest
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.network.architecture import build
from hepafed.common.network.weights import Layout, flatten, from_bf16, to_bf16
from torch import Tensor, nn

PLAN = Plan(name="small", protocol="t2-dwi", model=ModelPlan(size=75))


class Corner(nn.Module):
    """Malignant evidence is the brightness of the upper left, benign that of the lower right."""

    def __init__(self) -> None:
        super().__init__()
        self.repeat = nn.Identity()
        self.repeat_1 = nn.Identity()
        self.conv2d_7b = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2d_7b(self.repeat_1(self.repeat(x)))
        malignant = x[:, :, :20, :20].mean((1, 2, 3))
        benign = x[:, :, 40:, 40:].mean((1, 2, 3))
        return torch.stack([benign, malignant, torch.full_like(benign, -50.0)], 1)


def test_occlusion_points_at_the_malignant_evidence_alone() -> None:
    image = torch.zeros(1, 2, 60, 60)
    image[:, :, :20, :20] = 4.0
    found = occlude(Corner(), image)
    assert found[:20, :20].mean() > 0.5
    assert found[40:, 40:].max() < 0.2


def test_grad_cam_points_at_what_spoke_for_benign() -> None:
    image = torch.zeros(1, 2, 60, 60)
    image[:, :, 40:, 40:] = 4.0
    found = grad_cam(Corner(), image)
    assert found[45:, 45:].mean() > 0.5
    assert found[:20, :20].max() < 0.1


def test_grad_cam_of_the_real_network_has_a_place_at_the_smallest_size() -> None:
    """What speaks for benign in an untrained network speaks against it when its head is turned."""
    module = build(PLAN).eval()
    image = torch.randn(1, 2, 75, 75, generator=torch.Generator().manual_seed(3))
    spreads = []
    for sign in (1, -1):
        with torch.no_grad():
            dict(module.named_modules())["classif"].weight.mul_(sign)
        spreads.append(grad_cam(module, image).std())
    assert max(spreads) > 0


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


def test_an_unknown_run_names_those_that_are_kept(home: Path) -> None:
    with pytest.raises(DataError) as raised:
        recall(home, "validate-2")
    assert "validate-1" in raised.value.hint


def test_a_run_id_cannot_lead_out_of_the_folder(home: Path) -> None:
    with pytest.raises(PayloadError):
        recall(home, "../site")


def test_damaged_weights_are_not_used(home: Path, tmp_path: Path) -> None:
    layout = Layout.of(build(PLAN))
    digest = json.loads((home / "scores/validate-1.json").read_text())["weights"]
    copy = tmp_path / "models" / f"{digest}.bf16"
    copy.parent.mkdir()
    content = bytearray((home / "models" / copy.name).read_bytes())
    content[1000] ^= 1
    copy.write_bytes(bytes(content))
    with pytest.raises(DataError, match="damaged"):
        recall_weights(tmp_path, digest, layout)
