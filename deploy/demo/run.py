"""`make demo` and `make demo-real`: a whole federation on loopback, ending in HTML reports.

Phantom DICOM (or your own folder) → ingest → five sites and a coordinator as separate processes
over TLS → training → validation at the two held-out sites → reports.
"""

import csv
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from hepafed.common.console import command, progress, say
from hepafed.common.errors import UsageError
from hepafed.deploy.demo.federation import Federation, federation
from rich.progress import TaskID

HERE = Path(__file__).parent
TRAIN_SITES = ("hospital-a", "hospital-b", "hospital-c")
EXTERNAL_SITES = ("external-1", "external-2")
SITES = {**dict.fromkeys(TRAIN_SITES, "train"), **dict.fromkeys(EXTERNAL_SITES, "validate")}
STUDY = "demo"
"""The study that the plans of the demo state; each site allows it as a person would."""
MARK = ".hepafed-demo"
"""File that says: this folder is a demo's, and the next one may empty it."""
LABEL_MAP = "glioma=benign,meningioma=primary-malignant,pituitary=metastatic"
"""Of the public key images: says nothing medical, see docs/benchmarks.md."""


def write_phantom(folder: Path, patients: int, seed: int) -> None:
    """Write DICOM and labels.csv of every site under `folder`."""
    from hepafed.deploy.demo.hospitals import STYLES
    from hepafed.deploy.demo.phantom import write_site

    with progress() as display:
        for number, site in enumerate(SITES):
            bar = display.add_task(f"DICOM of {site}", total=patients)

            def step(done: int, total: int, bar: TaskID = bar) -> None:
                display.update(bar, completed=done, total=total)

            write_site(folder / site, STYLES[site], patients, seed + number, step)


def _ingest(fed: Federation, site: str, data: Path, *, images: bool) -> None:
    if images:
        fed.command(
            site,
            "ingest",
            "--images",
            str(data),
            "--labels",
            str(data / "labels.csv"),
            "--sequence",
            "t2",
            "--label-map",
            LABEL_MAP,
            "--where",
            f"site={site}",
            "--group-column",
            "group",
        )
    else:
        folder = data / site
        fed.command(site, "ingest", "--dicom", str(folder), "--labels", str(folder / "labels.csv"))


def _set_policy(fed: Federation, site: str) -> None:
    """Let cells of two and sums of ten patients leave: a demo's cohorts are small, and nobody's."""
    path = fed.home(site) / "site.toml"
    text = path.read_text().replace("minimum_count = 5", "minimum_count = 2")
    text = text.replace("minimum_patients = 20", "minimum_patients = 10")
    path.write_text(text.replace("threads = 0", "threads = 1"))


def _check_data(data: Path) -> None:
    missing = [s for s in SITES if not (data / s / "labels.csv").exists()]
    if missing:
        raise UsageError(
            f"{data} has no SITE/labels.csv for {', '.join(missing)}",
            "one folder a site, each with its DICOM files and labels.csv",
        )


def prepare(build: Path, inputs: Iterable[Path]) -> None:
    """Empty `build`, which an earlier demo made, or make it.

    Raises
    ------
    UsageError
        An input lies in it, or it holds something that no demo wrote: nothing is removed.
    """
    inside = build.resolve()
    for path in inputs:
        if path.resolve().is_relative_to(inside):
            raise UsageError(
                f"{path} lies in {build}, which the demo empties first",
                "move it elsewhere, or name another --build",
            )
    if build.is_symlink() or (build.exists() and not build.is_dir()):
        raise UsageError(f"{build} is not a folder", "name another --build")
    if build.exists() and any(build.iterdir()) and not (build / MARK).exists():
        raise UsageError(
            f"{build} holds files that are not an earlier demo's",
            "name another --build, or remove it yourself",
        )
    if build.exists():
        shutil.rmtree(build)
    build.mkdir(parents=True)
    (build / MARK).touch()


def open_sites(fed: Federation, source: Path, *, images: bool) -> None:
    """Start the coordinator, enrol the five sites, ingest their data, have them all online."""
    with progress() as display:
        coordinator = display.add_task("starting the coordinator", total=1)
        fed.start_server()
        display.advance(coordinator)
        joined = display.add_task("sites joined", total=len(SITES))
        for site, role in SITES.items():
            fed.enrol(site, role)
            _set_policy(fed, site)
            fed.command(site, "allow", "--study", STUDY, "--purpose", "demo")
            display.advance(joined)
        taken = display.add_task("sites with a cohort", total=len(SITES))

        def take(site: str) -> None:
            _ingest(fed, site, source, images=images)
            display.advance(taken)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(take, SITES))
        online = display.add_task("sites online", total=len(SITES))
        for site in SITES:
            fed.start(site)
        fed.wait_online(tuple(SITES), lambda count: display.update(online, completed=count))


def conduct(fed: Federation, plans: list[Path], reports: Path) -> list[Path]:
    """Train and validate each plan, compared with those before; returns the reports' pages."""
    pages: list[Path] = []
    models: list[str] = []
    for plan in plans:
        say(f"\n== {plan.stem}: train at {', '.join(TRAIN_SITES)}")
        known = {m["id"] for m in fed.json("models")}
        fed.command("server", "train", str(plan), "--watch", shown=True)
        model = next(m["id"] for m in reversed(fed.json("models")) if m["id"] not in known)
        say(f"\n== {plan.stem}: validate {model} at {', '.join(EXTERNAL_SITES)}")
        folder = reports / f"report-{plan.stem}"
        fed.command(
            "server",
            "validate",
            model,
            "--sites",
            ",".join(EXTERNAL_SITES),
            "--watch",
            *(word for m in models for word in ("--against", m)),
            "-o",
            str(folder),
            shown=True,
        )
        models.append(model)
        pages.append(folder / "report.html")
    return pages


@click.command()
@click.option("--build", type=click.Path(path_type=Path), default=Path("build/demo"))
@click.option("--data", type=click.Path(path_type=Path), help="SITE/…dcm + SITE/labels.csv.")
@click.option("--images", type=click.Path(path_type=Path), help="Key images with labels.csv.")
@click.option("--plan", "plans", type=click.Path(path_type=Path), multiple=True)
@click.option("--patients", default=60, show_default=True, help="Phantom patients a site.")
@click.option("--seed", default=1, show_default=True)
@command
def main(
    build: Path,
    data: Path | None,
    images: Path | None,
    plans: tuple[Path, ...],
    patients: int,
    seed: int,
) -> None:
    """Run the whole federation; everything it writes is under --build."""
    started = time.monotonic()
    build = build.absolute()
    default = ("t2.toml", "t2-dwi.toml") if images is None else ("key-images.toml",)
    chosen = [p.absolute() for p in plans] or [HERE / name for name in default]
    if images is not None:
        _check_images(images)
    elif data is not None:
        _check_data(data)
    prepare(build, [p for p in (images, data, *chosen) if p is not None])
    if images is None and data is None:
        data = build / "dicom"
        write_phantom(data, patients, seed)
    source = images or data
    if source is None:
        raise UsageError("no data")
    if data is None or data != build / "dicom":
        chosen = [of_real_data(p, build) if p.parent == HERE else p for p in chosen]
    with federation(build) as fed:
        open_sites(fed, source, images=images is not None)
        pages = conduct(fed, chosen, build)
    say(f"\ndone in {(time.monotonic() - started) / 60:.1f} minutes")
    for page in pages:
        say(f"report: {page}")


def of_real_data(plan: Path, build: Path) -> Path:
    """Copy a plan of ours for data that somebody brought: they are not said to be made up."""
    lines = plan.read_text(encoding="utf-8").splitlines(keepends=True)
    copy = build / "plans" / plan.name
    copy.parent.mkdir(exist_ok=True)
    copy.write_text("".join(x for x in lines if not x.startswith("synthetic")), encoding="utf-8")
    return copy


def _check_images(images: Path) -> None:
    try:
        with (images / "labels.csv").open(newline="") as f:
            columns = next(csv.reader(f))
    except (OSError, StopIteration) as e:
        raise UsageError(f"{images} has no labels.csv", "name the folder of the images") from e
    if "site" not in columns or "group" not in columns:
        raise UsageError(f"{images}/labels.csv lacks the column site or group", "see its README")


if __name__ == "__main__":
    main()
