"""The registry signs cards, and reads those that the last release signed, byte for byte."""

import base64
import json
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
