"""`server train`: the plan's errors and the coordinator's in one list; a look starts nothing."""

from contextlib import chdir
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from hepafed.common.console import CheckLine
from hepafed.server.cli.api_client import Remote
from hepafed.server.cli.main import main
from hepafed.server.cli.runs import looked_at

GOOD = 'name = "t2"\nprotocol = "t2"\n'
LINES = [
    {"name": "quorum", "state": "pass", "found": "two are online", "hint": ""},
    {"name": "protocol", "state": "note", "found": "not known", "hint": "server cohort"},
    {"name": "time", "state": "note", "found": "about 2 h", "hint": ""},
]


class Coordinator:
    """In place of the coordinator: answers a look with these lines, and keeps what it was asked."""

    def __init__(self) -> None:
        self.lines = LINES
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def post_long(self, path: str, _seconds: float, **values: Any) -> Any:  # noqa: ANN401
        self.asked.append((path, values["plan"]))
        return {"lines": self.lines}

    def look(self, folder: Path, text: str) -> list[CheckLine]:
        (folder / "plan.toml").write_text(text)
        return looked_at(folder / "plan.toml", cast("Remote", self))


def test_a_plan_without_errors_is_followed_by_what_the_coordinator_says(tmp_path: Path) -> None:
    there = Coordinator()
    lines = there.look(tmp_path, GOOD + 'study = "liver"\n')
    assert lines[0] == CheckLine("plan", "pass", "t2, study liver")
    assert lines[1:] == [CheckLine(**line) for line in LINES]
    assert [path for path, _ in there.asked] == ["/api/train/check"]


def test_the_plan_s_errors_and_the_coordinator_s_stand_in_one_list(tmp_path: Path) -> None:
    there = Coordinator()
    there.lines = [{**LINES[0], "state": "fail"}, *LINES[1:]]
    lines = there.look(tmp_path, 'name = "a b"\nprotocol = "T2+DWI"\n[training]\nepoch = 3\n')
    assert [(line.name, line.state) for line in lines] == [
        ("plan", "fail"),
        ("plan", "fail"),
        ("plan", "fail"),
        ("quorum", "fail"),  # what rests on the protocol is left out
    ]
    assert "did you mean t2-dwi?" in lines[1].found
    assert "did you mean training.epochs?" in lines[2].found
    assert all(line.hint for line in lines[:3])


def test_weights_are_named_by_their_path_from_the_plan_s_folder(tmp_path: Path) -> None:
    there = Coordinator()
    (tmp_path / "elsewhere").mkdir()
    with chdir(tmp_path / "elsewhere"):
        there.look(tmp_path, GOOD + '[model]\nweights = "net.safetensors"\n')
    ((_, plan),) = there.asked
    assert plan["model"]["weights"] == str(tmp_path / "net.safetensors")


@pytest.mark.parametrize("words", [(), ("--watch",)])
def test_a_start_with_a_wrong_plan_asks_nobody_and_names_every_error(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "plan.toml").write_text('name = "a b"\nprotocol = "t7"\n')
    command = ["--home", str(tmp_path), "train", str(tmp_path / "plan.toml"), *words]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 2
    assert "name: 'a b'" in done.stderr
    assert "protocol: 't7'" in done.stderr


def test_a_look_cannot_be_watched(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["train", str(tmp_path / "p.toml"), "--check", "--watch"])
    assert done.exit_code == 2
    assert "hint: give one of them" in done.stderr
