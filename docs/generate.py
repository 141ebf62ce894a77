"""Write the parts of the documents that the code itself says: commands, plan keys, messages.

`make docs` runs it; tests/docs holds the files to it.
"""

import dataclasses
import importlib
import inspect
import json
import runpy
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from click.testing import CliRunner
from hepafed.client.dicom.roles import PHASE_RULES, SERIES_RULES
from hepafed.client.pacs import PacsConfig
from hepafed.common.contract import Endpoint, Evaluation, Plan, PrivacyConfig, SiteConfig
from hepafed.common.contract.messages import KINDS
from hepafed.common.field_docs import field_docs
from hepafed.common.records import Absent, is_optional, key_of
from hepafed.server.formats import Limits, ModelCard, Report
from hepafed.server.report import as_written, records_of, report_schema

DOCS = Path(__file__).parent
ATTACK = runpy.run_path(str(DOCS / "attack.py"), run_name="attack")
WIDTH = 80
"""Columns of the help texts: click's own width, whatever terminal this runs in."""
HEADER = "<!-- written by `make docs`; change the code instead -->"


def commands(side: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command line of `server` or `client` and its command, groups first."""
    root = importlib.import_module(f"hepafed.{side}.cli.main").main
    waiting: list[tuple[str, click.Command]] = [(side, root)]
    while waiting:
        name, command = waiting.pop(0)
        yield name, command
        if isinstance(command, click.Group):
            inner = sorted(command.commands.items())
            waiting = [(f"{name} {word}", c) for word, c in inner if not c.hidden] + waiting


def help_text(name: str) -> str:
    """Run `name --help` as on a terminal of 80 columns."""
    side, *words = name.split(" ")
    root = importlib.import_module(f"hepafed.{side}.cli.main").main
    done = CliRunner().invoke(
        root, [*words, "--help"], prog_name=side, terminal_width=WIDTH - 2, catch_exceptions=False
    )
    return "\n".join(line.rstrip() for line in done.output.rstrip().splitlines())


def cli_reference() -> str:
    """Make docs/cli.md: the help of every command."""
    parts = ["# Commands", "", HEADER]
    for side in ("server", "client"):
        for name, _ in commands(side):
            title = "##" if " " not in name else "###"
            parts += ["", f"{title} `{name}`", "", "```text", help_text(name), "```"]
    return "\n".join(parts) + "\n"


def type_name(hint: object) -> str:
    """Name a type for a reader: `list of int`, `text`, `number or none`."""
    words = {str: "text", int: "integer", float: "number", bool: "true/false", object: "anything"}
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return type_name(args[0])
    if origin is tuple:
        return f"list of {type_name(args[0])}"
    if origin is dict:
        return f"{type_name(args[1])} by name"
    if args:
        inner = [type_name(a) for a in args if a not in (type(None), Absent)]
        return " or ".join([*inner, "none"])
    if isinstance(hint, type):
        return words.get(hint, f"`{hint.__name__}`")
    return str(hint)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(field: "dataclasses.Field[object]") -> str:
    required = field.default is dataclasses.MISSING
    return "required" if required else f"`{json.dumps(field.default)}`"


def plan_keys(cls: type, table: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield (dotted key, type, default, meaning) of every key of a plan, its own keys first."""
    docs, hints = field_docs(cls), typing.get_type_hints(cls)
    inner = []
    for field in dataclasses.fields(typing.cast("typing.Any", cls)):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            inner.append((hint, field.name))
        else:
            yield table + field.name, type_name(hint), _default(field), docs[field.name]
    for hint, name in inner:
        yield from plan_keys(typing.cast("type", hint), f"{table}{name}.")


def key_table(cls: type, table: str = "") -> str:
    """Make the table of a file's keys."""
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    rows += [f"| `{k}` | {t} | {d} | {_cell(m)} |" for k, t, d, m in plan_keys(cls, table)]
    return "\n".join(rows)


def plan_table() -> str:
    """Make the table of plan keys."""
    return key_table(Plan)


def evaluation_tables() -> str:
    """Make the tables of an evaluation's keys and of those of one endpoint."""
    inner = key_table(Endpoint, "endpoints.")
    return f"{key_table(Evaluation)}\n\nIn each `[[endpoints]]`:\n\n{inner}"


def policy_table() -> str:
    """Make the table of a site's policy: the keys of site.toml that its IT may change."""
    rows = [
        "| key | default | meaning |",
        "|---|---|---|",
        f"| `role` | from the invite | {_ROLE} |",
    ]
    docs = field_docs(SiteConfig)
    for field in dataclasses.fields(SiteConfig):
        if field.name not in ("site", "role", "address", "privacy"):
            rows.append(f"| `{field.name}` | {_default(field)} | {_cell(docs[field.name])} |")
    rows += [f"| `{k}` | {d} | {_cell(m)} |" for k, _, d, m in plan_keys(PrivacyConfig, "privacy.")]
    return "\n".join(rows)


_ROLE = "`validate`: training is refused, whatever is asked"


def sequence_tables() -> str:
    """Make the tables of the rules that name a series' sequence."""
    parts: list[str] = []
    for title, rules in (
        ("By series, the first that applies", SERIES_RULES),
        ("T1 stacks in the dynamic, the first that applies", PHASE_RULES),
    ):
        parts += [f"**{title}**", "", "| rule | sequence | if | because |", "|---|---|---|---|"]
        for rule in rules:
            tests = [_cell(t.text) for t in rule.attributes]
            tests += (
                [f"described as {' '.join(f'`{w}`' for w in rule.words)}"] if rule.words else []
            )
            sequence = f"`{rule.sequence}`" if rule.sequence else "set aside"
            parts.append(f"| {rule.name} | {sequence} | {', '.join(tests)} | {_cell(rule.why)} |")
        parts.append("")
    return "\n".join(parts).rstrip()


SAME_EVERYWHERE = {
    "run": "The run's id.",
    "round": "The round's number.",
    "plan": "The plan, every key of it.",
    "model": "Model id in the registry.",
    "weights": "SHA-256 of the bf16 blob of the weights.",
    "tuning": "How the weights do on the tuning split.",
    "examples": "Number of training examples used.",
    "loss": "Mean training loss of the round.",
    "seconds": "Time the training took.",
    "patients": "Number of patients.",
    "lesions": "Number of lesions.",
    "tasks": "One summary for each task.",
    "unit": "`patient` or `lesion`.",
    "task": "Which question, as in the report.",
    "positives": "Count of positives (in `Cells`: of each cell).",
    "negatives": "Count of negatives (in `Cells`: of each cell).",
    "true_negatives": "Negatives with a score < the operating point; None where it is suppressed.",
    "edges": "Bin numbers between which the cells lie.",
    "value": "The figure.",
    "low": "Lower end of the 95 % interval.",
    "high": "Upper end of the 95 % interval.",
    "split": "`external` or `test`.",
    "terms": "The terms that every participant signs.",
    "reason": "Why there is no figure, or why the site refuses; nothing identifying.",
}
"""Meaning of the fields whose name says it, for those that have no docstring of their own."""


def records() -> list[type]:
    """List the record of every message kind and, after them, those that they hold."""
    found: list[type] = list(KINDS.values())
    for cls in found:
        for hint in typing.get_type_hints(cls).values():
            for part in (hint, *typing.get_args(hint)):
                if dataclasses.is_dataclass(part) and part is not Plan and part not in found:
                    found.append(typing.cast("type", part))
    return found


def message_tables() -> str:
    """Make the tables of all that crosses the wire."""
    kinds = {cls: kind for kind, cls in KINDS.items()}
    parts: list[str] = []
    for cls in records():
        docs, hints = field_docs(cls), typing.get_type_hints(cls)
        title = f"`{kinds[cls]}`: {cls.__name__}" if cls in kinds else f"{cls.__name__}"
        summary = " ".join((inspect.getdoc(cls) or "").split())
        parts += [f"### {title}", "", summary, "", "| field | type | meaning |", "|---|---|---|"]
        parts += [
            f"| `{n}` | {type_name(hints[n])} | {_cell(docs[n] or SAME_EVERYWHERE[n])} |"
            for n in docs
        ]
        parts.append("")
    return "\n".join(parts).rstrip()


def format_tables(*roots: type) -> str:
    """Make the tables of report.json and card.json, one for each kind of object."""
    outer = [Evaluation, Endpoint]
    found = dict.fromkeys(c for root in roots for c in records_of(root) if c not in outer)
    parts: list[str] = []
    for cls in found:
        docs, hints = field_docs(cls), typing.get_type_hints(cls, include_extras=True)
        summary = " ".join((inspect.getdoc(cls) or "").split())
        parts += [f"### {cls.__name__}", "", summary, ""]
        parts += ["| key | type | meaning |", "|---|---|---|"]
        for field in dataclasses.fields(cls):
            kind = _kind(as_written(field, hints[field.name]))
            absent = ", may be absent" if is_optional(field) else ""
            parts.append(f"| `{key_of(field)}` | {kind}{absent} | {_cell(docs[field.name])} |")
        parts.append("")
    return "\n".join(parts).rstrip()


def _kind(hint: object) -> str:
    """Name a type, or the words that a text may be."""
    if typing.get_origin(hint) is typing.Annotated:
        plain, *notes = typing.get_args(hint)
        found = [n.keywords.get("enum") for n in notes if isinstance(n, Limits)]
        words = [w for words in found if isinstance(words, list) for w in words]
        return ", ".join(f"`{w}`" for w in words) or _kind(plain)
    return type_name(hint).replace(" or none", " or null")


def between(text: str, name: str, content: str) -> str:
    """Put `content` between the marks of `name` in `text`."""
    start, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n\n{content}\n\n{end}{after}"


def _filled(path: Path, name: str, content: str) -> str:
    return between(path.read_text(encoding="utf-8"), name, content)


DOCUMENTS: dict[Path, Callable[[], str]] = {
    DOCS / "cli.md": cli_reference,
    DOCS / "coordinator-guide.md": lambda: _filled(
        DOCS / "coordinator-guide.md", "plan", plan_table()
    ),
    DOCS / "evaluator-guide.md": lambda: _filled(
        DOCS / "evaluator-guide.md", "evaluation", evaluation_tables()
    ),
    DOCS / "report.md": lambda: _filled(
        DOCS / "report.md", "report", format_tables(Report, ModelCard)
    ),
    DOCS.parent / "server/report/schema.json": report_schema,
    DOCS / "what-leaves-the-site.md": lambda: between(
        _filled(DOCS / "what-leaves-the-site.md", "messages", message_tables()),
        "attack",
        str(ATTACK["table"]()),
    ),
    DOCS / "site-guide.md": lambda: between(
        between(
            _filled(DOCS / "site-guide.md", "policy", policy_table()),
            "sequences",
            sequence_tables(),
        ),
        "pacs",
        key_table(PacsConfig),
    ),
}
"""Every generated document and what makes its text anew."""


if __name__ == "__main__":
    for path, text in DOCUMENTS.items():
        path.write_text(text(), encoding="utf-8")
