"""Which releases of HepaFed may work together: the one place where that is declared."""

import re
from collections.abc import Collection
from importlib import metadata

from hepafed.common.errors import OtherReleaseError

RELEASE = metadata.version("hepafed")
"""The release that runs here, as it was when this process started."""
HEADER = "hepafed-release"
"""The header in which a site states its release when it is started."""
TOGETHER: tuple[frozenset[str], ...] = ()
"""Sets of releases that may work together at the sites and the coordinator of one federation. A
release that is in none of them works with itself alone. 0.1.0 states no release, so that it works
with no later one."""
_STATED = re.compile(r"[0-9][0-9A-Za-z.+!-]{0,39}")


def may_work_together(one: str, other: str, groups: Collection[Collection[str]] = TOGETHER) -> bool:
    """Return whether two releases may work in one federation; one that is not stated ("") may not.

    `groups` are sets of releases as in `TOGETHER`.
    """
    if not one or not other:
        return False
    return one == other or any(one in group and other in group for group in groups)


def release_stated(text: str) -> str:
    """Return the release that the other side states; "" where it is none."""
    return text if _STATED.fullmatch(text) else ""


def must_work_with(stated: str, groups: Collection[Collection[str]] = TOGETHER) -> None:
    """Check the release that the other side states.

    Raises
    ------
    OtherReleaseError
        It does not work with ours, or none is stated; the message says both, the hint what to do.
    """
    if may_work_together(release_stated(stated), RELEASE, groups):
        return
    there = f"release {release_stated(stated)}" if release_stated(stated) else "no known release"
    raise OtherReleaseError(
        f"it runs {there} of HepaFed, which does not work with release {RELEASE} here",
        f"install release {RELEASE} there",
    )
