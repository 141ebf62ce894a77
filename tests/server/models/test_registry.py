"""The registry signs cards, and reads those that the last release signed, byte for byte."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.certificates import make_authority
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.network.weights import Layout
from hepafed.server.formats import read_card
from hepafed.server.models.registry import Registry, card_text

CARD = Path(__file__).with_name("card-0.1.0.json").read_text()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_authority(tmp_path / "keys", datetime.now(UTC))
    return tmp_path


def signed(home: Path, text: str) -> str:
    """Put a card into the registry's folder as the last release wrote it."""
    folder = home / "models" / "first-2f77d97f"
    folder.mkdir(parents=True)
    key = serialization.load_pem_private_key((home / "keys/ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    (folder / "card.sig").write_bytes(base64.b64encode(signature))
    (folder / "card.json").write_text(text)
    return folder.name


def test_a_card_that_the_last_release_signed_is_read_and_written_byte_for_byte(home: Path) -> None:
    card = Registry(home).card(signed(home, CARD))
    assert card.training_examples == {"hospital-a": 27, "hospital-b": 12}
    assert card_text(card) == CARD
    assert Registry(home).all() == [card]


def test_freezing_a_model_signs_a_card_with_its_id_and_the_digest_of_its_weights(
    home: Path,
) -> None:
    registry, card = Registry(home), read_card(json.loads(CARD))
    weights = np.arange(4, dtype=np.float32)
    model = registry.add("first", Layout(("w",), ((4,),)), weights, card)
    found = registry.card(model)
    assert (found.id, found.id[:6]) == (model, "first-")
    assert found.id.endswith(found.sha256[:8])
    assert (registry.folder(model) / "card.json").read_text() == card_text(found)
    again = registry.add("first", Layout(("w",), ((4,),)), weights, card)
    assert again == model


def test_a_card_that_was_changed_after_signing_is_refused(home: Path) -> None:
    model = signed(home, CARD)
    path = home / "models" / model / "card.json"
    path.write_text(CARD.replace("0.5", "0.4"))
    with pytest.raises(PayloadError, match="changed after signing"):
        Registry(home).card(model)


def test_a_key_of_a_later_release_in_a_card_is_refused_by_its_name(home: Path) -> None:
    later = json.dumps({**json.loads(CARD), "privacy": "dp"})
    with pytest.raises(PayloadError, match=r"unknown key card\.json\.privacy"):
        Registry(home).card(signed(home, later))


def test_a_model_that_is_not_there_is_refused(home: Path) -> None:
    for name in ("other", "../models", ".hidden"):
        with pytest.raises(RefusedError, match="no model"):
            Registry(home).card(name)


def test_an_id_is_never_used_again_and_a_signed_card_never_overwritten(home: Path) -> None:
    registry, card = Registry(home), read_card(json.loads(CARD))
    layout, weights = Layout(("w",), ((4,),)), np.arange(4, dtype=np.float32)
    first = registry.add("first", layout, weights, card)
    path = registry.folder(first) / "card.json"
    kept = path.read_bytes()
    for number, other in enumerate((replace(card, run="again"), replace(card, round=99)), 2):
        assert registry.add("first", layout, weights, other) == f"{first}-{number}"
    assert registry.add("first", layout, weights, replace(card, created="later")) == first
    assert path.read_bytes() == kept
    path.write_bytes(b"")
    assert registry.add("first", layout, weights, card) == f"{first}-4"
    assert path.read_bytes() == b""
    assert [c.id for c in registry.all()] == [f"{first}-{n}" for n in (2, 3, 4)]


def test_damaged_bf16_weights_are_made_anew_and_damaged_weights_are_refused(home: Path) -> None:
    registry, card = Registry(home), read_card(json.loads(CARD))
    weights = np.arange(4, dtype=np.float32)
    model = registry.add("first", Layout(("w",), ((4,),)), weights, replace(card, parameters=4))
    wire, path = (registry.folder(model) / n for n in ("wire.bf16", "weights.safetensors"))
    whole = wire.read_bytes()
    wire.write_bytes(whole[:-1] + b"x")
    assert registry.wire(model) == whole == wire.read_bytes()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert registry.wire(model) == whole
    with pytest.raises(PayloadError, match=rf"models/{model}/weights\.safetensors is damaged"):
        registry.weights(model)
    wire.write_bytes(b"")
    with pytest.raises(PayloadError, match=r"weights\.safetensors is damaged"):
        registry.wire(model)
    assert list(registry.damaged()) == [model]
    assert registry.damaged_cards() == {}


def test_whole_weights_of_another_model_are_not_taken_for_the_cards(home: Path) -> None:
    registry, card = Registry(home), replace(read_card(json.loads(CARD)), parameters=4)
    layout = Layout(("w",), ((4,),))
    one, two = (registry.add(n, layout, np.full(4, v, "f4"), card) for n, v in (("a", 1), ("b", 2)))
    other = (registry.folder(two) / "weights.safetensors").read_bytes()
    (registry.folder(one) / "weights.safetensors").write_bytes(other)
    with pytest.raises(PayloadError, match="its digest is not that of the card"):
        registry.weights(one)
