"""Only the messages of the list cross the wire, and only when every field fits."""

import json

import pytest
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.messages import (
    LARGEST_MESSAGE,
    Refusal,
    TrainReply,
    TrainRequest,
    pack,
    unpack,
)
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import PayloadError

REPLY = TrainReply(
    run="r", round=1, update="0" * 64, examples=3, loss=0.5, seconds=1.0,
    tuning=TuningFigures(lesions=2, macro_auc=None),
)  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        REPLY,
        TrainRequest(run="r", round=1, plan=Plan(name="a", protocol="t2"), weights="0" * 64),
        Refusal(run="", reason="no"),
    ],
)
def test_a_message_reads_back_as_it_was(message: object) -> None:
    assert unpack(pack(message)) == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"kind": "shell", "body": {}}',
        '{"kind": ["train"], "body": 1}',
        '{"kind": "refused", "body": {"run": 3, "reason": ""}}',
        '{"kind": "refused", "body": {"run": "", "reason": "", "more": 1}}',
        '{"kind": "tune", "body": {"round": NaN}}',
        '{"kind": "refused", "body": {"run": "", "reason": "\\ud800"}}',
        '{"kind": "refused", "body": {"run": "", "reason": "\\uDFFF"}}',
        "[" * 100_000,
    ],
)
def test_anything_else_is_a_payload_error(text: str) -> None:
    with pytest.raises(PayloadError):
        unpack(text)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "Infinity", "NaN"])
def test_a_number_must_be_finite(number: str) -> None:
    text = pack(REPLY)
    assert '"seconds":1.0' in text
    with pytest.raises(PayloadError):
        unpack(text.replace('"seconds":1.0', f'"seconds":{number}'))


def test_characters_beyond_the_basic_plane_are_text() -> None:
    message = Refusal(run="", reason="nein 🏥")
    assert "\\ud8" in pack(message)
    assert unpack(pack(message)) == message


def test_a_number_must_be_a_number() -> None:
    values = json.loads(pack(REPLY))
    values["body"]["examples"] = 3.5
    with pytest.raises(PayloadError, match="examples"):
        unpack(json.dumps(values))


def test_a_message_too_long_is_not_parsed() -> None:
    with pytest.raises(PayloadError, match="at most"):
        unpack(" " * (LARGEST_MESSAGE + 1))


@pytest.mark.parametrize("bad", ["\x1b[2J", "\n", "\r", "\0", "\x9b", "\u202e", "\u2028", "\u200b"])
@pytest.mark.parametrize("raw", [True, False], ids=["as it is", "escaped"])
def test_text_that_cannot_be_printed_is_refused(bad: str, raw: bool) -> None:
    body = {"kind": "refused", "body": {"run": "r", "reason": f"no {bad} more"}}
    with pytest.raises(PayloadError):
        unpack(json.dumps(body, ensure_ascii=not raw))
    keyed = json.loads(pack(REPLY))
    keyed["body"]["tuning"] = {"tasks": [[3, {f"a{bad}": 0.5}]]}
    with pytest.raises(PayloadError, match=r"printed|unknown kind"):
        unpack(json.dumps(keyed, ensure_ascii=not raw))


def test_a_text_has_a_longest_length() -> None:
    longest = Refusal(run="r", reason="x" * 4096)
    assert unpack(pack(longest)) == longest
    with pytest.raises(PayloadError, match="too long"):
        unpack(pack(Refusal(run="r", reason="x" * 4097)))


def test_what_we_send_can_be_printed() -> None:
    sent = unpack(pack(Refusal(run="r", reason="the plan\nasks\x1b[31m too much")))
    assert sent == Refusal(run="r", reason="the plan�asks�[31m too much")


@pytest.mark.parametrize("number", [2**64, -(2**64), 0])
def test_whole_numbers_of_64_bits_are_read(number: int) -> None:
    values = json.loads(pack(REPLY))
    values["body"]["examples"] = number
    assert unpack(json.dumps(values)).examples == number  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [2**64 + 1, -(2**64) - 1, 10**400])
def test_larger_whole_numbers_are_refused(number: int) -> None:
    values = json.loads(pack(REPLY))
    values["body"]["examples"] = number
    with pytest.raises(PayloadError):
        unpack(json.dumps(values))
