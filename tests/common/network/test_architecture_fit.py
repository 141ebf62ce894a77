"""A file of pretrained weights fits by name and shape, or is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.errors import PlanError
from hepafed.common.network.architecture import ARCHITECTURE, build
from safetensors.torch import save_file
from torch import Tensor

STEM = "conv2d_1a.conv.weight"
INNER = "repeat.0.branch1.1.conv.weight"


@pytest.fixture(scope="module")
def same_head() -> dict[str, Tensor]:
    """A network of the plan's own number of classes."""
    return timm.create_model(ARCHITECTURE, pretrained=False, num_classes=3).state_dict()


def built(path: Path, state: dict[str, Tensor], protocol: str = "t2-dwi") -> dict[str, Tensor]:
    save_file({k: v.contiguous() for k, v in state.items()}, str(path / "w.safetensors"))
    plan = Plan(name="a", protocol=protocol, model=ModelPlan(weights=str(path / "w.safetensors")))
    return build(replace(plan, seed=3)).state_dict()


@pytest.mark.parametrize("name", [INNER, "repeat.0.conv2d.weight", "conv2d_2b.conv.weight"])
def test_a_tensor_of_as_many_numbers_in_another_shape_is_refused(
    tmp_path: Path, name: str, same_head: dict[str, Tensor]
) -> None:
    state = dict(same_head)
    turned = state[name].transpose(0, 1)
    state[name] = turned if turned.shape != state[name].shape else state[name].flatten()
    with pytest.raises(PlanError, match=rf"w\.safetensors does not fit at {name}"):
        built(tmp_path, state)


def test_a_tensor_that_is_missing_is_refused_but_a_counter_is_not(
    tmp_path: Path, same_head: dict[str, Tensor]
) -> None:
    state = dict(same_head)
    counters = [k for k in state if k.endswith("num_batches_tracked")]
    assert counters
    for name in counters:
        del state[name]
    built(tmp_path, state)
    del state[INNER]
    with pytest.raises(PlanError, match="does not fit"):
        built(tmp_path, state)


def test_a_head_of_three_classes_is_kept(tmp_path: Path, same_head: dict[str, Tensor]) -> None:
    state = dict(same_head)
    made = built(tmp_path, state)
    assert torch.equal(made["classif.weight"], state["classif.weight"])
    assert torch.equal(made["classif.bias"], state["classif.bias"])


def test_a_stem_of_the_protocol_s_channels_is_kept_as_it_is(
    tmp_path: Path, same_head: dict[str, Tensor]
) -> None:
    state = dict(same_head)
    state[STEM] = torch.randn(32, 2, 3, 3)
    assert torch.equal(built(tmp_path, state)[STEM], state[STEM])


@pytest.mark.parametrize("colours", [1, 5])
def test_the_mean_filter_is_scaled_by_the_channels_of_the_file(
    tmp_path: Path, colours: int, same_head: dict[str, Tensor]
) -> None:
    state = dict(same_head)
    state[STEM] = torch.randn(32, colours, 3, 3)
    made = built(tmp_path, state)[STEM]
    mean = state[STEM].double().numpy().sum(1) / 2
    for channel in range(2):
        assert made[:, channel].numpy() == pytest.approx(mean, abs=1e-6)


def test_a_stem_that_is_no_filter_is_refused(tmp_path: Path, same_head: dict[str, Tensor]) -> None:
    state = dict(same_head)
    state[STEM] = torch.randn(32, 3)
    with pytest.raises(PlanError, match=f"does not fit at {STEM}"):
        built(tmp_path, state)


def test_the_network_is_timms_drawn_from_the_seed_with_a_channel_a_sequence() -> None:
    plan = Plan(name="a", protocol="enhanced", seed=9, model=ModelPlan(dropout=0.35))
    torch.manual_seed(1)
    expected = torch.random.get_rng_state()
    made = build(plan)
    assert torch.equal(torch.random.get_rng_state(), expected)
    torch.manual_seed(9)
    theirs = timm.create_model(
        "inception_resnet_v2", pretrained=False, in_chans=4, num_classes=3, drop_rate=0.35
    )
    state = theirs.state_dict()
    assert {k for k, v in made.state_dict().items() if torch.equal(v, state[k])} == set(state)
    assert made.head_drop.p == theirs.head_drop.p == 0.35
