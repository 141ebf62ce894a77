"""A run's initial weights from a file of pretrained ones, as timm's users have it."""

from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.errors import PlanError
from hepafed.common.network.architecture import ARCHITECTURE, build, for_sites
from safetensors.torch import save_file

PLAN = Plan(name="small", protocol="t2-dwi", seed=7)
STEM, HEAD = "conv2d_1a.conv.weight", "classif.weight"


def from_file(path: Path) -> Plan:
    return replace(PLAN, model=ModelPlan(weights=str(path)))


def test_pretrained_weights_of_three_colours_and_other_classes_start_a_run(tmp_path: Path) -> None:
    path = tmp_path / "imagenet.safetensors"
    file = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=10).state_dict()
    save_file(file, str(path))
    made, drawn = build(from_file(path)).state_dict(), build(PLAN).state_dict()
    assert torch.equal(made[HEAD], drawn[HEAD])
    filters = file[STEM].mean(1, keepdim=True) * 3 / 2
    assert torch.allclose(made[STEM], filters.expand(-1, 2, -1, -1))
    rest = [k for k in made if k not in (STEM, HEAD, "classif.bias")]
    assert all(torch.equal(made[k], file[k]) for k in rest)
    sent = build(for_sites(from_file(path))).state_dict()
    assert all(torch.equal(sent[k], drawn[k]) for k in drawn)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "is not on this machine"), (b"x" * 100, "cannot be read")]
)
def test_a_file_of_weights_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "imagenet.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlanError, match=rf"^model\.weights: imagenet\.safetensors {words}"):
        build(from_file(path))
