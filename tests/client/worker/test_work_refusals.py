"""No reply tells of one patient: who has which sequences, or whose scores are no numbers."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.worker.app import SiteApp
from hepafed.common.certificates import make_node_key
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import KeysRequest, SiteSummary, ValidateRequest, pack
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.contract.privacy import PrivacyConfig
from hepafed.common.disclosure.noise.coarse import LENGTH
from hepafed.common.errors import DataError, EmptySplitError, RefusedError
from hepafed.common.network.weights import Flat, Layout

from tests.client.release.releasing import terms_of

NOISE: dict[str, Any] = {"privacy": PrivacyConfig(epsilon=1.0, lifetime_epsilon=9.0)}
PERSON = Crop("lx", "px", 1, ("t2",), np.full((1, 1, 160, 160), 1000, np.float16))


class Drawn:
    """In place of the network to the coordinator: weights by their digest, of usual size."""

    def fetch(self, digest: str, layout: Layout) -> Flat:
        return np.random.default_rng(int(digest[0], 16)).normal(size=layout.size).astype(np.float32)

    def send(self, *_: object) -> None: ...


class Aimed(Drawn):
    """Weights that overflow for images as bright as the person's, and for no others.

    Channel 0 is relu(mean of a patch - 100) × 10^36, 9 × 10^38 for the person: more than float32.
    """

    def fetch(self, digest: str, layout: Layout) -> Flat:
        weights, start = super().fetch(digest, layout).copy(), 0
        for name, shape in zip(layout.names, layout.shapes, strict=True):
            part = weights[start : start + int(np.prod(shape))].reshape(shape)
            start += part.size
            if name == "0.weight":
                part[0] = 1 / 25
            if name == "0.bias":
                part[0] = 0
            if name.startswith("1."):
                part[:] = {"1.weight": 1.0, "1.running_var": 1.0}.get(name, 0.0)
            if name == "1.weight":
                part[0] = 1e36
            if name == "1.bias":
                part[0] = -1e38
            if name == "6.weight":
                part[:, 0] = (1, 1, 0)
        return weights


def app_of(home: Path, crops: list[Crop], wire: object, **policy: Any) -> SiteApp:  # noqa: ANN401
    Cohort.create(home).add(crops)
    make_node_key(home / "keys" / "node.key")
    config = SiteConfig(site="s", role="validate", address="localhost:1", device="cpu", **policy)
    return SiteApp(home, config, wire)  # type: ignore[arg-type]


def question(number: int, protocol: str = "t2") -> ValidateRequest:
    plan = Plan(name="small", protocol=protocol, model=ModelPlan(size=75))
    return ValidateRequest(
        run=f"v-{number}", model="m", plan=plan, weights=f"{number:x}" * 64, threshold=0.5,
        split="external",
    )  # fmt: skip


def with_dwi(count: int) -> list[Crop]:
    rng = np.random.default_rng(5)
    drawn = [rng.normal(size=(2, 1, 160, 160)).astype(np.float16) for _ in range(count)]
    return [Crop(f"d{i}", f"q{i}", i % 3, ("t2", "dwi"), v) for i, v in enumerate(drawn)]


@pytest.mark.usefixtures("small")
def test_with_noise_the_reply_does_not_depend_on_how_many_patients_have_the_sequences(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    told = []
    for count in (0, 1, 4, 5, 12):  # minimum_count is 5
        app = app_of(tmp_path / str(count), [*crops(8), *with_dwi(count)], Drawn(), **NOISE)
        wide, narrow = (app.answer(question(n, p)) for n, p in ((1, "t2"), (2, "t2-dwi")))
        terms = terms_of(
            "s", "t", run="v-2", weights="2" * 64, subject="noisy-counts", length=LENGTH,
            noise=10**9,
        )  # fmt: skip
        offer = app.answer(KeysRequest(run="v-2", terms=terms))
        told.append((pack(wide), pack(narrow), offer.patients, offer.totals))  # type: ignore[attr-defined]
    assert told == [told[0]] * 5
    assert told[0][2:] == (0, ())


@pytest.mark.usefixtures("small")
def test_without_noise_a_split_without_the_sequences_is_refused(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    app = app_of(tmp_path, crops(8), Drawn())
    with pytest.raises(EmptySplitError, match="no lesion of the external split"):
        app.answer(question(2, "t2-dwi"))


@pytest.mark.usefixtures("small")
def test_with_noise_what_is_wrong_with_the_cohort_is_said_to_the_site_alone(
    tmp_path: Path, crops: Callable[..., list[Crop]], caplog: pytest.LogCaptureFixture
) -> None:
    said = {}
    for name, policy in (("noise", NOISE), ("none", {})):
        app = app_of(tmp_path / name, crops(8), Drawn(), **policy)
        for path in (tmp_path / name).rglob("*.npy"):
            path.write_bytes(b"damaged")
        with caplog.at_level(logging.WARNING), pytest.raises((RefusedError, DataError)) as e:
            app.answer(question(1))
        said[name] = e.value.message
    assert said["noise"] == "this site could not score its cohort; its log says why"
    assert said["none"] != said["noise"]
    assert f"the external split could not be scored: {said['none']}" in caplog.text


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "policy", [{}, NOISE, {"release": "plain"}], ids=["usual", "noise", "plain"]
)
def test_scores_that_are_no_numbers_for_one_person_refuse_nothing(
    tmp_path: Path,
    crops: Callable[..., list[Crop]],
    policy: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = []
    for there in (True, False):
        caplog.clear()
        others = crops(40)
        app = app_of(
            tmp_path / str(there), [*others, PERSON] if there else others, Aimed(), **policy
        )
        with caplog.at_level(logging.WARNING):
            made.append(app.answer(question(1)))
        assert ("1 of 41 lesions of the external split no finite score" in caplog.text) is there
        assert "px" not in caplog.text
    with_person, without = made
    assert isinstance(with_person, SiteSummary)
    assert isinstance(without, SiteSummary)
    assert with_person.suppressed == without.suppressed
    if "privacy" in policy:
        assert pack(with_person) == pack(without)
