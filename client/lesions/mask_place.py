"""Where a row's mask lies: a file beside the table or below, or a member of a zip archive there."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hepafed.client.dicom.encoding import Member, is_archive, members_of
from hepafed.common.errors import DicomError, LabelsError


@dataclass
class MaskPlaces:
    """The masks that a table may name; each archive is listed once."""

    folder: Path
    """The table's folder; nothing outside it is read."""
    _listed: dict[Path, list[Member]] = field(default_factory=dict)

    def find(self, name: str) -> tuple[Path, str]:
        """Return the file, and the name inside it if it is a zip archive.

        In an archive's name and behind it, `/` and the other slash are the same on any system.

        Raises
        ------
        LabelsError
            There is no such file or member, it lies outside, or its archive is refused.
        """
        if self._is_file(name):
            return self.folder / name, ""
        parts = PurePosixPath(name.replace("\\", "/")).parts
        for n in range(1, len(parts)):
            archive = str(PurePosixPath(*parts[:n]))
            if self._is_file(archive):
                return self._member(self.folder / archive, "/".join(parts[n:]))
        raise LabelsError("mask_file does not exist")

    def _is_file(self, name: str) -> bool:
        path = self.folder / name
        try:
            inside = path.resolve().is_relative_to(self.folder.resolve())
            there = path.is_file()
        except (OSError, ValueError):
            return False
        if not inside:
            raise LabelsError("mask_file lies outside the folder")
        return there

    def _member(self, archive: Path, name: str) -> tuple[Path, str]:
        found = [m for m in self._members(archive) if m.name.replace("\\", "/") == name]
        if not found:
            raise LabelsError("mask_file is not in its zip archive")
        if len(found) > 1:
            raise LabelsError("mask_file is in its zip archive twice")
        if found[0].reason:
            raise LabelsError(f"mask_file is not usable: {found[0].reason}")
        return archive, found[0].name

    def _members(self, archive: Path) -> list[Member]:
        if archive not in self._listed:
            try:
                with archive.open("rb") as stream:
                    packed = is_archive(stream.read(4))
                self._listed[archive] = members_of(archive) if packed else []
            except OSError:
                raise LabelsError("mask_file's zip archive cannot be read") from None
            except DicomError as e:
                raise LabelsError(f"mask_file lies in {e.message}") from None
            if not packed:
                raise LabelsError("mask_file lies in a file that is no zip archive")
        return self._listed[archive]
