"""Every strategy trains end to end over TLS: five sites, real processes, a small network."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.rounds import STRATEGIES
from hepafed.common.network import read_parts
from hepafed.common.network.weight_files import open_weights
from hepafed.deploy.demo.federation import Federation, federation

from tests.chaos.prepared import SMALL_NETWORK, set_up

pytestmark = pytest.mark.slow
SITES = {"hospital-a": 12, "hospital-b": 17, "hospital-c": 14, "hospital-d": 20, "hospital-e": 13}
"""Patients of each site."""
KEYS = {
    "fedprox": "mu = 0",
    "fedadam": 'weights = "capped"\ncap = 0.25',
    "fedyogi": 'weights = "equal"\naverage = 2',
    "scaffold": 'weights = "equal"',
    "median": 'weights = "equal"',
    "trimmed-mean": 'weights = "equal"\nfaulty = 2',
    "krum": 'weights = "equal"',
}


@dataclass
class Models:
    """A federation that trains by each strategy once, and the models it made."""

    fed: Federation
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)

    def card(self, word: str, name: str = "") -> dict[str, Any]:
        """Train two rounds by a strategy, unless it was done, and return the model's card.

        `name`: of the plan; the strategy's word if empty.
        """
        name = name or word
        if name not in self.cards:
            plan = self.fed.folder / f"{name}.toml"
            plan.write_text(
                f'name = "{name}"\nprotocol = "t2"\nseed = 5\n[model]\nsize = 75\n'
                '[training]\nbatch = 2\noptimiser = "sgd"\nrate = 0.05\n'
                f'[rounds]\ncount = 2\nquorum = 5\ndeadline = 150\nstrategy = "{word}"\n'
                f"{KEYS.get(word, '')}\n"
            )
            self.fed.command("server", "train", str(plan), "--check")
            self.fed.command("server", "train", str(plan), "--watch")
            (made,) = [m for m in self.fed.json("models") if m["id"].startswith(f"{name}-")]
            path = self.fed.home("server") / "models" / made["id"] / "card.json"
            self.cards[name] = json.loads(path.read_text())
        return self.cards[name]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    with federation(tmp_path_factory.mktemp("strategies"), SMALL_NETWORK) as fed:
        fed.start_server()
        for seed, (site, patients) in enumerate(SITES.items()):
            fed.enrol(site, "train")
            set_up(fed, site, patients, seed)
            config = fed.home(site) / "site.toml"
            config.write_text(f'{config.read_text()}optimisers = ["adamw", "sgd"]\n')
            fed.start(site)
        fed.wait_online(tuple(SITES))
        yield Models(fed)


@pytest.mark.parametrize("word", STRATEGIES)
def test_a_strategy_ends_in_a_model_that_names_it(models: Models, word: str) -> None:
    card = models.card(word)
    assert card["strategy"] == card["plan"]["rounds"]["strategy"] == word
    assert {c["site"]: c["rounds"] for c in card["contributions"]} == dict.fromkeys(SITES, 2)


def test_fedprox_with_mu_0_is_fedavg_bit_for_bit_over_the_wire(models: Models) -> None:
    assert models.card("fedprox")["sha256"] == models.card("fedavg")["sha256"]
    assert models.card("fedbn")["sha256"] != models.card("fedavg")["sha256"]


def test_the_coordinator_s_sum_is_that_of_the_control_variates_at_the_sites(
    models: Models,
) -> None:
    """Its run is the newest of those by which sites keep a state: they keep that of one run."""
    run = models.card("scaffold", "controls")["run"]
    total = vector(models.fed.home("server") / "runs" / run / "control-00002.safetensors")
    own = [
        vector(next((models.fed.home(s) / "strategy").glob("*-00002.safetensors"))) for s in SITES
    ]
    assert np.abs(total).max() > 1e-4
    np.testing.assert_allclose(total, np.sum(own, axis=0), rtol=1e-3, atol=1e-5)


def vector(path: Path) -> np.ndarray:
    return np.concatenate([*read_parts(path, open_weights(path).layout.size)])
