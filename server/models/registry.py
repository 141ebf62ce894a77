"""The registry of models: frozen weights and a card, signed by the coordinator."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.files import whole_file, write_whole
from hepafed.common.network import Layout, save_safetensors, to_bf16
from hepafed.common.records import write_record
from hepafed.server.formats import ModelCard, read_card
from numpy.typing import NDArray

_PART = 1 << 20


class Registry:
    """The folder models/: ID/weights.safetensors, ID/wire.bf16, ID/card.json, ID/card.sig."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "models"
        self._keys = home / "keys"

    def add(self, name: str, layout: Layout, weights: NDArray[np.float32], card: ModelCard) -> str:
        """Freeze a model and return its id; the same weights and card give the same id.

        The card's `id` and `sha256` are filled in here.
        """
        sha = hashlib.sha256()
        for part in _wire(weights):
            sha.update(part)
        digest = sha.hexdigest()
        identity = f"{name}-{digest[:8]}"
        folder = self._folder / identity
        folder.mkdir(parents=True, exist_ok=True)
        save_safetensors(folder / "weights.safetensors", layout, weights)
        with whole_file(folder / "wire.bf16") as f:
            f.writelines(_wire(weights))
        text = card_text(replace(card, id=identity, sha256=digest))
        write_whole(folder / "card.sig", self.sign(text))
        write_whole(folder / "card.json", text)
        return identity

    def sign(self, text: str) -> str:
        """Return the coordinator's signature of a text (ECDSA over SHA-256), in base64."""
        return base64.b64encode(self.key().sign(text.encode(), ec.ECDSA(hashes.SHA256()))).decode()

    def key(self) -> ec.EllipticCurvePrivateKey:
        """Return the coordinator's key, with which it signs cards, reports and requests."""
        key = serialization.load_pem_private_key((self._keys / "ca.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):  # our own file: always EC
            raise TypeError("the coordinator's key is not an elliptic curve key")
        return key

    def folder(self, model: str) -> Path:
        """Return the folder of a model; RefusedError for an unknown id."""
        folder = self._folder / model
        if "/" in model or model.startswith(".") or not (folder / "card.json").exists():
            raise RefusedError(f"there is no model {model[:60]}", "see server models")
        return folder

    def card(self, model: str) -> ModelCard:
        """Read a model's card.

        Raises
        ------
        RefusedError
            There is no such model.
        PayloadError
            The card's signature is not the coordinator's, or it has a key that is not known.
        """
        folder = self.folder(model)
        text = (folder / "card.json").read_bytes()
        key = serialization.load_pem_private_key((self._keys / "ca.key").read_bytes(), None)
        public = key.public_key()
        try:
            if not isinstance(public, ec.EllipticCurvePublicKey):
                raise InvalidSignature
            signature = base64.b64decode((folder / "card.sig").read_bytes())
            public.verify(signature, text, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise PayloadError(f"the card of {model} was changed after signing") from None
        return read_card(json.loads(text))

    def all(self) -> list[ModelCard]:
        """Read every model's card, oldest first."""
        if not self._folder.exists():
            return []
        cards = [self.card(p.parent.name) for p in self._folder.glob("*/card.json")]
        return sorted(cards, key=lambda c: (c.created, c.id))

    def wire(self, model: str) -> bytes:
        """Read the bf16 weights as sites get them."""
        return (self.folder(model) / "wire.bf16").read_bytes()


def card_text(card: ModelCard) -> str:
    """Return the text of card.json, which is what the coordinator signs."""
    return json.dumps(write_record(card), indent=1, sort_keys=True)


def _wire(weights: NDArray[np.float32]) -> Iterator[memoryview]:
    """Yield the bytes that sites get, in pieces."""
    for start in range(0, weights.size, _PART):
        yield to_bf16(weights[start : start + _PART])
