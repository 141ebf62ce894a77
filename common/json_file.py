"""State that is read and written whole: one JSON file, typed by a frozen dataclass."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from hepafed.common.errors import ConfigError, HepaFedError
from hepafed.common.files import write_whole
from hepafed.common.records import read_record, write_record

T = TypeVar("T")


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

    def read(self, missing: T | None = None) -> T:
        """Return what the file holds, or `missing` where there is no file.

        Raises
        ------
        ConfigError
            The file is damaged, or there is none and no `missing` is given.
        OSError
            The file cannot be read.
        """
        try:
            values = json.loads(self.path.read_bytes())
            return read_record(self.record, values, ConfigError)
        except FileNotFoundError:
            if missing is None:
                raise ConfigError(f"{self.path.name} is missing", self.hint) from None
            return missing
        except (ValueError, RecursionError) as e:
            raise ConfigError(f"{self.path.name} is damaged: it is not JSON", self.hint) from e
        except HepaFedError as e:
            raise ConfigError(f"{self.path.name} is damaged: {e.message}", self.hint) from e

    def write(self, state: T) -> None:
        """Put `state` in place of what the file holds, whole or not at all."""
        write_whole(self.path, json.dumps(write_record(state), indent=1), private=self.private)
