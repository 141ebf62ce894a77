"""The documents say what the code does, and nothing of the machine they were written on."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hepafed.common.contract import messages, plan, read_plan

ROOT = Path(__file__).parents[2]
NOT_OURS = {".git", ".venv", "build", "dist", "__pycache__"}
# Words put together here, so that this file does not hold what it forbids.
REGISTRY = re.compile("|".join(["py" + r"pi\.org", "python" + r"hosted", r"index[-_]url\s*=\s*h"]))
MACHINE = re.compile(
    r"(?<![\w.~/-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me"]) + r")/\w"
)


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _generator()


def _files() -> list[Path]:
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [n for n in inner if (n not in NOT_OURS and not n.startswith(".")) or n == ".ci"]
        inner[:] = [n for n in inner if not n.endswith(".egg-info")]
        found += [Path(folder) / n for n in names]
    return sorted(found)


def _documents() -> list[Path]:
    return [p for p in _files() if p.suffix == ".md"]


def _anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles]
    return set(plain)


def _prose(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", generate.DOCUMENTS, ids=lambda p: p.name)
def test_generated_document_equals_what_make_docs_writes(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.DOCUMENTS[path]()


@pytest.mark.parametrize("side", ["server", "client"])
def test_command_reference_is_what_the_installed_command_prints(side: str) -> None:
    command = Path(sys.executable).with_name(side)
    shown = subprocess.run(
        [command, "--help"],
        env={**os.environ, "COLUMNS": str(generate.WIDTH)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    wanted = "\n".join(line.rstrip() for line in shown.rstrip().splitlines())
    assert wanted in (ROOT / "docs/cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("side", ["server", "client"])
def test_every_command_documented_in_a_guide_or_readme_exists(side: str) -> None:
    known = {name.split(" ")[1] for name, _ in generate.commands(side) if " " in name}
    for path in _documents():
        if path.name in ("cli.md", "CHANGELOG.md"):
            continue
        blocks = "\n".join(re.findall(r"```.*?```", path.read_text(), flags=re.DOTALL))
        inline = "\n".join(re.findall(r"`[^`\n]+`", _prose(path.read_text())))
        used = set(re.findall(rf"(?m)^(?:\$ )?{side} ([a-z][a-z-]*)\b", blocks))
        used |= set(re.findall(rf"`{side} ([a-z][a-z-]*)\b", inline))
        assert used <= known, f"{path.name} speaks of {side} {used - known}"


def test_every_key_of_a_plan_is_documented_with_a_meaning() -> None:
    guide = (ROOT / "docs/coordinator-guide.md").read_text(encoding="utf-8")
    for key, _, _, meaning in generate.plan_keys(plan.Plan):
        assert f"| `{key}` |" in guide
        assert meaning, f"common/contract/plan.py: {key} has no docstring"


def test_the_example_plan_of_the_guide_is_a_plan(tmp_path: Path) -> None:
    guide = (ROOT / "docs/coordinator-guide.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", guide, flags=re.DOTALL)
    assert examples
    for text in examples:
        file = tmp_path / "plan.toml"
        file.write_text(text, encoding="utf-8")
        assert read_plan(file).name


@pytest.mark.parametrize("kind", messages.KINDS)
def test_every_message_kind_is_documented(kind: str) -> None:
    text = (ROOT / "docs/what-leaves-the-site.md").read_text(encoding="utf-8")
    assert f"### `{kind}`: {messages.KINDS[kind].__name__}" in text


def test_every_kind_that_leaves_a_site_is_explained_in_words() -> None:
    text = (ROOT / "docs/what-leaves-the-site.md").read_text(encoding="utf-8")
    words = text.partition("<!-- generated: messages -->")[0]
    for kind in ("trained", "tuned", "validated", "placed", "keyed", "masked", "opened", "refused"):
        assert f"| `{kind}` |" in words


def test_readme_is_at_most_120_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("path", _documents(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(text)):
        if target.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), f"{path.name} links to {target}"
        if anchor:
            assert anchor in _anchors(file.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("word", [REGISTRY, MACHINE], ids=["registry host", "absolute path"])
def test_no_file_names_a_registry_host_or_a_path_of_somebodys_machine(
    word: re.Pattern[str],
) -> None:
    for path in _files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = word.search(text)
        assert found is None, f"{path.relative_to(ROOT)}: {found and found[0]!r}"


def test_every_decision_has_context_decision_and_consequences() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [p.name[:4] for p in decisions]
    assert all(n.isdecimal() for n in numbers)
    assert len(set(numbers)) == len(numbers)
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text, path.name
