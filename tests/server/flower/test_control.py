"""A real SuperLink through its Control API: which keys become nodes, and what is done twice."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hepafed.common.errors import EnrolmentError, UnreachableError
from hepafed.server.flower.control import Control
from hepafed.server.flower.superlink import SuperLink

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def line(key: Key) -> str:
    """Write a public key as OpenSSH does."""
    form = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return key.public_key().public_bytes(*form).decode()


def test_a_key_of_a_nist_curve_becomes_a_node_that_is_not_online_yet(superlink: SuperLink) -> None:
    control = Control(superlink)
    node = control.register(line(ec.generate_private_key(ec.SECP384R1())), "a")
    assert int(node) > 0
    assert node not in control.online_nodes()


def test_a_key_is_registered_once(superlink: SuperLink) -> None:
    control, key = Control(superlink), line(ec.generate_private_key(ec.SECP384R1()))
    control.register(key, "b")
    with pytest.raises(EnrolmentError, match="not acceptable"):
        control.register(key, "c")


@pytest.mark.parametrize("key", ["another curve", "no key", ""])
def test_a_key_that_flower_cannot_use_is_refused(superlink: SuperLink, key: str) -> None:
    sent = line(ed25519.Ed25519PrivateKey.generate()) if key == "another curve" else key
    with pytest.raises(EnrolmentError, match="not acceptable"):
        Control(superlink).register(sent, "d")


def test_a_node_may_be_shut_out_twice(superlink: SuperLink) -> None:
    control = Control(superlink)
    node = control.register(line(ec.generate_private_key(ec.SECP384R1())), "e")
    control.unregister(node)
    control.unregister(node)


def test_a_run_may_be_ended_twice(superlink: SuperLink) -> None:
    control = Control(superlink)
    run = control.start_run("cohort-abcdef")
    control.stop_run(run)
    control.stop_run(run)


def test_a_superlink_that_was_never_started_is_not_reached(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="not running"):
        Control(SuperLink(tmp_path)).online_nodes()
