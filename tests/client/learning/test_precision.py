"""In which numbers a plan has a network compute, by device."""

import pytest
import torch
from hepafed.client.learning.precision import computing, number_type
from hepafed.common.contract import TrainingPlan
from hepafed.common.errors import RefusedError


@pytest.mark.parametrize(
    ("precision", "device", "wanted"),
    [
        ("auto", "cpu", torch.float32),
        ("auto", "cuda", torch.bfloat16),
        ("fp32", "cpu", torch.float32),
        ("fp32", "cuda", torch.float32),
        ("bf16", "cpu", torch.bfloat16),
        ("bf16", "cuda", torch.bfloat16),
        ("fp16", "cuda", torch.float16),
    ],
)
def test_each_word_stands_for_one_type_of_numbers_on_each_device(
    precision: str, device: str, wanted: torch.dtype
) -> None:
    assert number_type(TrainingPlan(precision=precision), torch.device(device)) == wanted


def test_fp16_without_a_gpu_is_refused_by_name() -> None:
    with pytest.raises(RefusedError, match="trains in fp16, and this site has no GPU") as e:
        number_type(TrainingPlan(precision="fp16"), torch.device("cpu"))
    assert "training.precision" in e.value.hint


@pytest.mark.parametrize(
    ("precision", "wanted"),
    [("auto", torch.float32), ("fp32", torch.float32), ("bf16", torch.bfloat16)],
)
def test_a_product_of_a_network_is_of_that_type(precision: str, wanted: torch.dtype) -> None:
    one = torch.ones(2, 2)
    with computing(TrainingPlan(precision=precision), torch.device("cpu")):
        assert (one @ one).dtype == wanted
