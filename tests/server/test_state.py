"""No file of a coordinator's home can lie: each is found by walking the home, and damaged."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flwr.supercore.task_identity import TaskIdentity
from hepafed.common.errors import ConfigError
from hepafed.server.state import look_over

from .rotting import DAMAGES, Outcome, copied, files_of, make_home, started

OF_ALL = ("keys/ca.key", "keys/ca.pem", "members.json", "server.toml")
"""Files that every site depends on: without one the coordinator does not start."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_task_id", "_run_id", "_node_id"):
            patch.setattr(TaskIdentity, name, 1)
        yield make_home(tmp_path_factory.mktemp("homes"))


@pytest.fixture(scope="module")
def undisturbed(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    made = started(copied(home, tmp_path_factory.mktemp("undisturbed") / "server"))
    assert made.words == []
    assert "refused" not in made.facts.values()
    return made


def wrong_of(got: Outcome, undisturbed: Outcome, file: str) -> list[str]:
    """Give what is neither as without the damage nor named, and what stopped without need."""
    other = {k for k, v in undisturbed.facts.items() if got.facts.get(k) != v}
    named = [w for w in got.words if file in w or (Path(file).name in w and "/" not in file)]
    if other and not named:
        return [f"{sorted(other)} differ, and no word names {file}"]
    hints = [w for w in named if not w.partition(" | ")[2]]
    if got.facts[""] == "refused":
        return [*hints, *([] if file in OF_ALL else ["the coordinator does not start"])]
    touched = {"runs", "models", *_parts(file), *_models_of(file)}
    return hints + sorted(other - touched)


def _parts(file: str) -> set[str]:
    pieces = file.split("/")
    return {"/".join(pieces[:n]) for n in range(1, len(pieces) + 1)}


def _models_of(file: str) -> list[str]:
    """Give the models that a run which is under way may yet make."""
    name = file.split("/")[1].rpartition("-")[0] if file.startswith("runs/") else ""
    return [f"models/{name}-{digest}" for digest in ("4f6e9061", "5411606c")] if name else []


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_costs_what_it_holds_and_nothing_wrong_is_signed(
    home: Path, undisturbed: Outcome, tmp_path: Path, damage: str
) -> None:
    wrong = []
    signed = {v[0] for k, v in undisturbed.facts.items() if k.startswith("models/")}  # type: ignore[index]
    for number, file in enumerate(files_of(home)):
        copy = copied(home, tmp_path / str(number))
        DAMAGES[damage](copy / file)
        got = started(copy)
        wrong += [f"{file}: {w}" for w in wrong_of(got, undisturbed, file)]
        models = {v[0] for k, v in got.facts.items() if k.startswith("models/") and v != "refused"}  # type: ignore[index]
        wrong += [f"{file}: another model was signed" for _ in models - signed]
    assert wrong == []


@pytest.mark.parametrize("file", OF_ALL)
def test_without_a_file_that_every_site_needs_the_start_is_refused_by_its_name(
    home: Path, tmp_path: Path, file: str
) -> None:
    copy = copied(home, tmp_path / "server")
    (copy / file).unlink()
    with pytest.raises(ConfigError, match=Path(file).name) as caught:
        look_over(copy)
    assert caught.value.hint
