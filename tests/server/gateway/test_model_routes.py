"""Models are given to people with access, with the bytes that were frozen."""

import json

import pytest

from .gates import Gate, said


def test_a_card_and_its_weights_are_given_as_they_were_frozen(gate: Gate) -> None:
    other, model = gate.freeze(), gate.freeze(2.0)
    folder = gate.stores.registry.folder(model)
    card = gate("GET", f"/api/models/{model}", "eva")
    assert card.json() == json.loads((folder / "card.json").read_text())
    assert list(card.json()) == list(json.loads((folder / "card.json").read_text()))
    weights = gate("GET", f"/api/models/{model}/weights", "eva")
    assert weights.content == (folder / "weights.safetensors").read_bytes()
    assert weights.headers["content-type"] == "application/octet-stream"
    assert other != model


def test_every_model_is_listed_by_its_card(gate: Gate) -> None:
    assert gate("GET", "/api/models", "eva").json() == []
    made = [gate.freeze(), gate.freeze(2.0)]
    listed = {card["id"]: card for card in gate("GET", "/api/models", "ann").json()}
    assert listed == {m: gate("GET", f"/api/models/{m}", "ann").json() for m in made}


@pytest.mark.parametrize("what", ["", "/weights"])
def test_a_model_that_is_not_there_is_named(gate: Gate, what: str) -> None:
    code, words = said(gate("GET", f"/api/models/none{what}", "eva"))
    assert code == 403
    assert "no model none" in words


@pytest.mark.parametrize("who", ["", "nobody", "a"])
@pytest.mark.parametrize("path", ["", "/M", "/M/weights"])
def test_who_is_no_person_gets_no_model(gate: Gate, path: str, who: str) -> None:
    gate.site("a")
    path = "/api/models" + path.replace("M", gate.freeze())
    answer = gate("GET", path, who)
    assert answer.status_code == 403
    assert "access file is not valid" in answer.json()["error"]
