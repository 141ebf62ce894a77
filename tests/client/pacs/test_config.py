"""pacs.toml and its list: every mistake is named by key or row, before anything is sent."""

from pathlib import Path

import pytest
from hepafed.client.pacs.config import PacsConfig, read_config, secret_of
from hepafed.client.pacs.request_list import Wanted, read_wanted
from hepafed.common.errors import ConfigError, DataError

WEB = 'protocol = "dicomweb"\nurl = "https://pacs.example/dicom-web"\naccessions = "list.txt"\n'
DIMSE = 'protocol = "dimse"\nhost = "pacs"\ncalled_ae_title = "PACS"\naccessions = "list.txt"\n'
MOVE = DIMSE + 'retrieve = "move"\nlisten_address = "10.0.0.5"\n'


def config(folder: Path, text: str) -> PacsConfig:
    (folder / "pacs.toml").write_text(text)
    return read_config(folder / "pacs.toml")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    made = config(tmp_path, WEB)
    assert made.accessions == str(tmp_path / "list.txt")
    assert made.called_ae_title == ""


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (WEB + "sped = 3", "sped"),
        (WEB + 'per_second = "many"', "per_second"),
        (WEB + "per_second = 0.0", "per_second"),
        (WEB + "per_second = nan", "per_second"),
        (WEB + "parallel = 100", "parallel"),
        (WEB + "timeout = 0.0", "timeout"),
        (WEB + "retries = -1", "retries"),
        (WEB + "largest_instance_mb = 100000", "largest_instance_mb"),
        (WEB + 'patients = "p.txt"', "accessions and patients"),
        (WEB + 'also = ["CT"]', "also"),
        (WEB + 'certificate = "c.pem"', "certificate and key"),
        (WEB + 'auth = "digest"', "auth"),
        (WEB + 'auth = "basic"', "secret_file"),
        (WEB.replace("https", "http") + 'auth = "basic"\nsecret_env = "X"', "without encryption"),
        (WEB.replace("https://", "https://user:pw@"), "password"),
        (WEB.replace("https", "ftp"), "url"),
        (WEB.replace("dicom-web", "dicom-web?x=1"), "url"),
        (WEB.replace("pacs.example", "pacs.example:http"), "url"),
        (DIMSE.replace('host = "pacs"\n', ""), "host"),
        (DIMSE + "port = 0", "port"),
        (DIMSE + 'ae_title = "SEVENTEEN-LETTERS"', "ae_title"),
        (DIMSE.replace('"PACS"', '"A\\\\B"'), "called_ae_title"),
        (DIMSE + 'auth = "basic"\nsecret_env = "X"', "auth"),
        (DIMSE + 'ca = "ca.pem"', "tls"),
        (DIMSE.replace("dimse", "ftp"), "protocol"),
        ('url = "https://x/"', "protocol"),
        (WEB + 'retrieve = "move"', "protocol dimse"),
        (WEB + 'listen_address = "10.0.0.5"', 'retrieve = "move"'),
        (DIMSE + 'retrieve = "fetch"', "retrieve"),
        (DIMSE + 'retrieve = "move"', "listen_address"),
        (DIMSE + 'listen_address = "10.0.0.5"', 'retrieve = "move"'),
        (DIMSE + 'sender_ae_title = "PACS2"', 'retrieve = "move"'),
        (DIMSE + 'sender_addresses = ["10.0.0.7"]', 'retrieve = "move"'),
        (MOVE.replace("10.0.0.5", "here.example"), "listen_address"),
        (MOVE + "listen_port = 0", "listen_port"),
        (MOVE + "listen_port = 65536", "listen_port"),
        (MOVE + 'sender_ae_title = "SEVENTEEN-LETTERS"', "sender_ae_title"),
        (MOVE + 'sender_addresses = ["10.0.0.7", "pacs"]', "sender_addresses"),
        (MOVE + 'tls = true\nca = "ca.pem"', "ca, certificate and key"),
        (MOVE + 'tls = true\ncertificate = "c"\nkey = "k"', "ca, certificate and key"),
    ],
)
def test_a_mistake_is_named_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as e:
        config(tmp_path, text)
    assert key in e.value.message + e.value.hint
    assert "pw" not in e.value.message


def test_a_c_move_needs_no_more_than_the_address_to_which_the_pacs_sends(tmp_path: Path) -> None:
    made = config(tmp_path, MOVE)
    assert (made.retrieve, made.listen_address, made.listen_port) == ("move", "10.0.0.5", 11112)
    assert (made.ae_title, made.sender_ae_title, made.sender_addresses) == ("HEPAFED", "", ())


@pytest.mark.parametrize(
    "more", ['listen_address = "::1"', "listen_port = 1", "listen_port = 65535"]
)
def test_an_address_may_be_of_both_families_and_a_port_any(tmp_path: Path, more: str) -> None:
    text = MOVE.replace('listen_address = "10.0.0.5"\n', "") if "address" in more else MOVE
    assert config(tmp_path, text + more).retrieve == "move"


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    made = config(tmp_path, WEB + 'auth = "basic"\nsecret_file = "secret"')
    (tmp_path / "secret").write_text("user:word")
    (tmp_path / "secret").chmod(0o640)
    with pytest.raises(ConfigError, match="others may read"):
        secret_of(made)
    (tmp_path / "secret").chmod(0o600)
    assert secret_of(made) == "user:word"


@pytest.mark.parametrize("secret", ["", "nocolon", "two\nlines:x"])
def test_a_malformed_secret_is_refused_without_showing_it(
    tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = config(tmp_path, WEB + 'auth = "basic"\nsecret_env = "HEPAFED_TEST_SECRET"')
    monkeypatch.setenv("HEPAFED_TEST_SECRET", secret)
    with pytest.raises(ConfigError, match="user:password") as e:
        secret_of(made)
    assert not secret or secret not in e.value.message


def wanted(folder: Path, name: str, text: str, kind: str = "accessions") -> list[Wanted]:
    (folder / name).write_text(text)
    return read_wanted(config(folder, WEB.replace("list.txt", name).replace("accessions", kind)))


def test_a_list_has_one_value_a_line_with_comments_and_each_value_counts_once(
    tmp_path: Path,
) -> None:
    found = wanted(tmp_path, "list.txt", "# liver\nA1\n\n A2 \nA1\n")
    assert found == [Wanted(2, "AccessionNumber", "A1"), Wanted(4, "AccessionNumber", "A2")]


def test_a_labels_table_serves_as_the_list_of_patients(tmp_path: Path) -> None:
    text = "lesion_id,patient_id\n1,P1\n2,P1\n1,P2\n"
    found = wanted(tmp_path, "labels.csv", text, "patients")
    assert found == [Wanted(2, "PatientID", "P1"), Wanted(4, "PatientID", "P2")]


@pytest.mark.parametrize("value", ["A*", "A?1", "A1\\A2", "x" * 65, "A\x07"])
def test_a_value_that_could_match_others_is_refused_by_row(tmp_path: Path, value: str) -> None:
    with pytest.raises(DataError, match="row 2") as e:
        wanted(tmp_path, "list.txt", f"A1\n{value}\n")
    assert value not in e.value.message


@pytest.mark.parametrize(
    ("name", "text"), [("list.txt", "# nothing\n"), ("list.csv", "accession\nA1\n")]
)
def test_a_list_without_values_or_column_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(DataError):
        wanted(tmp_path, name, text)


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_wanted(config(tmp_path, WEB))


def test_a_list_as_a_spreadsheet_writes_it_is_read(tmp_path: Path) -> None:
    text = "sep=;\r\nLesion_ID;Patient_ID\r\n1;P1\r\n;\r\n2;P2\r\n"
    found = wanted(tmp_path, "labels.csv", text, "patients")
    assert found == [Wanted(3, "PatientID", "P1"), Wanted(5, "PatientID", "P2")]
