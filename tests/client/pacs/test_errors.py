"""Whatever is wrong with the way to the PACS ends in an error and a hint, and names nobody."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: F401
from hepafed.client.cli import main
from hepafed.client.pacs.config import read_config
from hepafed.client.pacs.fetch import fetch
from hepafed.client.pacs.spool import Spool
from hepafed.client.pacs.wanted import read_wanted
from hepafed.common.errors import HepaFedError, RefusedError, UnreachableError

from .conftest import Filled
from .orthanc import Orthanc, examination, free_port, write_labels, write_pacs

PROTOCOLS = ("dicomweb", "dimse")
