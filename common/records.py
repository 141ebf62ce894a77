"""Strict reading of plain values (TOML tables, JSON objects) into frozen dataclasses."""

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

T = TypeVar("T")
_OPTIONAL, _KEY = "optional", "key"


class Absent(enum.Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"

    def __bool__(self) -> Literal[False]:
        """Count as false, as None does."""
        return False


ABSENT: Final = Absent.ABSENT
"""Stands for a key that is not there, in a field where None stands for a null."""


def optional(default: T) -> T:
    """Make a field whose key is not written while the field has its default."""
    return dataclasses.field(default=default, metadata={_OPTIONAL: True})


def named(key: str) -> Any:  # noqa: ANN401 - a field, of whatever type its annotation says
    """Make a field whose key is a word that cannot be a name in Python, such as `class`."""
    return dataclasses.field(metadata={_KEY: key})


def key_of(field: "dataclasses.Field[Any]") -> str:
    """Return the key under which a field is written."""
    return str(field.metadata.get(_KEY, field.name))


def is_optional(field: "dataclasses.Field[Any]") -> bool:
    """Return whether the key of a field may be left out on writing."""
    return _OPTIONAL in field.metadata


def read_record(cls: type[T], values: object, error: type[Exception], where: str = "") -> T:
    """Return a `cls` made from a mapping; every key must be a field and every value of its type.

    Lists become tuples, nested mappings nested dataclasses; an int is accepted where a float
    is asked (not the reverse, and never a bool for a number).

    Raises
    ------
    error
        Naming the key (dotted, under `where`) and what was expected of it.
    """
    if not isinstance(values, Mapping):
        raise error(f"{where or cls.__name__} must be a table, not {_kind(values)}")
    fields = {key_of(f): f for f in dataclasses.fields(typing.cast("Any", cls))}
    hints = _hints(typing.cast("Any", cls))
    prefix = f"{where}." if where else ""
    for key in values:
        if key not in fields:
            known = ", ".join(fields)
            raise error(f"unknown key {prefix}{str(key)[:60]!s}; known: {known}")
    made: dict[str, Any] = {}
    for key, field in fields.items():
        if key in values:
            made[field.name] = _read(hints[field.name], values[key], error, prefix + key)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise error(f"missing key {prefix}{key}")
    return cls(**made)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def write_record(record: object) -> dict[str, Any]:
    """Return a dataclass as plain values that `read_record` reads back (tuples as lists)."""
    return typing.cast("dict[str, Any]", _plain(record))


def _plain(value: object) -> object:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {key_of(f): _plain(v) for f, v in held if not (is_optional(f) and v == f.default)}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return value


_TYPE_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    dict: "a table",
    list: "a list",
    tuple: "a list",
}


def _kind(value: object) -> str:
    if isinstance(value, float):
        return "a number with a decimal point"
    return "nothing" if value is None else _TYPE_WORDS.get(type(value), type(value).__name__)


def _read(hint: Any, value: object, error: type[Exception], where: str) -> Any:  # noqa: ANN401
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        (inner,) = [a for a in args if a not in (type(None), Absent)]
        return _read(inner, value, error, where)
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(_read(args[0], v, error, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict and isinstance(value, Mapping):
        return {str(k): _read(args[1], v, error, f"{where}.{k}") for k, v in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return read_record(hint, value, error, where)
    if hint is object:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise error(f"{where}: the number is too large") from None
    if isinstance(hint, type) and type(value) is hint:
        return value
    wanted = _TYPE_WORDS.get(origin or hint, str(hint))
    raise error(f"{where} must be {wanted}, not {_kind(value)}")
