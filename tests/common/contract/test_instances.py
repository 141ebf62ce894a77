"""A client's id is of one form, and each is another one."""

import pytest
from hepafed.common.contract.instances import instance_stated, new_instance


def test_an_id_that_was_made_is_one_that_is_taken() -> None:
    made = {new_instance() for _ in range(20)}
    assert len(made) == 20
    assert {instance_stated(i) for i in made} == made


@pytest.mark.parametrize("text", ["", "a" * 15, "a" * 17, "A" * 16, "g" * 16, "a" * 16 + "\n"])
def test_what_is_no_id_is_taken_for_none(text: str) -> None:
    assert instance_stated(text) == ""
