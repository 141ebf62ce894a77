"""Weights that come from elsewhere are used, or refused by name with what to do about them."""

import io
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.errors import PlanError
from hepafed.common.network import Layout, save_safetensors
from hepafed.common.network.architecture import (
    build,
    import_weights,
    initial,
    look_at_weights,
)
from hepafed.common.network.pretrained import Fitted, fitted
from hepafed.common.network.tensor_files import read_tensors, read_torch
from safetensors.torch import load_file, save_file
from torch import Tensor

State = dict[str, Tensor]
PLAN = Plan(name="a", protocol="t2-dwi", seed=3)
STEM, INNER, HEAD = "conv2d_1a.conv.weight", "repeat.0.branch1.1.conv.weight", "classif.weight"
VARIANCE = "conv2d_2b.bn.running_var"
PARTS = ("conv2d_", "repeat.0.", "classif.")
"""Layers of the network that most tests look at; the others are of the same kinds."""


@cache
def network(classes: int, channels: int, parts: tuple[str, ...] = PARTS) -> State:
    """Give tensors under timm's names and in its shapes, of some layers."""
    with torch.device("meta"):
        made = timm.create_model(
            "inception_resnet_v2", pretrained=False, num_classes=classes, in_chans=channels
        ).state_dict()
    drawn = torch.Generator().manual_seed(classes)
    return {
        k: torch.rand(v.shape, generator=drawn) if v.is_floating_point() else torch.tensor(0)
        for k, v in made.items()
        if k.startswith(parts)
    }


OWN = {k: tuple(v.shape) for k, v in network(3, 2).items() if v.is_floating_point()}


def fit(path: Path) -> Fitted:
    """Fit a file as a run of two sequences does, for the layers that tests look at."""
    found, ours, _ = read_tensors(path)
    return fitted(OWN, found, path.name, ours=ours)


def imagenet() -> State:
    """Give what timm's ImageNet file holds: three channels, a thousand classes."""
    return dict(network(1000, 3))


def changed(name: str, how: Callable[[Tensor], Tensor]) -> Callable[[], State]:
    return lambda: {**imagenet(), name: how(imagenet()[name].clone())}


def filled(name: str, value: float) -> Callable[[], State]:
    def one(t: Tensor) -> Tensor:
        t.view(-1)[-1] = value
        return t

    return changed(name, one)


def cast(kind: torch.dtype) -> Callable[[], State]:
    return lambda: {k: v.to(kind) if v.is_floating_point() else v for k, v in imagenet().items()}


def without(*ends: str) -> Callable[[], State]:
    return lambda: {k: v for k, v in imagenet().items() if not k.endswith(ends)}


def quantised() -> State:
    return {k: (v * 127).to(torch.int8) if v.ndim == 4 else v for k, v in imagenet().items()}


def cadene() -> State:
    """Name the classifier as pretrained-models.pytorch does, with its background class."""
    return {k.replace("classif", "last_linear"): v for k, v in network(1001, 3).items()}


def prefixed(start: str) -> Callable[[], State]:
    return lambda: {start + k: v for k, v in imagenet().items()}


def densenet() -> State:
    """Name tensors as MONAI's DenseNet121 does."""
    return {
        "features.conv0.weight": torch.rand(64, 1, 7, 7),
        "class_layers.out.bias": torch.ones(3),
    }


def written(folder: Path, state: State) -> Path:
    path = folder / "w.safetensors"
    save_file({k: v.contiguous().clone() for k, v in state.items()}, str(path))
    return path


USED: dict[str, tuple[Callable[[], State], tuple[str, ...]]] = {
    "timm's ImageNet file": (imagenet, ("classifier has 1000 classes: it starts anew",)),
    "float16": (cast(torch.float16), ("float16 are float32 now",)),
    "bfloat16": (cast(torch.bfloat16), ("bfloat16 are float32 now",)),
    "float64": (cast(torch.float64), ("float64 are float32 now",)),
    "no classifier": (without(HEAD, "classif.bias"), ("no classifier: it starts anew",)),
    "21 classes": (lambda: dict(network(21, 3)), ("classifier has 21 classes: it starts anew",)),
    "DataParallel": (prefixed("module."), ("'module.' was taken from the front",)),
    "Lightning": (prefixed("model.backbone."), ("'model.backbone.' was taken",)),
    "Cadene's names": (cadene, ("classifier has 1001 classes: it starts anew",)),
    "no counters": (without("num_batches_tracked"), ()),
    "more tensors": (
        lambda: {**imagenet(), "aux.weight": torch.ones(3)},
        ("1 tensors of the file are not used, such as aux.weight",),
    ),
    "another network beside it": (
        lambda: {**prefixed("student.")(), "head.weight": torch.ones(3)},
        ("1 tensors of the file do not belong to it", "'student.' was taken"),
    ),
}


@pytest.mark.parametrize("case", USED)
def test_weights_of_the_same_network_are_used_and_it_is_said_what_was_done(
    tmp_path: Path, case: str
) -> None:
    make, words = USED[case]
    state = make()
    made = fit(written(tmp_path, state))
    head = "" if "classif" in "".join(words) else "classifier has 1000 classes"
    for part in (*words, head, "mean filter of the file's 3 channels in each of 2"):
        assert part in "; ".join(made.notes)
    assert len(made.notes) == len(words) + bool(head) + 1
    (start,) = {k.removesuffix(STEM) for k in state if k.endswith(STEM)}
    assert made.tensors.keys() == OWN.keys() - {HEAD, "classif.bias"}
    for name, tensor in made.tensors.items():
        given = state[start + name].float()
        if name == STEM:
            given = (given.sum(1, keepdim=True) / 2).expand(-1, 2, -1, -1)
        assert tensor.dtype == torch.float32
        assert torch.allclose(tensor, given, rtol=1e-6)


REFUSED: dict[str, tuple[Callable[[], State], str, str]] = {
    "NaN": (filled(INNER, np.nan), rf"{INNER} \(NaN or infinity\)", "another copy"),
    "infinity": (filled(INNER, -np.inf), rf"{INNER} \(NaN or infinity\)", "another copy"),
    "NaN in the first convolution": (filled(STEM, np.nan), rf"{STEM} \(NaN", "another copy"),
    "a number beyond bfloat16": (filled(INNER, 3.4e38), "too large for bfloat16", "another copy"),
    "a negative variance": (filled(VARIANCE, -1e-3), "a negative variance", "another copy"),
    "a layer of zeros": (changed(INNER, torch.zeros_like), "zero everywhere", "another copy"),
    "int8": (quantised, r"is quantised: .*conv2d_1a.conv.weight \(int8\)", "before it was quant"),
    "float8": (
        changed(INNER, lambda t: t.to(torch.float8_e4m3fn)),
        r"\(float8_e4m3fn\)",
        "before it was quantised",
    ),
    "transposed": (
        changed(INNER, lambda t: t.permute(2, 3, 1, 0)),
        rf"does not fit at {INNER} \(.*; the network has",
        "inception_resnet_v2",
    ),
    "TensorFlow's order": (
        lambda: {k: v.permute(2, 3, 1, 0) if v.ndim == 4 else v for k, v in imagenet().items()},
        r"does not fit at conv2d_1a.conv.weight \(3 × 3 × 3 × 32; .* and \d+ more",
        "inception_resnet_v2",
    ),
    "two tensors missing": (
        without(INNER, VARIANCE),
        rf"does not fit at {VARIANCE} \(missing\), {INNER} \(missing\)",
        "inception_resnet_v2",
    ),
    "half of a classifier": (
        without("classif.bias"),
        r"classif.bias \(missing\), classif.weight",
        "inception_resnet_v2",
    ),
    "a classifier that contradicts itself": (
        changed("classif.bias", lambda t: t[:3]),
        "does not fit at classif.weight",
        "inception_resnet_v2",
    ),
    "MONAI's DenseNet": (densenet, "is not of inception_resnet_v2: it has no tensor", "timm's"),
    "no tensor": (dict, "is not of inception_resnet_v2", "timm's"),
    "two networks": (
        lambda: {**prefixed("teacher.")(), **prefixed("student.")()},
        r"holds 2 networks, under student\., teacher\.",
        "one of them",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_weights_that_cannot_be_used_are_refused_by_name_with_what_to_do(
    tmp_path: Path, case: str
) -> None:
    make, words, hint = REFUSED[case]
    with pytest.raises(PlanError, match=rf"^w.safetensors .*{words}") as refused:
        fit(written(tmp_path, make()))
    assert hint in refused.value.hint


def test_every_unusable_tensor_is_counted_and_three_are_named(tmp_path: Path) -> None:
    state = {k: v * torch.nan if v.ndim == 4 else v for k, v in imagenet().items()}
    with pytest.raises(PlanError, match=r"(NaN or infinity\).*){3} and \d+ more") as refused:
        fit(written(tmp_path, state))
    assert len(refused.value.message) < 400


def pickled(value: object) -> bytes:
    content = io.BytesIO()
    torch.save(value, content)
    return content.getvalue()


FILES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "is empty", "timm's"),
    "half": (b"\x40\x00\x00\x00\x00\x00\x00\x00{", "no whole safetensors file", "timm's"),
    "torch.save": (pickled({"a": torch.ones(2)}), "is a file of torch.save", "import-weights"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", "timm's"),
    "Keras": (b"\x89HDF\r\n\x1a\n" + b"0" * 90, "HDF5", "timm's"),
    "a web page": (b"<!DOCTYPE html>" + b" " * 90, "is a page of text", "timm's"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_safetensors_is_named_for_what_it_is(tmp_path: Path, case: str) -> None:
    content, words, hint = FILES[case]
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(PlanError, match=rf"^w.pth .*{words}") as refused:
        read_tensors(path)
    assert hint in refused.value.hint


@pytest.mark.parametrize("name", ["gone.safetensors", ".", "a\0b", "n" * 5000])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PlanError):
        read_tensors(tmp_path / name)


def test_the_refusal_of_a_torch_file_is_the_command_that_converts_it(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(pickled(imagenet()))
    with pytest.raises(PlanError) as refused:
        read_tensors(path)
    command = f"server import-weights {path} -o {tmp_path / 'net.safetensors'}"
    assert refused.value.hint.startswith(command)


def test_an_own_model_is_used_as_it_is_and_held_to_its_digests(tmp_path: Path) -> None:
    state, path = network(3, 2), tmp_path / "weights.safetensors"
    flat = np.concatenate([state[k].numpy().ravel() for k in OWN])
    save_safetensors(path, Layout(tuple(OWN), tuple(OWN.values())), flat)
    made = fit(path)
    assert made.notes == []
    assert made.tensors.keys() == OWN.keys()
    assert all(torch.equal(v, state[k]) for k, v in made.tensors.items())
    content = bytearray(path.read_bytes())
    content[-400] ^= 1
    path.write_bytes(content)
    with pytest.raises(PlanError, match="is damaged"):
        fit(path)


def test_a_foreign_classifier_of_three_classes_is_kept_and_its_order_is_asked_for(
    tmp_path: Path,
) -> None:
    made = fit(written(tmp_path, network(3, 2)))
    assert torch.equal(made.tensors[HEAD], network(3, 2)[HEAD])
    assert made.notes == [
        "the classifier is kept; its classes must be benign, primary-malignant, metastatic, in "
        "this order",
    ]


def test_the_whole_network_starts_from_timms_file_and_is_looked_at_without_being_built(
    tmp_path: Path,
) -> None:
    whole = network(1000, 3, ("",))
    path = written(tmp_path, whole)
    plan = replace(PLAN, model=ModelPlan(weights=str(path)))
    module, notes, digest = initial(plan)
    assert digest == sha256(path.read_bytes()).hexdigest()
    assert look_at_weights(plan) == notes
    assert len(notes) == 2
    made, drawn = module.state_dict(), build(PLAN).state_dict()
    for name, tensor in made.items():
        if name == STEM:
            given = (whole[STEM].sum(1, keepdim=True) / 2).expand(-1, 2, -1, -1)
        else:
            given = drawn[name] if name.startswith("classif") else whole[name]
        assert torch.allclose(tensor, given, rtol=1e-6), name
    path.write_bytes(path.read_bytes()[:-1])
    for look in (look_at_weights, build):
        with pytest.raises(PlanError, match=r"^model\.weights: w.safetensors cannot be read"):
            look(plan)


def test_the_whole_network_is_imported_from_a_torch_file_under_our_names(tmp_path: Path) -> None:
    whole = {k.replace("classif", "last_linear"): v for k, v in network(1001, 3, ("",)).items()}
    path, out = tmp_path / "net.pth", tmp_path / "net.safetensors"
    torch.save({"state_dict": {f"module.{k}": v for k, v in whole.items()}, "epoch": 3}, path)
    notes = import_weights(path, out)
    assert notes[0] == "taken from under 'state_dict'"
    made = load_file(str(out))
    expected = {k: v for k, v in network(1001, 3, ("",)).items() if v.is_floating_point()}
    assert made.keys() == expected.keys()
    assert all(torch.equal(made[k], v) for k, v in expected.items())
    assert look_at_weights(replace(PLAN, model=ModelPlan(weights=str(out))))
    out.unlink()
    torch.save(whole | {INNER: whole[INNER] * torch.nan}, path)
    with pytest.raises(PlanError, match="NaN or infinity"):
        import_weights(path, out)
    assert not out.exists()


@pytest.mark.parametrize(
    "wrap",
    [
        dict,
        OrderedDict,
        lambda s: {"state_dict": s, "epoch": 7, "arch": "inception_resnet_v2"},
        lambda s: {"model": OrderedDict(s), "optimizer": {"state": {0: {"step": 1}}}},
        lambda s: {"checkpoint": {"net": {f"module.{k}": v for k, v in s.items()}}},
        lambda s: {k.replace("classif", "last_linear"): v for k, v in s.items()},
    ],
    ids=["plain", "ordered", "state_dict", "model", "nested and parallel", "Cadene"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_the_network_in_a_torch_file_is_found_however_it_is_wrapped(
    tmp_path: Path, wrap: Callable[[State], object], zipped: bool
) -> None:
    path = tmp_path / "net.pth"
    torch.save(wrap(imagenet()), path, _use_new_zipfile_serialization=zipped)
    tensors, _ = read_torch(path)
    made = fitted(OWN, tensors, path.name, ours=False).tensors
    assert all(torch.equal(v, imagenet()[k]) for k, v in made.items() if k != STEM)
    assert made.keys() == OWN.keys() - {HEAD, "classif.bias"}


class Evil:
    """A pickle that would write a file if it was run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (lambda p: {"model": Evil(p), **imagenet()}, "Nothing in it was run"),
        (lambda _: {"state_dict": imagenet(), "ema": imagenet()}, "holds 2 networks, under ema, s"),
        (lambda _: [1, 2], "is not of inception_resnet_v2"),
        (lambda _: {"state_dict": {"a.weight": torch.ones(2)}}, "is not of inception_resnet_v2"),
        (lambda _: quantised(), "is quantised"),
    ],
    ids=["code", "two networks", "a list", "another network", "int8"],
)
def test_a_torch_file_that_cannot_be_used_is_refused_and_runs_nothing(
    tmp_path: Path, value: Callable[[Path], object], words: str
) -> None:
    path, mark = tmp_path / "net.pth", tmp_path / "mark"
    torch.save(value(mark), path)
    with pytest.raises(PlanError, match=words) as refused:
        fitted(OWN, read_torch(path)[0], path.name, ours=False)
    assert refused.value.hint
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"PK\x03\x04 half", b"\x80\x02 half"])
def test_a_damaged_torch_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(PlanError, match="damaged"):
        read_torch(path)


def test_a_safetensors_file_needs_no_import(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"not a file of torch\.save") as refused:
        read_torch(written(tmp_path, imagenet()))
    assert "needs no import" in refused.value.hint
