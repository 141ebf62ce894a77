"""The registry of models: frozen weights and a card, signed by the coordinator."""

import base64
import binascii
import hashlib
import itertools
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.certificates import authority_key
from hepafed.common.errors import ConfigError, HepaFedError, PayloadError, RefusedError
from hepafed.common.files import whole_file, write_whole
from hepafed.common.network import Layout, open_weights, read_parts, save_safetensors, to_bf16
from hepafed.common.records import write_record
from hepafed.server.formats import ModelCard, read_card
from numpy.typing import NDArray

log = logging.getLogger("hepafed.server")
_PART = 1 << 20
_COPY = "restore a copy of the folder; the other models are not concerned"


class Registry:
    """The folder models/: ID/weights.safetensors, ID/wire.bf16, ID/card.json, ID/card.sig."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "models"
        self._keys = home / "keys"

    def add(self, name: str, layout: Layout, weights: NDArray[np.float32], card: ModelCard) -> str:
        """Freeze a model and return its id, which no other model has or had.

        The card's `id` and `sha256` are filled in here. A run that freezes the same round again,
        after a crash, gets the model that it made; its signed card stays as it is.
        """
        sha = hashlib.sha256()
        for part in _wire(weights):
            sha.update(part)
        digest = sha.hexdigest()
        for identity in _identities(f"{name}-{digest[:8]}"):
            folder = self._folder / identity
            if not (folder / "card.json").exists() and not (folder / "card.sig").exists():
                break
            if self._is_of(identity, card, digest):
                return identity
        folder.mkdir(parents=True, exist_ok=True)
        save_safetensors(folder / "weights.safetensors", layout, weights)
        with whole_file(folder / "wire.bf16") as f:
            f.writelines(_wire(weights))
        text = card_text(replace(card, id=identity, sha256=digest))
        write_whole(folder / "card.sig", self.sign(text))
        write_whole(folder / "card.json", text)
        return identity

    def _is_of(self, model: str, card: ModelCard, digest: str) -> bool:
        """Return whether a model is of the same run, round and weights."""
        try:
            known = self.card(model)
        except HepaFedError:
            return False
        return (known.run, known.round, known.sha256) == (card.run, card.round, digest)

    def sign(self, text: str) -> str:
        """Return the coordinator's signature of a text (ECDSA over SHA-256), in base64."""
        return base64.b64encode(self.key().sign(text.encode(), ec.ECDSA(hashes.SHA256()))).decode()

    def key(self) -> ec.EllipticCurvePrivateKey:
        """Return the coordinator's key, with which it signs cards, reports and requests.

        Raises
        ------
        ConfigError
            keys/ca.key is missing or damaged.
        """
        return authority_key(self._keys)

    def verified(self, text: bytes, signature: bytes) -> bool:
        """Return whether a signature of `sign` is of this text."""
        try:
            known = base64.b64decode(signature, validate=True)
            self.key().public_key().verify(known, text, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    def folder(self, model: str) -> Path:
        """Return the folder of a model; RefusedError for an unknown id."""
        folder = self._folder / model
        if "/" in model or model.startswith(".") or not folder.is_dir():
            raise RefusedError(f"there is no model {model[:60]}", "see server models")
        return folder

    def card(self, model: str) -> ModelCard:
        """Read a model's card.

        Raises
        ------
        RefusedError
            There is no such model.
        PayloadError
            card.json or card.sig is missing or damaged, its signature is not the coordinator's, or
            it has a key that is not known.
        """
        folder = self.folder(model)
        text, signature = (_content(folder / n) for n in ("card.json", "card.sig"))
        if not self.verified(text, signature):
            raise PayloadError(
                f"the card of {model} was changed after signing: models/{model}/card.json or "
                f"models/{model}/card.sig is damaged",
                _COPY,
            )
        return read_card(json.loads(text))

    def all(self) -> list[ModelCard]:
        """Read the card of every model whose card is whole, oldest first; see `damaged`."""
        return sorted(self._read()[0], key=lambda c: (c.created, c.id))

    def damaged_cards(self) -> dict[str, HepaFedError]:
        """Return why a model cannot be used, of those whose card is damaged."""
        return self._read()[1]

    def damaged(self) -> dict[str, HepaFedError]:
        """Return why a model cannot be used, of those that cannot; their weights are read too."""
        cards, made = self._read()
        for model in (c.id for c in cards):
            try:
                self.wire(model)
                self.weights(model)
            except HepaFedError as e:
                made[model] = e
        return made

    def _read(self) -> tuple[list[ModelCard], dict[str, HepaFedError]]:
        cards, lost = [], {}
        for folder in sorted(self._folder.iterdir()) if self._folder.exists() else ():
            try:
                if (folder / "card.json").exists() or (folder / "wire.bf16").exists():
                    cards.append(self.card(folder.name))
            except ConfigError:  # the key of all cards
                raise
            except HepaFedError as e:
                lost[folder.name] = e
        return cards, lost

    def wire(self, model: str) -> bytes:
        """Read the bf16 weights as sites get them, held to the card's digest.

        A damaged file is made anew from the whole weights.

        Raises
        ------
        PayloadError
            The card is damaged, or wire.bf16 and weights.safetensors are.
        """
        card, path = self.card(model), self.folder(model) / "wire.bf16"
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() == card.sha256:
            return content
        if path.is_dir():
            raise PayloadError(f"models/{model}/{path.name} cannot be read", _COPY)
        self.weights(model)
        parts = read_parts(self.folder(model) / "weights.safetensors", card.parameters)
        made = b"".join(to_bf16(p) for p in parts)
        write_whole(path, made)
        log.error("models/%s/%s was damaged: made anew from the weights", model, path.name)
        return made

    def weights(self, model: str) -> Path:
        """Return the file of a model's weights, whole and of the card's digest.

        Raises
        ------
        PayloadError
            It is not.
        """
        card, path = self.card(model), self.folder(model) / "weights.safetensors"
        digest = hashlib.sha256()
        try:
            for part in read_parts(path, open_weights(path).layout.size):
                digest.update(to_bf16(part))
        except PayloadError as e:
            raise PayloadError(e.message, _COPY) from e
        if digest.hexdigest() != card.sha256:
            raise PayloadError(
                f"models/{model}/{path.name} is damaged: its digest is not that of the card", _COPY
            )
        return path


def card_text(card: ModelCard) -> str:
    """Return the text of card.json, which is what the coordinator signs."""
    return json.dumps(write_record(card), indent=1, sort_keys=True)


def _wire(weights: NDArray[np.float32]) -> Iterator[memoryview]:
    """Yield the bytes that sites get, in pieces."""
    for start in range(0, weights.size, _PART):
        yield to_bf16(weights[start : start + _PART])


def _content(path: Path) -> bytes:
    """Read a file of a card; PayloadError, naming it, where that is not possible."""
    try:
        return path.read_bytes()
    except OSError as e:
        name = "/".join(path.parts[-3:])
        raise PayloadError(f"{name} cannot be read: {e.strerror}", _COPY) from e


def _identities(name: str) -> Iterator[str]:
    """Yield the ids that a model can get, the usual one first."""
    yield name
    yield from (f"{name}-{n}" for n in itertools.count(2))
