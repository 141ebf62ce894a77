"""The listener takes what was asked for from the PACS, and nothing else from anybody."""

import socket
import ssl
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
from hepafed.client.pacs.config import PacsConfig, tls_context
from hepafed.client.pacs.connection import Pace, PacsSeries
from hepafed.client.pacs.listener import Listener
from hepafed.client.pacs.request_list import Wanted
from hepafed.client.pacs.spool import Spool
from hepafed.common.errors import ConfigError, DataError, PayloadError, UnreachableError
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage

from .hostile import instance, push
from .orthanc import free_port
from .tls import authority

ASKED = ("1.2.3.4", "1.2.3.5", "1.2.3.6")
GOOD = {u: instance("1.2", "1.2.3", u, AccessionNumber="A1") for u in ASKED}
SERIES = PacsSeries(Wanted(1, "AccessionNumber", "A1"), "1.2", "1.2.3", "MR")
TAKEN, NOT_ASKED_FOR, NO_RESOURCES, NOT_USABLE = 0x0000, 0x0124, 0xA700, 0xA900


def config(**keys: object) -> PacsConfig:
    values = {
        "protocol": "dimse",
        "host": "127.0.0.1",
        "called_ae_title": "HOSTILE",
        "retrieve": "move",
        "listen_address": "127.0.0.1",
        "listen_port": free_port(),
        "accessions": "list.txt",
        "largest_instance_mb": 2,
        "timeout": 10.0,
    } | keys
    return PacsConfig(**values)  # type: ignore[arg-type]


def listening(made: PacsConfig) -> Listener:
    return Listener(made, Pace(5000.0))


def nothing(data: bytes) -> None:
    pytest.fail(f"{len(data)} bytes were taken")


def test_each_instance_of_a_delivery_is_taken_once_whatever_their_order() -> None:
    made, taken = config(), list[bytes]()
    with listening(made) as listener, listener.delivery(ASKED, taken.append) as delivery:
        order = [GOOD[u] for u in ("1.2.3.6", "1.2.3.4", "1.2.3.5", "1.2.3.4")]
        answers = push(made.listen_port, *order)
        assert answers == [TAKEN, TAKEN, TAKEN, NOT_ASKED_FOR]
        assert delivery.missing == set()
    assert len(taken) == 3
    assert listener.refused.endswith("instances that were not asked for or not usable: 1")


def test_what_nobody_asked_for_is_refused_counted_and_not_written(tmp_path: Path) -> None:
    made, spool = config(), Spool(tmp_path)
    others = [instance("1.2", "1.2.3", u) for u in ("1.2.3.7", "1.9", "1.2.3.45")]

    def take(data: bytes) -> None:
        spool.take(SERIES, frozenset(ASKED), data, 2**21)

    with listening(made) as listener:
        assert push(made.listen_port, GOOD["1.2.3.4"]) == [NOT_ASKED_FOR]  # before
        with listener.delivery(ASKED, take) as delivery:
            assert push(made.listen_port, *others) == [NOT_ASKED_FOR] * 3
            assert delivery.missing == set(ASKED)
        assert push(made.listen_port, GOOD["1.2.3.4"]) == [NOT_ASKED_FOR]  # afterwards
    spool.close()
    assert list(spool.images.iterdir()) == []
    assert listener.refused.endswith("not usable: 5")


@pytest.mark.parametrize(
    "forged",
    [
        instance("1.9", "1.2.3", "1.2.3.4"),
        instance("1.2", "1.9", "1.2.3.4"),
        instance("1.2", "1.2.3", "1.2.3.4", AccessionNumber="A2"),
    ],
    ids=["study", "series", "accession number"],
)
def test_another_s_instance_under_an_asked_name_is_refused_and_the_true_one_taken_then(
    tmp_path: Path, forged: Dataset
) -> None:
    made, spool = config(), Spool(tmp_path)

    def take(data: bytes) -> None:
        spool.take(SERIES, frozenset(ASKED), data, 2**21)

    with listening(made) as listener, listener.delivery(ASKED, take) as delivery:
        assert push(made.listen_port, forged) == [NOT_USABLE]
        assert isinstance(delivery.refused, PayloadError)
        assert [p for p in spool.images.rglob("*") if p.is_file()] == []
        assert push(made.listen_port, GOOD["1.2.3.4"]) == [TAKEN]
        assert delivery.missing == {"1.2.3.5", "1.2.3.6"}
    spool.close()
    assert len([p for p in spool.images.rglob("*") if p.is_file()]) == 1


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"sender": "OTHER"}, "of AE title OTHER to HEPAFED"),
        ({"called": "OTHER"}, "of AE title HOSTILE to OTHER"),
        ({"sender": "hostile"}, "of AE title hostile to HEPAFED"),
        ({"source": "127.0.0.2"}, "from 127.0.0.2, which is not among sender_addresses"),
    ],
    ids=["another sender", "another destination", "another case", "another address"],
)
def test_nobody_but_the_pacs_gets_an_association(keys: dict[str, str], said: str) -> None:
    made = config()
    with listening(made) as listener, listener.delivery(ASKED, nothing):
        assert push(made.listen_port, GOOD["1.2.3.4"], **keys) == []  # type: ignore[arg-type]
        assert listener.refused == f"refused at listen_port: connections: 1, the last {said}"


def test_a_pacs_may_send_from_another_address_and_title_if_the_site_says_so() -> None:
    made = config(sender_ae_title="STORE", sender_addresses=("127.0.0.2", "127.0.0.3"))
    with listening(made) as listener, listener.delivery(ASKED, lambda data: None):
        port = made.listen_port
        assert push(port, GOOD["1.2.3.4"], sender="STORE", source="127.0.0.3") == [TAKEN]
        assert push(port, GOOD["1.2.3.5"], sender="HOSTILE", source="127.0.0.3") == []
        assert push(port, GOOD["1.2.3.5"], sender="STORE", source="127.0.0.1") == []


@pytest.mark.parametrize("sop_class", [CTImageStorage, SecondaryCaptureImageStorage])
def test_other_kinds_than_are_fetched_cannot_even_be_offered(sop_class: str) -> None:
    made = config()
    other = instance("1.2", "1.2.3", "1.2.3.4")
    other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = sop_class
    with listening(made) as listener, listener.delivery(ASKED, nothing):
        assert push(made.listen_port, other) == []


def test_an_instance_that_is_too_large_ends_its_connection_and_costs_no_memory() -> None:
    made = config()
    big = instance("1.2", "1.2.3", "1.2.3.4", pixels=2**25)
    at_most = instance("1.2", "1.2.3", "1.2.3.5", pixels=2**21 - 4096)
    with listening(made) as listener, listener.delivery(ASKED, lambda data: None) as delivery:
        assert push(made.listen_port, big) == [-1]
        assert "larger than 2 MB" in str(delivery.refused)
        assert push(made.listen_port, at_most) == [TAKEN]


def test_the_size_is_that_of_each_instance_and_not_of_a_connection() -> None:
    made = config()
    large = [instance("1.2", "1.2.3", u, pixels=2**20) for u in ASKED]
    with listening(made) as listener, listener.delivery(ASKED, lambda data: None):
        assert push(made.listen_port, *large) == [TAKEN] * 3


def test_a_protocol_data_unit_of_gigabytes_is_not_read() -> None:
    made = config()
    nothing_of_it = bytes(2**26)
    tracemalloc.start()
    with listening(made), socket.create_connection(("127.0.0.1", made.listen_port)) as attacker:
        attacker.sendall(bytes.fromhex("0100ffffffff"))
        attacker.settimeout(10)
        with pytest.raises(ConnectionError):
            attacker.sendall(nothing_of_it)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20


def test_a_silent_connection_neither_stops_the_others_nor_the_end() -> None:
    made = config(timeout=30.0)
    start = time.monotonic()
    with (
        listening(made) as listener,
        listener.delivery(ASKED, lambda data: None),
        socket.create_connection(("127.0.0.1", made.listen_port)),
        socket.create_connection(("127.0.0.1", made.listen_port)) as half,
    ):
        half.sendall(bytes.fromhex("010000000100"))  # the head of a unit, and nothing more
        assert push(made.listen_port, GOOD["1.2.3.4"]) == [TAKEN]
    assert time.monotonic() - start < 10
    kept = [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
    assert kept == []  # the process could not end


def test_more_connections_than_the_pacs_needs_are_rejected() -> None:
    made = config(parallel=1, timeout=5.0)
    with listening(made) as listener, listener.delivery(ASKED, lambda data: None):
        waiting = [socket.create_connection(("127.0.0.1", made.listen_port)) for _ in range(2)]
        for connection in waiting:
            connection.sendall(bytes.fromhex("010000000100"))  # the head of a unit alone
        time.sleep(0.3)
        assert push(made.listen_port, GOOD["1.2.3.4"]) == []
        assert listener.refused.endswith("1, the last one more than 2 for each of parallel")
        last = time.monotonic() + 60
        while push(made.listen_port, GOOD["1.2.3.4"]) != [TAKEN]:  # they have five seconds to go on
            assert time.monotonic() < last
            time.sleep(0.5)
        for connection in waiting:
            connection.close()


def test_the_port_is_open_only_while_the_listener_is_entered() -> None:
    made = config()
    listener = listening(made)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", made.listen_port))
        with listener:
            socket.create_connection(("127.0.0.1", made.listen_port)).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", made.listen_port))


def test_it_listens_at_its_own_address_alone() -> None:
    made = config(listen_address="127.0.0.2")
    with listening(made):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", made.listen_port))
        socket.create_connection(("127.0.0.2", made.listen_port)).close()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_ipv6_address_is_listened_at_and_an_ipv4_sender_known_there() -> None:
    made = config(listen_address="::", sender_addresses=("127.0.0.1", "::1"))
    with listening(made) as listener, listener.delivery(ASKED, lambda data: None):
        assert push(made.listen_port, GOOD["1.2.3.4"]) == [TAKEN]
        six = push(made.listen_port, GOOD["1.2.3.5"], address="::1", source="::1")
        assert six == [TAKEN]


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    made = config()
    with (
        socket.create_server(("127.0.0.1", made.listen_port)),
        pytest.raises(ConfigError) as e,
    ):
        listening(made).__enter__()
    where = f"127.0.0.1:{made.listen_port}"
    assert e.value.message == f"cannot listen at {where}: the port is already taken"
    assert "another listen_port" in e.value.hint


def test_an_address_of_another_machine_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="no such address") as e:
        listening(config(listen_address="192.0.2.1")).__enter__()
    assert "listen_address" in e.value.hint


def test_a_host_without_an_address_is_named() -> None:
    with pytest.raises(UnreachableError, match=r"pacs\.invalid cannot be found") as e:
        listening(config(host="pacs.invalid")).__enter__()
    assert "sender_addresses" in e.value.hint


@pytest.mark.parametrize("error", [DataError("the disk is nearly full"), ValueError("nonsense")])
def test_what_cannot_be_written_is_not_said_to_be_taken(error: Exception) -> None:
    made = config()

    def take(_: bytes) -> None:
        raise error

    with listening(made) as listener, listener.delivery(ASKED, take) as delivery:
        (answer,) = push(made.listen_port, GOOD["1.2.3.4"])
        assert delivery.missing == set(ASKED)
    if isinstance(error, DataError):
        assert (answer, delivery.ended, delivery.refused) == (NO_RESOURCES, error, None)
    else:
        assert (answer, delivery.ended) == (NOT_USABLE, None)
        assert "nonsense" not in str(delivery.refused)


def test_an_instance_that_two_series_list_is_refused() -> None:
    made = config()
    listener = listening(made)
    with (
        listener.delivery(ASKED, nothing),
        pytest.raises(PayloadError, match="two series"),
        listener.delivery(("1.2.3.9", "1.2.3.5"), nothing),
    ):
        pytest.fail("it was let in")
    with listener.delivery(ASKED, nothing):
        pass


def test_nothing_is_being_written_any_more_when_a_delivery_has_ended() -> None:
    made = config()
    begun, events = threading.Event(), list[str]()

    def slowly(_: bytes) -> None:
        begun.set()
        time.sleep(0.5)
        events.append("written")

    with listening(made) as listener:
        with listener.delivery(ASKED, slowly):
            sender = threading.Thread(target=push, args=(made.listen_port, GOOD["1.2.3.4"]))
            sender.start()
            assert begun.wait(10)
        events.append("ended")
        sender.join()
    assert events == ["written", "ended"]


def test_what_is_refused_after_its_delivery_has_ended_is_not_expected_again() -> None:
    made, begun = config(), threading.Event()

    def slowly(_: bytes) -> None:
        begun.set()
        time.sleep(0.5)
        raise PayloadError("another's")

    with listening(made) as listener:
        with listener.delivery(ASKED, slowly):
            sender = threading.Thread(target=push, args=(made.listen_port, GOOD["1.2.3.4"]))
            sender.start()
            assert begun.wait(10)
        assert push(made.listen_port, GOOD["1.2.3.4"]) == [NOT_ASKED_FOR]
        with listener.delivery(ASKED, lambda data: None):
            assert push(made.listen_port, GOOD["1.2.3.4"]) == [TAKEN]
        sender.join()


def test_what_waits_for_the_pace_goes_to_the_delivery_that_asks_for_it_then() -> None:
    made, pace, answers = config(), Pace(1.0), list[list[int]]()
    with Listener(made, pace) as listener:
        pace.wait()
        with listener.delivery(ASKED, nothing):
            sender = threading.Thread(
                target=lambda: answers.append(push(made.listen_port, GOOD["1.2.3.4"]))
            )
            sender.start()
            time.sleep(0.5)
        with listener.delivery(ASKED, lambda data: None) as later:
            sender.join()
            assert later.missing == {"1.2.3.5", "1.2.3.6"}
    assert answers == [[TAKEN]]


def test_the_pace_is_kept_by_waiting_with_the_answer() -> None:
    made = config()
    with (
        Listener(made, Pace(5.0)) as listener,
        listener.delivery(ASKED, lambda data: None),
    ):
        start = time.monotonic()
        push(made.listen_port, *GOOD.values())
        assert time.monotonic() - start >= 2 / 5


def test_a_stopped_fetch_takes_nothing_more() -> None:
    made, pace = config(), Pace(5000.0)
    with Listener(made, pace) as listener, listener.delivery(ASKED, nothing) as delivery:
        pace.stopped.set()
        assert push(made.listen_port, GOOD["1.2.3.4"]) == [NO_RESOURCES]
        assert "stopped" in str(delivery.ended)


@pytest.mark.parametrize(("failed", "vain"), [(2, False), (3, True)])
def test_a_pacs_seems_not_to_reach_us_after_three_series_without_a_connection(
    failed: int, vain: bool
) -> None:
    listener = listening(config())
    said = [listener.is_in_vain(f"1.{n}") for n in [*range(failed), 0, 0]]
    assert said[-1] is vain
    made = config()
    with listening(made) as reached:
        push(made.listen_port, GOOD["1.2.3.4"])
        assert not any(reached.is_in_vain(f"1.{n}") for n in range(9))


def with_tls(ca: Path, own: Path | None) -> ssl.SSLContext:
    """Give the TLS settings with which a PACS sends, its certificate from a folder."""
    keys = {"certificate": str(own / "pacs.pem"), "key": str(own / "pacs.key")} if own else {}
    plain = {"retrieve": "get", "listen_address": ""}
    return tls_context(config(tls=True, ca=str(ca / "ca.pem"), **keys, **plain))


def test_over_tls_only_the_holder_of_a_certificate_of_the_hospital_may_send(
    tmp_path: Path,
) -> None:
    keys, others = authority(tmp_path / "keys"), authority(tmp_path / "others")
    made = config(
        tls=True,
        ca=str(keys / "ca.pem"),
        certificate=str(keys / "pacs.pem"),
        key=str(keys / "pacs.key"),
        timeout=2.0,
    )
    with (
        listening(made) as listener,
        listener.delivery(ASKED, lambda data: None),
        socket.create_connection(("127.0.0.1", made.listen_port)) as silent,
    ):
        port, good = made.listen_port, GOOD["1.2.3.4"]
        assert push(port, good) == []
        assert push(port, good, tls=with_tls(keys, None)) == []
        assert push(port, good, tls=with_tls(keys, others)) == []
        assert push(port, good, tls=with_tls(keys, keys)) == [TAKEN]
        silent.settimeout(10)  # it begins no handshake, for which it has two seconds
        assert silent.recv(1) == b""
