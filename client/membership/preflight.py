"""`client check`: what a site needs, one line each, before and while it takes part.

Nothing is written and no lock is kept. Only the site's token goes to the coordinator.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from hepafed.client.cohort import Cohort
from hepafed.client.membership.connection import (
    instance_here,
    judge_connection,
    last_exit,
    runs_here,
)
from hepafed.client.membership.home_state import look_over
from hepafed.client.membership.status import CLOCK_HINT, JOIN, Standing, ask, clock_fault
from hepafed.client.outbound import PROXY_CA, proxy_to
from hepafed.client.permissions import PermissionBook
from hepafed.client.release import Ledger
from hepafed.common.certificates import expiry
from hepafed.common.console import FAIL, NOTE, PASS, CheckLine
from hepafed.common.contract import SiteConfig, read_toml
from hepafed.common.errors import ConfigError, HepaFedError, RefusedError
from hepafed.common.releases import may_work_together

DAYS_LEFT = 14
"""Fewest days that the server's certificate should still be valid."""
AUTHORITY_DAYS = 365
"""The end of the coordinator's CA is mentioned from so many days before."""
DISK_GIB = 2.0
"""Least free disk: the weights of three models are 0.7 GB; then scores, logs and an update."""
MEMORY_GIB = 8.0
"""Least memory of a machine: a training step of 32 images of 299 px takes 6.6 GiB on a CPU."""


@dataclass(frozen=True)
class Gpu:
    """A GPU that PyTorch can use."""

    name: str
    memory: int
    """Bytes."""


def check(
    home: Path, disk_gib: float = DISK_GIB, memory_gib: float = MEMORY_GIB
) -> list[CheckLine]:
    """Return a line for everything that a site needs."""
    try:
        config = read_toml(SiteConfig, home / "site.toml", JOIN)
    except ConfigError as e:
        device, joined = "auto", [CheckLine("joined", FAIL, e.message, e.hint)]
    else:
        device, joined = (
            config.device,
            [CheckLine("joined", PASS, f"{config.site} ({config.role})")],
        )
        joined += [*_proxy(home, config), *_coordinator(home, config), *last_exit(home)]
        joined += _memories(home)
        joined += _damage(home, {line.found for line in joined})
    gpu = judge_gpu(device, gpus())
    return [*joined, _disk(home, disk_gib), _memory(memory_gib), gpu, _cohort(home)]


def _memories(home: Path) -> Iterable[CheckLine]:
    """Return whether files can be written, the ledger goes on, and what a person allowed."""
    if not all(os.access(p, os.W_OK) for p in (home, *home.glob("*.json*"))):
        hint = "the account that runs client start must own the folder and its files"
        yield CheckLine("home", FAIL, f"files in {home} cannot be written", hint)
    ledger = Ledger(home)
    try:
        entries = len(ledger.entries())
        ledger.newest("")  # each entry continues those before it
    except (HepaFedError, OSError) as e:
        why, hint = (e.message, e.hint) if isinstance(e, HepaFedError) else (str(e.strerror), "")
        yield CheckLine("ledger", FAIL, why, hint or "client ledger --verify")
        return
    yield CheckLine("ledger", PASS, f"{entries} entries")
    try:
        state = PermissionBook(home, ledger).state()
    except HepaFedError as e:
        yield CheckLine("permissions", FAIL, e.message, e.hint)
        return
    now = datetime.now(UTC)
    stand = sum(
        not p.withdrawn and now <= datetime.fromisoformat(p.until) for p in state.permissions
    )
    words = f"{stand} stand, {len(state.waiting)} requests wait for a person"
    if stand and not state.waiting:
        yield CheckLine("permissions", PASS, words)
    else:
        yield CheckLine("permissions", NOTE, words, "client pending; client allow")


def _damage(home: Path, said: set[str]) -> list[CheckLine]:
    """Return a line for each damaged file that no other line names."""
    found = look_over(home)
    if not found:
        return [CheckLine("files", PASS, "every file of the home is whole")]
    return [CheckLine("files", FAIL, d.found, d.hint) for d in found if d.found not in said]


def _proxy(home: Path, config: SiteConfig) -> Iterable[CheckLine]:
    """Return whether a proxy is on the way, and whether it can read along."""
    if proxy := proxy_to(config.address):
        yield CheckLine("proxy", NOTE, f"through {proxy} (HTTPS_PROXY)")
    if (home / "keys" / PROXY_CA).exists():
        yield CheckLine(
            "proxy-ca", NOTE, "a proxy's authority is trusted: it can read what this site sends"
        )


def _coordinator(home: Path, config: SiteConfig) -> Iterable[CheckLine]:
    """Return what the coordinator's answer tells; without an answer, why there is none."""
    try:
        standing = ask(home, config, instance=instance_here(home))
    except RefusedError as e:
        reached = CheckLine("server", PASS, f"{config.address} answers, with the coordinator's CA")
        return [reached, CheckLine("token", FAIL, e.message, e.hint)]
    except HepaFedError as e:
        return [CheckLine("server", FAIL, e.message, e.hint)]
    authority = expiry(home / "keys" / "ca.pem")
    made = judge(standing, config, authority, datetime.now(UTC), versions())
    return [*made, *judge_connection(standing, here=runs_here(home))]


def versions() -> dict[str, str]:
    """Return the releases of HepaFed and Flower that run here."""
    return {name: metadata.version(name) for name in ("hepafed", "flwr")}


def judge(
    standing: Standing,
    config: SiteConfig,
    authority: datetime,
    now: datetime,
    own: dict[str, str],
) -> list[CheckLine]:
    """Return the lines about server, token, clock, certificates and versions."""
    made = [CheckLine("server", PASS, f"{config.address} answers, with the coordinator's CA")]
    if (standing.site, standing.role) == (config.site, config.role):
        made.append(CheckLine("token", PASS, f"accepted as {standing.site} ({standing.role})"))
    else:
        made.append(
            CheckLine(
                "token",
                FAIL,
                f"the coordinator takes this site for {standing.site} ({standing.role})",
                "site.toml was changed: restore site and role, or leave and join again",
            )
        )
    if fault := clock_fault(standing.ahead):
        made.append(CheckLine("clock", FAIL, fault, CLOCK_HINT))
    else:
        ahead = round(standing.ahead, 1) + 0.0  # no -0.0
        made.append(CheckLine("clock", PASS, f"{ahead:+.1f} s against the coordinator's"))
    made += [*_certificates(standing.certificate, authority, now), _versions(standing, own)]
    return made


def _certificates(server: datetime, authority: datetime, now: datetime) -> Iterable[CheckLine]:
    left = (server - now).days
    text = f"the server's is valid until {server:%Y-%m-%d} ({left} days)"
    if left < DAYS_LEFT:
        hint = "ask the coordinator to run server renew and to restart server start"
        yield CheckLine("certificate", FAIL, text, hint)
    else:
        yield CheckLine("certificate", PASS, text)
    if (authority - now).days < AUTHORITY_DAYS:
        yield CheckLine(
            "authority",
            NOTE,
            f"the coordinator's CA ends on {authority:%Y-%m-%d}",
            "the federation needs a new CA before then, and every site must join again: ask when",
        )


def _versions(standing: Standing, own: dict[str, str]) -> CheckLine:
    there = {"hepafed": standing.hepafed, "flwr": standing.flwr}
    other = [f"{n} {own[n]} here, {there[n]} there" for n in own if own[n] != there[n]]
    together = may_work_together(there["hepafed"], own["hepafed"])
    if not together or own["flwr"] != there["flwr"]:
        hint = f"install release {there['hepafed']} of HepaFed here, as at the coordinator"
        return CheckLine("versions", FAIL, "; ".join(other), hint)
    if other:
        return CheckLine("versions", PASS, f"{'; '.join(other)}: these work together")
    words = f"HepaFed {own['hepafed']} and Flower {own['flwr']}, as at the coordinator"
    return CheckLine("versions", PASS, words)


def _disk(home: Path, least: float) -> CheckLine:
    there = next(p for p in (home, *home.parents) if p.exists())
    free = shutil.disk_usage(there).free / 2**30
    text = f"{free:.1f} GiB free"
    if free < least:
        return CheckLine("disk", FAIL, text, f"at least {least:.0f} GiB, and room for the cohort")
    return CheckLine("disk", PASS, text)


def _memory(least: float) -> CheckLine:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    text = f"{total:.0f} GiB"
    if total < least:
        hint = f"at least {least:.0f} GiB; until then ask for plans with a small batch"
        return CheckLine("memory", FAIL, text, hint)
    return CheckLine("memory", PASS, text)


def gpus() -> list[Gpu]:
    """Return the GPUs that PyTorch finds."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    found = [torch.cuda.get_device_properties(i) for i in range(count)]
    return [Gpu(p.name, p.total_memory) for p in found]


def judge_gpu(device: str, found: list[Gpu]) -> CheckLine:
    """Return the line about GPUs, for the `device` that site.toml asks for."""
    cores = os.cpu_count() or 1
    if found:
        text = ", ".join(f"{gpu.name} ({gpu.memory / 2**30:.0f} GiB)" for gpu in found)
        if device == "cpu":
            hint = 'site.toml says device = "cpu"; "auto" uses the GPU'
            return CheckLine("GPU", NOTE, f"{text} (not used)", hint)
        return CheckLine("GPU", PASS, text)
    if device == "cuda":
        hint = 'repair the GPU driver (nvidia-smi must list the GPU), or set device = "auto"'
        return CheckLine(
            "GPU", FAIL, 'PyTorch finds no GPU, but site.toml says device = "cuda"', hint
        )
    cost = "two cores score about 3 images of 299 px a second, and train several times slower"
    return CheckLine("GPU", NOTE, f"none: {cores} CPU cores do the work", cost)


def _cohort(home: Path) -> CheckLine:
    try:
        counts = Cohort.open(home).counts()
    except HepaFedError as e:
        return CheckLine("cohort", FAIL, e.message, e.hint)
    fitting = ", ".join(f"{p} {n}" for p, n in counts["protocol"].items())
    text = f"{counts['patients']} patients, {counts['lesions']} lesions; fit for {fitting}"
    if any(counts["protocol"].values()):
        return CheckLine("cohort", PASS, text)
    hint = (
        "client cohort --series shows the sequence of each series; a protocol needs all its "
        "sequences"
    )
    return CheckLine("cohort", FAIL, text, hint if counts["lesions"] else "run client ingest first")
