"""The JSON Schema of report.json, made from the report's types; `make docs` writes it anew."""

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Iterator, Mapping

from hepafed.common.field_docs import field_docs
from hepafed.common.records import Absent, is_optional, key_of
from hepafed.server.formats import REPORT_1, Limits, Report

Schema = dict[str, object]
LONGEST_LINE = 160
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def report_schema() -> str:
    """Return the text of schema.json (JSON Schema 2020-12)."""
    head: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": REPORT_1,
        "title": "HepaFed report",
    }
    defs = {c.__name__: _of_record(c) for c in records_of(Report) if c is not Report}
    whole = head | _of_record(Report) | {"$defs": defs}
    return _laid_out(whole) + "\n"


def _laid_out(value: object, indent: str = "") -> str:
    """Write JSON with a line for each object that fits into one."""
    plain = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict) or len(indent) + len(plain) <= LONGEST_LINE:
        return plain
    inner = indent + "  "
    parts = [f"{inner}{json.dumps(k)}: {_laid_out(v, inner)}" for k, v in value.items()]
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def records_of(cls: type) -> list[type]:
    """Return a dataclass and all that its fields hold, each once, in the order of their use."""
    found = [cls]
    for record in found:
        for hint in typing.get_type_hints(record).values():
            found += [c for c in dict.fromkeys(_records_in(hint)) if c not in found]
    return found


def _records_in(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _records_in(part)


def as_written(field: "dataclasses.Field[typing.Any]", hint: object) -> object:
    """Return the type of a key where it is written: one that is left out for None is never null."""
    if not is_optional(field) or field.default is not None:
        return hint
    (inner,) = [a for a in typing.get_args(hint) if a is not type(None)]
    return inner


def _of_record(cls: type) -> Schema:
    hints, docs = typing.get_type_hints(cls, include_extras=True), field_docs(cls)
    properties, required = {}, []
    for field in dataclasses.fields(typing.cast("typing.Any", cls)):
        said = {"description": docs[field.name]} if docs[field.name] else {}
        properties[key_of(field)] = _of(as_written(field, hints[field.name])) | said
        if not is_optional(field):
            required.append(key_of(field))
    rules = [dict(r) for r in getattr(cls, "schema_rules", ())]
    return {
        "description": " ".join((inspect.getdoc(cls) or "").split()),
        "type": "object",
        "required": required,
        "properties": properties,
    } | ({"allOf": rules} if rules else {})


def _of(hint: object) -> Schema:
    """Return the schema of a type; unknown keys of objects are left open for later releases."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        limits: Mapping[str, object] = {}
        for note in args[1:]:
            if isinstance(note, Limits):
                limits = {**limits, **note.keywords}
        return {**_of(args[0]), **limits}
    if origin in (typing.Union, types.UnionType):
        (inner,) = (_of(a) for a in args if a not in (type(None), Absent))
        if "type" in inner:
            return {**inner, "type": [inner["type"], "null"]}
        return {"anyOf": [{"type": "null"}, inner]}
    if origin is tuple:
        return {"type": "array", "items": _of(args[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(args[1])}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if isinstance(hint, type) and hint in PLAIN:
        return {"type": PLAIN[hint]}
    if hint is object:
        return {}
    raise TypeError(f"no JSON Schema for {hint!r}")
