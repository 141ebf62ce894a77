"""No file of a site's home can lie: each is found by walking the home, and damaged."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flwr.supercore.task_identity import TaskIdentity
from hepafed.client.membership import changed_settings, check, look_over, note_keys
from hepafed.client.worker import run_site
from hepafed.common.console import FAIL
from hepafed.common.errors import ConfigError
from hepafed.common.kept_files import REGISTER

from tests.server.rotting import DAMAGES, files_of

from .walked import Start, WalkedFederation, started

TOUCHED = {
    "cohort": {"trained", "validated", "counts", "left out", "ingested"},
    "excluded.json": {"trained", "validated", "counts", "left out", "ingested"},
    "pseudonym.key": {"ingested"},
    "scan": {"series"},
    "scores": {"recalled"},
    "models": {"recalled"},
    "moments": {"trained"},
    "residuals": {"trained"},
    "strategy": {"trained"},
    ".permissions.lock": {"trained", "validated"},
    ".questions.lock": {"trained", "validated"},
    "ingest.lock": {"ingested"},
    "peers.json": {"peers", "validated"},
}
"""What a file may cost, by the first part of its name; other files: what is answered and proved."""
ANSWERS = {"trained", "validated", "ledger"}
NEEDED = ("keys", "site.toml", "cohort/index.db")
"""Files that a site cannot run without."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WalkedFederation]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_task_id", "_run_id", "_node_id"):
            patch.setattr(TaskIdentity, name, 1)
        yield WalkedFederation(tmp_path_factory.mktemp("walked"))


@pytest.fixture(scope="module")
def undisturbed(made: WalkedFederation, tmp_path_factory: pytest.TempPathFactory) -> Start:
    copy = shutil.copytree(made.home, tmp_path_factory.mktemp("undisturbed") / "site")
    got = started(made, copy)
    assert got.words == []
    assert "refused" not in got.facts.values()
    return got


def wrong_of(got: Start, undisturbed: Start, file: str) -> list[str]:
    """Give what is neither as without the damage nor named, and what stopped without need."""
    other = {k for k, v in undisturbed.facts.items() if got.facts.get(k) != v}
    named = [w for w in got.words if file in w or (Path(file).name in w and "/" not in file)]
    if other and not named:
        return [f"{sorted(other)} differ, and no word names it; words: {got.words}"]
    wrong = [f"no hint: {w}" for w in named if not w.partition(" | ")[2]]
    if got.facts.get("") == "refused":
        return wrong + ([] if file.startswith(NEEDED) else ["the site does not start"])
    changed = [k for k in ("trained", "validated") if k in other and got.facts[k] != "refused"]
    wrong += [f"{k}: something else is sent" for k in changed if not _is_meant(file)]
    allowed = TOUCHED.get(file.split("/")[0], ANSWERS)
    return wrong + [f"{k} is touched" for k in sorted(other - allowed)]


def some_of(home: Path, damage: str) -> list[str]:
    """Give every file of a home; of those named by a digest alone, two of each folder."""
    alike: dict[str, list[str]] = {}
    for file in files_of(home):
        named = re.fullmatch(r"[0-9a-f]{64}", Path(file).stem)
        alike.setdefault(str(Path(file).parent) if named else file, []).append(file)
    chosen = list(DAMAGES).index(damage)
    return [file for files in alike.values() for file in {*files[chosen:][:1], files[-1]}]


def _is_meant(file: str) -> bool:
    """Tell whether a person may mean such a change: then it is said, and what is there is used."""
    return file == "site.toml"


def test_the_walk_reaches_every_kind_of_file(made: WalkedFederation) -> None:
    found = set(files_of(made.home))
    for name in (
        *("site.toml", "pseudonym.key", "excluded.json", "ledger.jsonl", "ledger.head"),
        *("permissions.json", "exchanges.json", "released.json", "questions.json", "peers.json"),
        *("keys/node.key", "keys/token", "keys/ca.pem", "cohort/index.db", "scan/known.db"),
        *("cohort/unreadable.json", f"scores/{made.validation}.csv"),
    ):
        assert name in found
    assert any(name.startswith("cohort/crops/") for name in found)
    assert any(name.startswith("models/") for name in found)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_costs_what_it_holds_and_nothing_wrong_is_sent(
    made: WalkedFederation, undisturbed: Start, tmp_path: Path, damage: str
) -> None:
    wrong = []
    for number, file in enumerate(some_of(made.home, damage)):
        copy = shutil.copytree(made.home, tmp_path / str(number))
        DAMAGES[damage](copy / file)
        got = started(made, copy)
        wrong += [f"{file}: {w}" for w in wrong_of(got, undisturbed, file)]
        shutil.rmtree(copy)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["node.key", "token", "ca.pem"])
def test_without_a_key_the_start_is_refused_by_its_name(
    made: WalkedFederation, tmp_path: Path, name: str
) -> None:
    for number, damage in enumerate(("emptied", "one bit", "missing")):
        copy = shutil.copytree(made.home, tmp_path / str(number))
        DAMAGES[damage](copy / "keys" / name)
        with pytest.raises(ConfigError, match=name) as refused:
            run_site(copy)
        assert "client join with a new invite" in refused.value.hint
        lines = [line for line in check(copy) if line.name == "files"]
        assert [(line.state, name in line.found) for line in lines] == [(FAIL, True)]


def test_a_damaged_crop_is_named_before_training_and_never_trained_on(
    made: WalkedFederation, tmp_path: Path
) -> None:
    copy = shutil.copytree(made.home, tmp_path / "site")
    crops = sorted((copy / "cohort/crops").iterdir())
    for crop in crops:
        DAMAGES["one bit"](crop)
    words = [d.found for d in look_over(copy)]
    assert f"cohort/crops/{crops[0].name} is missing or damaged" in words
    assert f"{len(crops) - 3} more files in cohort/crops are missing or damaged" in words
    assert len(words) == 4, "not one line for each of thousands"
    got = started(made, copy)
    assert got.facts["trained"] == got.facts["validated"] == "refused"
    assert look_over(copy) == [], "the ingest at the end made the crops anew"


def test_what_leaves_of_a_damaged_crop_names_no_file(
    made: WalkedFederation, tmp_path: Path
) -> None:
    copy = shutil.copytree(made.home, tmp_path / "site")
    for crop in (copy / "cohort/crops").iterdir():
        crop.unlink()
    reply = made.asked(copy, "train", made.train_request(2))
    assert "a crop is missing or damaged" in reply
    assert not any(crop.stem in reply for crop in (made.home / "cohort/crops").iterdir())


def test_a_change_of_site_toml_is_said_once(made: WalkedFederation, tmp_path: Path) -> None:
    copy = shutil.copytree(made.home, tmp_path / "site")
    assert not changed_settings(copy)
    with (copy / "site.toml").open("a") as f:
        f.write("# seen by the new head of IT\n")
    assert [changed_settings(copy), changed_settings(copy)] == [True, False]


def test_a_home_that_joined_before_there_were_registers_is_whole_and_gets_them(
    made: WalkedFederation, tmp_path: Path
) -> None:
    copy = shutil.copytree(made.home, tmp_path / "site")
    for register in copy.rglob(REGISTER):
        register.unlink()
    got = started(made, copy)
    assert "refused" not in got.facts.values()
    assert look_over(copy) == []
    note_keys(copy)
    DAMAGES["one bit"](copy / "keys/token")
    assert [d.stops for d in look_over(copy)] == [True]
