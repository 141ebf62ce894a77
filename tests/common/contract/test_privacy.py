"""The table [privacy] of site.toml: its limits, and what may not stand beside it."""

from pathlib import Path
from typing import Any

import pytest
from hepafed.common.contract.config import SiteConfig, read_toml, write_toml
from hepafed.common.contract.privacy import NoiseNeed, PrivacyConfig
from hepafed.common.errors import ConfigError

BASE = {"site": "a", "role": "validate", "address": "localhost:1"}
POLICY = PrivacyConfig(epsilon=1.0, lifetime_epsilon=4.0)


def read(tmp_path: Path, text: str) -> SiteConfig:
    path = tmp_path / "site.toml"
    path.write_text('site = "a"\nrole = "validate"\naddress = "localhost:1"\n' + text)
    return read_toml(SiteConfig, path, "hint")


def test_without_the_table_there_is_no_noise(tmp_path: Path) -> None:
    assert read(tmp_path, "").privacy is None
    path = tmp_path / "written.toml"
    write_toml(SiteConfig(**BASE), path)
    assert "privacy" not in path.read_text()
    assert read_toml(SiteConfig, path, "").privacy is None


def test_the_table_is_read_and_written(tmp_path: Path) -> None:
    text = "[privacy]\nepsilon = 2\nlifetime_epsilon = 6.5\ndelta = 1e-7\ncolluding_sites = 3\n"
    made = read(tmp_path, text)
    assert made.privacy == PrivacyConfig(
        epsilon=2.0, lifetime_epsilon=6.5, delta=1e-7, colluding_sites=3
    )
    path = tmp_path / "written.toml"
    write_toml(made, path)
    assert read_toml(SiteConfig, path, "") == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[privacy]\nepsilon = 1.0\n", r"missing key site\.toml\.privacy\.lifetime_epsilon"),
        ("[privacy]\nlifetime_epsilon = 1.0\n", r"missing key site\.toml\.privacy\.epsilon"),
        ("[privacy]\nepsilon = 1.0\nlifetime_epsilon = 2.0\nsigma = 3\n", r"privacy\.sigma"),
        ("[privacy]\nepsilon = true\nlifetime_epsilon = 2.0\n", r"privacy\.epsilon must be a num"),
        ("[privacy]\nepsilon = nan\nlifetime_epsilon = 2.0\n", r"privacy\.epsilon: nan"),
        ("[privacy]\nepsilon = 1.0\nlifetime_epsilon = inf\n", r"privacy\.lifetime_epsilon: inf"),
        ("privacy = 3\n", r"site\.toml\.privacy must be a table"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"epsilon": 0.01}, {"epsilon": 0.0099}),
        ({"epsilon": 4.0}, {"epsilon": 4.0001}),
        ({"lifetime_epsilon": 50.0}, {"lifetime_epsilon": 50.001}),
        ({"lifetime_epsilon": 1.0}, {"lifetime_epsilon": 0.999}),
        ({"delta": 1e-3}, {"delta": 1.001e-3}),
        ({"delta": 1e-15}, {"delta": 0.9e-15}),
        ({"colluding_sites": 0}, {"colluding_sites": -1}),
        ({"colluding_sites": 999}, {"colluding_sites": 1000}),
    ],
)
def test_each_limit_holds_at_its_value(good: dict[str, Any], bad: dict[str, Any]) -> None:
    base = {"epsilon": 1.0, "lifetime_epsilon": 4.0}
    PrivacyConfig(**base | good)
    with pytest.raises(ConfigError, match=r"privacy\."):
        PrivacyConfig(**base | bad)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("role", "train"),
        ("release", "cells"),
        ("release", "plain"),
        ("share_cohort_summary", True),
        ("share_subgroups", ("vendor",)),
        ("site_auc", "exact"),
    ],
)
def test_what_would_leave_without_noise_is_refused_beside_it(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"{key}: beside \[privacy\]") as e:
        SiteConfig(**BASE | {key: value, "privacy": POLICY})
    assert "take the table [privacy] out" in e.value.hint
    SiteConfig(**BASE | {key: value})


def test_what_leaves_nothing_may_stand_beside_it() -> None:
    for changes in ({"site_auc": "none"}, {"fallback": "none"}, {"minimum_peers": 3}):
        SiteConfig(**BASE | changes | {"privacy": POLICY})


def test_a_need_is_possible_within_the_limits_of_the_table() -> None:
    base = {"epsilon": 1.0, "delta": 1e-5, "rho": 0.03, "colluding_sites": 1}
    for good in (
        {}, {"epsilon": 50.0}, {"epsilon": 0.01, "rho": 0.01}, {"rho": 1.0}, {"rho": 1e-9},
        {"delta": 1e-3}, {"delta": 1e-15}, {"colluding_sites": 0}, {"colluding_sites": 999},
    ):  # fmt: skip
        assert NoiseNeed(**base | good).possible()
    for bad in (
        {"epsilon": 50.1}, {"epsilon": 0.009, "rho": 0.001}, {"rho": 1.01}, {"rho": 0.9e-9},
        {"delta": 1.1e-3}, {"delta": 0.9e-15}, {"colluding_sites": -1},
        {"colluding_sites": 1000}, {"epsilon": float("inf")}, {"rho": float("nan")},
    ):  # fmt: skip
        assert not NoiseNeed(**base | bad).possible()
