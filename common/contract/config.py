"""What a machine is set to: home folders, and the TOML files of server, site, invite and access."""

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import platformdirs
from hepafed.common.contract.privacy import PrivacyConfig
from hepafed.common.contract.subgroup_levels import NAME
from hepafed.common.contract.vocabulary import OPTIMISERS, ROLES
from hepafed.common.errors import ConfigError, UsageError
from hepafed.common.files import write_whole
from hepafed.common.records import optional, read_record, write_record

T = TypeVar("T")
FORMS = ("masked", "cells", "plain")
"""The forms in which a site can release its score counts."""
SITE_AUCS = ("banded", "none", "exact")
"""How a site's own AUCs can leave beside a masked sum."""

_CHOICES = {
    "release": FORMS,
    "fallback": ("cells", "none"),
    "site_auc": SITE_AUCS,
    "peer_trust": ("first-use", "confirmed"),
}


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """server.toml: the coordinator's machine."""

    address: str
    """HOST:PORT that sites reach; the gateway listens on this port."""
    listen: str = "0.0.0.0"  # noqa: S104 - the one public port
    """Interface the gateway binds."""
    wait_for_person: int = 3600
    """Seconds that a run waits for the person at one site to allow it; later rounds ask that site
    once each."""

    def __post_init__(self) -> None:
        """Check the time."""
        if not 0 <= self.wait_for_person <= 7 * 86400:
            raise ConfigError(f"wait_for_person: {self.wait_for_person} is outside 0…604800")


@dataclass(frozen=True, kw_only=True)
class Invite:
    """SITE.invite: the one file with which a site joins."""

    site: str
    role: str
    address: str
    token: str
    expires: str
    """UTC, ISO 8601."""
    ca: str
    """The coordinator's CA certificate, PEM."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """An access file: who may use the coordinator's API, as which role."""

    name: str
    role: str
    """`coordinator` or `evaluator`."""
    address: str
    token: str
    ca: str


@dataclass(frozen=True, kw_only=True)
class SiteConfig:
    """site.toml: a site's identity and its policy."""

    site: str
    role: str
    address: str
    minimum_count: int = 5
    """Smallest count of a histogram cell that leaves the site."""
    share_cohort_summary: bool = False
    """Whether to send the coordinator a summary of the cohort on request (`CohortSummary`), and in
    a validation the counts of what was left out (`CohortOrigin`)."""
    share_subgroups: tuple[str, ...] = ()
    """Variables by which a validation may split this site's figures: `lesion_size`, `vendor`,
    `field_strength`, and the NAME of each column `group_NAME` of your labels."""
    release: str = "masked"
    """In what form score counts are released: `masked` (only their sum over sites can be read),
    `cells` (merged to the minimum count) or `plain` (every bin; for a research cohort that allows
    it)."""
    fallback: str = "cells"
    """What is released if a masked sum is not possible: `cells`, or `none` (the counts stay at the
    site)."""
    minimum_peers: int = 2
    """Fewest sites in a masked sum, this one included."""
    minimum_patients: int = 20
    """Fewest patients in a masked sum, over all of its sites."""
    least_tables: int = 1000
    """Fewest tables of this site's scores that a masked sum, and what leaves beside it, must leave
    possible (docs/decisions/0019)."""
    site_auc: str = "banded"
    """How this site's own AUCs leave beside a masked sum: `banded` (only which band each lies in,
    and only if the numbers of cases keep `least_tables`), `none`, or `exact` (this can tell whose
    the scores of the sum are)."""
    models_a_year: int = 12
    """Most models about which this site answers within a year, for each cohort (`client questions`
    shows them); the same model again is not counted."""
    peer_trust: str = "first-use"
    """Which sites' keys are accepted: `first-use` (those of the first exchange, and only those from
    then on) or `confirmed` (only identities that `client peers --confirm` or `--roster`
    accepted)."""
    minimum_train_patients: int = 5
    """Fewest patients in the training split of a round."""
    minimum_steps: int = 4
    """Fewest optimiser steps in a round, each over half of the images at most; 1: no limit."""
    optimisers: tuple[str, ...] = ("adamw",)
    """Optimisers that a plan may ask for: `adamw`, `sgd`. A few steps of `sgd` are nearly the
    gradient itself, which tells more of the images."""
    share_training_loss: bool = False
    """Whether the mean loss of a round leaves with its update. Under weights that the coordinator
    chooses it tells how many images of each class the training split has."""
    least_certainty: float = 0.0
    """Lesions of which a sequence is less certain to be what it is taken for, 0 to 1, are kept out
    of training and tuning (`client cohort --quality` lists what is doubtful)."""
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""
    threads: int = 0
    """CPU threads of the worker; 0 for all cores."""
    privacy: PrivacyConfig | None = optional(None)
    """The table `[privacy]`: noise in every answer to a validation. Without it there is none."""

    def __post_init__(self) -> None:
        """Check role and limits."""
        if self.role not in ROLES:
            raise ConfigError(f"role: {self.role!r} is not one of {', '.join(ROLES)}")
        if not 1 <= self.minimum_count <= 1000:
            raise ConfigError(f"minimum_count: {self.minimum_count} is outside 1…1000")
        if not 2 <= self.minimum_peers <= 1000:
            raise ConfigError(f"minimum_peers: {self.minimum_peers} is outside 2…1000")
        if not 1 <= self.minimum_patients <= 10**6:
            raise ConfigError(f"minimum_patients: {self.minimum_patients} is outside 1…1000000")
        if not 2 <= self.least_tables <= 10**9:
            raise ConfigError(f"least_tables: {self.least_tables} is outside 2…1000000000")
        if not 1 <= self.models_a_year <= 10**4:
            raise ConfigError(f"models_a_year: {self.models_a_year} is outside 1…10000")
        if not 1 <= self.minimum_train_patients <= 10**6:
            raise ConfigError(
                f"minimum_train_patients: {self.minimum_train_patients} is outside 1…1000000"
            )
        if not 1 <= self.minimum_steps <= 10**6:
            raise ConfigError(f"minimum_steps: {self.minimum_steps} is outside 1…1000000")
        if unknown := set(self.optimisers) - set(OPTIMISERS):
            raise ConfigError(f"optimisers: {min(unknown)!r} is not one of {', '.join(OPTIMISERS)}")
        if not 0 <= self.least_certainty <= 1:
            raise ConfigError(f"least_certainty: {self.least_certainty} is outside 0…1")
        if not all(NAME.fullmatch(v) for v in self.share_subgroups):
            raise ConfigError("share_subgroups: a name is not lower-case letters, digits and '_'")
        for key, known in _CHOICES.items():
            value = getattr(self, key)
            if value not in known:
                raise ConfigError(f"{key}: {value!r} is not one of {', '.join(known)}")
        self._check_privacy()

    def _check_privacy(self) -> None:
        """Refuse what would leave without noise beside answers with noise."""
        if self.privacy is None:
            return
        for key, allowed in (
            ("role", "validate"),
            ("release", "masked"),
            ("share_cohort_summary", False),
            ("share_subgroups", ()),
        ):
            if getattr(self, key) != allowed:
                wanted = "[]" if allowed == () else str(allowed).lower()
                raise ConfigError(
                    f"{key}: beside [privacy] it must be {wanted}, because what else would leave "
                    "carries no noise",
                    "change it in site.toml, or take the table [privacy] out",
                )
        if self.site_auc == "exact":
            raise ConfigError(
                "site_auc: beside [privacy] it cannot be exact, because no AUC of this site leaves",
                "change it in site.toml, or take the table [privacy] out",
            )


def home_folder(option: Path | None, side: str) -> Path:
    """Return where a side keeps its files: --home, $HEPAFED_HOME or the platform's own folder."""
    if option is not None:
        return option.expanduser().absolute()
    if named := os.environ.get("HEPAFED_HOME"):
        return Path(named).expanduser().absolute()
    return Path(platformdirs.user_data_dir("hepafed")) / side


def plain_name(name: str) -> str:
    """Return the name of a site or person; UsageError for one that is not usable.

    A name has 1 to 40 lower-case letters, digits and '-'.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise UsageError(
            f"{name[:60]!r} is not a usable name",
            "use 1 to 40 lower-case letters, digits or '-', e.g. hospital-a",
        )
    return name


def host_and_port(address: str) -> tuple[str, int]:
    """Return the host and the port of HOST:PORT; UsageError for anything else."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise UsageError(f"{address[:80]!r} is not HOST:PORT", "e.g. fl.example.org:8443")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise UsageError(
            f"{address[:80]!r} is not HOST:PORT",
            f"an IPv6 address stands in brackets: [{host}]:{port}",
        )
    return host.strip("[]"), int(port)


def read_toml(cls: type[T], path: Path, hint: str) -> T:
    """Return what one of the files above says; ConfigError names the file and key.

    `hint`: what to do where the file is not there.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise ConfigError(f"cannot read {path}: {e.strerror}", hint) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path} is not TOML: {e}", "correct the file") from e
    try:
        return read_record(cls, values, ConfigError, path.name)
    except ConfigError as e:
        if path.name in e.message:
            raise
        raise ConfigError(f"{path.name}: {e.message}", e.hint) from e


def write_toml(record: object, path: Path, *, private: bool = False) -> None:
    """Write one of the files above, whole or not at all."""
    lines, tables = [], []
    for key, value in write_record(record).items():
        if isinstance(value, dict):
            tables += ["", f"[{key}]", *(_line(k, v) for k, v in value.items())]
        else:
            lines.append(_line(key, value))
    write_whole(path, "\n".join([*lines, *tables]) + "\n", private=private)


def _line(key: str, value: object) -> str:
    if isinstance(value, str) and "\n" in value:
        return f'{key} = """\n{value}"""'
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{key} = "{escaped}"'
    return f"{key} = {str(value).lower()}"
