"""A real Orthanc on loopback with its DICOMweb plugin, for tests; and examinations to fill it."""

import csv
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hepafed.deploy.demo.anatomy import Grid
from hepafed.deploy.demo.dicom_writer import VENDORS, Series, Study, uid, write_series
from pydicom.uid import SecondaryCaptureImageStorage
from pynetdicom import AE

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SHAPE = (4, 16, 20)
SHARED = Path(__file__).parents[3].parent / "shared/data/dicom"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@dataclass
class Orthanc:
    """One running Orthanc."""

    folder: Path
    extra: dict[str, object] = field(default_factory=dict)
    http: int = field(default_factory=free_port)
    dicom: int = field(default_factory=free_port)
    scheme: str = "http"
    site: int = field(default_factory=free_port)
    """The port to which it sends what HEPAFED moves."""

    def start(self) -> "Orthanc":
        if shutil.which("Orthanc") is None or not PLUGIN.exists():
            pytest.skip("Orthanc is not installed: apt-get install orthanc orthanc-dicomweb")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = {
            "Name": "test",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "HttpPort": self.http,
            "HttpServerEnabled": True,
            "DicomServerEnabled": True,
            "DicomPort": self.dicom,
            "DicomAet": "ORTHANC",
            "DicomCheckCalledAet": True,
            "RemoteAccessAllowed": False,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "DicomModalities": {"site": ["HEPAFED", "127.0.0.1", self.site]},
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        } | self.extra
        (self.folder / "orthanc.json").write_text(json.dumps(config))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["Orthanc", "--verbose", self.folder / "orthanc.json"], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                with (
                    socket.create_connection(("127.0.0.1", self.http), 1),
                    socket.create_connection(("127.0.0.1", self.dicom), 1),
                ):
                    return self
            except OSError:
                assert self.process.poll() is None, "Orthanc ended"
                assert time.monotonic() < deadline, "Orthanc did not start"
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    @property
    def log(self) -> Path:
        return self.folder / "orthanc.log"

    def get(self, path: str) -> Any:  # noqa: ANN401
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}") as answer:
            return json.loads(answer.read())

    def store(self, folder: Path) -> None:
        """C-STORE every file under a folder, as a scanner would."""
        files = [pydicom.dcmread(p) for p in sorted(folder.rglob("*")) if p.is_file()]
        ae = AE(ae_title="SCANNER")
        for pair in {(f.SOPClassUID, f.file_meta.TransferSyntaxUID) for f in files}:
            ae.add_requested_context(*pair)
        association = ae.associate("127.0.0.1", self.dicom, ae_title="ORTHANC")
        assert association.is_established
        for f in files:
            assert association.send_c_store(f).Status == 0x0000
        association.release()

    def count(self, patient: str) -> int:
        """Count the instances that it holds of a patient."""
        found = [self.get(f"/patients/{p}") for p in self.get("/patients")]
        (mine,) = [p for p in found if p["MainDicomTags"]["PatientID"] == patient]
        return len(self.get(f"/patients/{mine['ID']}/instances"))

    def lines(self, start: int = 0) -> str:
        return self.log.read_text(errors="replace")[start:]

    def retrieved(self, start: int = 0) -> int:
        """Count the instances that were read by WADO-RS since a place of the log."""
        return len(re.findall(r"GET /dicom-web/studies/\S+/instances/[0-9.]+", self.lines(start)))


def examination(folder: Path, patient: str, vendor: str = "siemens") -> Study:
    """Write an MR examination with a lesion-sized bright box: T2, DWI, and a series of no use."""
    grid = Grid.centred(SHAPE, (6.0, 2.0, 2.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    study = Study(
        patient,
        f"Canary^{patient}",
        "19500101",
        "F",
        "20250102",
        36_000,
        uid("study", patient),
        uid("frame", patient),
        np.zeros(3),
        1.5,
    )
    random = np.random.default_rng(sum(patient.encode()))

    def series(name: str, number: int, b: float | None, scanning: str = "SE") -> Series:
        image = random.integers(100, 900, SHAPE).astype(np.float64)
        image[1:3, 5:9, 6:12] += 1500
        return Series(
            name,
            number,
            60 * number,
            90.0,
            4000.0,
            90.0,
            scanning,
            "2D",
            6.0,
            grid,
            ((b, image),),
        )

    write_series(folder / patient / "t2", VENDORS[vendor], study, series("t2", 1, None))
    write_series(
        folder / patient / "dwi", VENDORS[vendor], study, series("dwi-high", 2, 800.0, "EP")
    )
    return study


def compress(folder: Path, syntax: str) -> None:
    """Compress every file of a series, losslessly, keeping its UIDs."""
    for file in folder.iterdir():
        data = pydicom.dcmread(file)
        data.compress(syntax, generate_instance_uid=False)
        data.save_as(file, enforce_file_format=True)


def add_other_kinds(folder: Path, patient: str) -> None:
    """Add to an examination what a fetch must leave: a secondary capture in an MR series, a CT."""
    source = pydicom.dcmread(sorted((folder / patient / "t2").iterdir())[0])
    capture = pydicom.dcmread(sorted((folder / patient / "t2").iterdir())[0])
    capture.SOPClassUID = capture.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    capture.SOPInstanceUID = uid("capture", patient)
    capture.file_meta.MediaStorageSOPInstanceUID = capture.SOPInstanceUID
    capture.save_as(folder / patient / "capture", enforce_file_format=True)
    source.Modality = "CT"
    source.SeriesInstanceUID = uid("ct", patient)
    source.SOPInstanceUID = uid("ct instance", patient)
    source.file_meta.MediaStorageSOPInstanceUID = source.SOPInstanceUID
    source.save_as(folder / patient / "ct", enforce_file_format=True)


def write_labels(path: Path, patients: Sequence[str]) -> Path:
    with path.open("w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(
            [
                "patient_id",
                "lesion_id",
                "label",
                "x_min",
                "y_min",
                "z_min",
                "x_max",
                "y_max",
                "z_max",
            ]
        )
        for i, patient in enumerate(patients):
            label = ("benign", "primary-malignant", "metastatic")[i % 3]
            writer.writerow([patient, "1", label, 6, 5, 1, 11, 8, 2])
    return path


def write_pacs(path: Path, orthanc: Orthanc, protocol: str, **keys: object) -> Path:
    """Write pacs.toml for an Orthanc; a key of value None is left out.

    `protocol` is dicomweb, dimse (with C-GET) or move (DIMSE with C-MOVE).
    """
    if protocol == "dicomweb":
        url = f"{orthanc.scheme}://127.0.0.1:{orthanc.http}/dicom-web"
        values: dict[str, object] = {"protocol": protocol, "url": url}
    else:
        values = {
            "protocol": "dimse",
            "host": "127.0.0.1",
            "port": orthanc.dicom,
            "called_ae_title": "ORTHANC",
        }
    if protocol == "move":
        move = {"retrieve": "move", "listen_address": "127.0.0.1", "listen_port": orthanc.site}
        values |= move
    values |= {"per_second": 2000.0, "timeout": 10.0, "retries": 1} | keys
    lines = [f"{k} = {json.dumps(v)}" for k, v in values.items() if v is not None]
    path.write_text("\n".join(lines) + "\n")
    return path
