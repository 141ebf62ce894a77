"""State that is read and written whole: one JSON file, typed by a frozen dataclass, with a digest.

The key `checksum` holds the SHA-256 of all other values. A file of 0.1.0 has none; from the first
write on it has one, and a single changed bit is found.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from hepafed.common.errors import ConfigError, HepaFedError
from hepafed.common.files import write_whole
from hepafed.common.records import read_record, write_record

T = TypeVar("T")
CHECKSUM = "checksum"


def sealed(values: Mapping[str, Any]) -> str:
    """Return the text of a JSON file of these values and their checksum."""
    return json.dumps({**values, CHECKSUM: _digest(values)}, indent=1)


def unsealed(content: bytes | str) -> Any:  # noqa: ANN401 - whatever the JSON is
    """Return the values of a text of `sealed`, or of one that never had a checksum.

    Raises
    ------
    ValueError
        It is not JSON, or a value was changed since it was written.
    """
    values = json.loads(content)
    if isinstance(values, dict) and CHECKSUM in values:
        stated = values.pop(CHECKSUM)
        if stated != _digest(values):
            raise ValueError("its content was changed after it was written")
    return values


def _digest(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class JsonFile(Generic[T]):
    """The file `path`, which holds one `record` and nothing else.

    A file that is damaged, empty or cut off is an error that names it, never an empty state: what
    it should hold may be a promise (which scores left already), and to forget one breaks it.
    """

    path: Path
    record: type[T]
    """The frozen dataclass of what the file holds."""
    hint: str
    """What a person does about a damaged file."""
    private: bool = True
    """Whether only the file's owner may read it (0600)."""
    name: str = ""
    """What an error calls the file, relative to the home; its last part if empty."""

    def read(self, missing: T | None = None) -> T:
        """Return what the file holds, or `missing` where there is no file.

        Raises
        ------
        ConfigError
            The file is damaged or cannot be read, or there is none and no `missing` is given.
        """
        name = self.name or self.path.name
        try:
            values = unsealed(self.path.read_bytes())
            return read_record(self.record, values, ConfigError)
        except FileNotFoundError:
            if missing is None:
                raise ConfigError(f"{name} is missing", self.hint) from None
            return missing
        except OSError as e:
            raise ConfigError(f"{name} cannot be read: {e.strerror}", self.hint) from e
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as e:
            raise ConfigError(f"{name} is damaged: it is not JSON", self.hint) from e
        except ValueError as e:
            raise ConfigError(f"{name} is damaged: {e}", self.hint) from e
        except HepaFedError as e:
            raise ConfigError(f"{name} is damaged: {e.message}", self.hint) from e

    def write(self, state: T) -> None:
        """Put `state` in place of what the file holds, whole or not at all."""
        write_whole(self.path, sealed(write_record(state)), private=self.private)
