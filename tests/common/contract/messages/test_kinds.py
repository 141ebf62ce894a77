"""The list of what crosses the wire is whole: each kind once, each record in it or inside one."""

import dataclasses
import inspect
import re
import typing

from hepafed.common.contract import messages
from hepafed.common.contract.messages import kinds


def test_every_kind_has_its_own_record() -> None:
    assert len(set(messages.KINDS.values())) == len(messages.KINDS)


def test_the_table_at_its_head_names_every_kind_in_order() -> None:
    rows = re.findall(r"(?m)^\| `(\w+)` \|", inspect.getdoc(kinds) or "")
    assert rows == list(messages.KINDS)


def test_every_record_of_the_room_is_in_the_list_or_inside_one_that_is() -> None:
    records = [r for r in vars(messages).values() if dataclasses.is_dataclass(r)]
    inside = {
        part
        for record in messages.KINDS.values()
        for hint in typing.get_type_hints(record).values()
        for part in (hint, *typing.get_args(hint))
    }
    assert [r for r in records if r not in messages.KINDS.values() and r not in inside] == []
