"""A federated validation: a frozen model to the held-out sites, their figures back, pooled."""

import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata

from hepafed.common.contract import ValidateRequest, plan_from
from hepafed.common.errors import RunError
from hepafed.common.files import write_whole
from hepafed.common.records import write_record
from hepafed.server.formats import ModelCard, ModelPart, Provenance
from hepafed.server.pooling import pool
from hepafed.server.runs import Desk, Exchange, Run
from hepafed.server.validation.comparison import compare
from hepafed.server.validation.placements import place
from hepafed.server.validation.preregistration import questions, recorded
from hepafed.server.validation.summaries import gather


def validate(run: Run, desk: Desk, exchange: Exchange) -> str:
    """Ask the sites, pool what they release, write report.json; returns the model's id."""
    card = desk.registry.card(run.model)
    sites, absent = _present(run, desk, exchange)
    cards = [card, *(desk.registry.card(m) for m in run.against)]
    with _published(desk, cards) as digest:
        request = ValidateRequest(
            run=run.id,
            model=run.model,
            plan=plan_from(card.plan),
            weights=digest,
            threshold=card.operating_point.threshold,
            split=run.split,
            subgroups=run.subgroups,
        )
        desk.runs.event(run.id, "asked", sites=sites)
        got = gather(desk, exchange, request, sites, run.plan.rounds.deadline)
        products, notes = place(desk, exchange, request, got)
        compared, more = compare(desk, exchange, run, got.summaries, cards)
    missing = {**dict.fromkeys(absent, "offline"), **got.missing}
    for site, reason in sorted(missing.items()):
        desk.runs.event(run.id, "missing", site=site, reason=reason)
    if not desk.runs.may_go_on(run.id):
        return ""
    if not got.summaries:
        reasons = "; ".join(f"{s}: {r}" for s, r in sorted(missing.items()))
        raise RunError(f"no site answered ({reasons})"[:600], "see server sites")
    report = pool(
        dict(sorted(got.summaries.items())),
        _model(card),
        _provenance(run, cards, missing),
        groups=got.groups,
        products=products,
        compared=compared,
        notes=[*notes, *more],
        questions=questions(desk.runs.evaluation(run), card, cards[1:]),
    )
    report = recorded(run, desk.runs, replace(report, forms=got.forms()), missing)
    path = desk.runs.folder(run.id) / "report.json"
    write_whole(path, json.dumps(write_record(report), allow_nan=False))
    return run.model


@contextmanager
def _published(desk: Desk, cards: list[ModelCard]) -> Iterator[str]:
    """Let the sites fetch the models' weights; gives the digest of the first."""
    digests = [desk.blobs.publish([desk.registry.wire(c.id)]) for c in cards]
    try:
        yield digests[0]
    finally:
        for digest in digests:
            desk.blobs.drop(digest)


def _present(run: Run, desk: Desk, exchange: Exchange) -> tuple[list[str], list[str]]:
    """Wait for the sites that were named (or for any); returns those online and those not."""
    limit = time.monotonic() + run.wait
    wanted, said = list(run.sites), False
    while True:
        online = exchange.online()
        absent = [s for s in wanted if s not in online]
        if (wanted and not absent) or (not wanted and online) or time.monotonic() > limit:
            break
        if not desk.runs.may_go_on(run.id):
            break
        if not said:
            desk.runs.event(run.id, "absent", sites=absent, seconds=run.wait)
            said = True
        time.sleep(0.5)
    asked = [s for s in online if not wanted or s in wanted]
    if not asked:
        raise RunError("no site that can validate is online", "see server sites")
    return asked, absent


def _model(card: ModelCard) -> ModelPart:
    return ModelPart(
        id=card.id,
        protocol=card.protocol,
        sha256=card.sha256,
        operating_point=card.operating_point,
        card=card,
    )


def _provenance(run: Run, cards: list[ModelCard], missing: dict[str, str]) -> Provenance:
    card, *others = cards
    packages = ("hepafed", "flwr", "numpy", "scipy")
    return Provenance(
        run=run.id,
        split=run.split,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        plan=card.plan,
        training_run=card.run,
        training_examples=card.training_examples,
        compared_models=tuple(_model(c) for c in others),
        missing_sites=dict(sorted(missing.items())),
        software={
            "python": platform.python_version(),
            **{p: metadata.version(p) for p in packages},
        },
    )
