"""A federated validation: a frozen model to the held-out sites, their figures back, pooled."""

import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata

from hepafed.common.contract import plan_from
from hepafed.common.contract.messages import ValidateRequest
from hepafed.common.errors import RunError
from hepafed.common.files import write_whole
from hepafed.common.records import write_record
from hepafed.server.formats import ModelCard, ModelPart, Provenance
from hepafed.server.pooling import noisy_report, pool
from hepafed.server.runs import LiveRun, Run, Stores
from hepafed.server.validation.comparison import compare
from hepafed.server.validation.looks import answered_validations, looks, standing
from hepafed.server.validation.placements import place
from hepafed.server.validation.preregistration import questions
from hepafed.server.validation.summaries import gather
from hepafed.server.validation.told_forms import tell_forms
from hepafed.server.validation.verdicts import judged


def validate(live: LiveRun) -> str:
    """Ask the sites, pool what they release, write report.json; return the model's id.

    Returns "" when the run was stopped; RunError when no site answered.
    """
    run, registry = live.run, live.stores.registry
    card = registry.card(run.model)
    sites, absent = _present(live)
    cards = [card, *(registry.card(m) for m in run.against)]
    with _published(live.stores, cards) as digest:
        request = ValidateRequest(
            run=run.id,
            model=run.model,
            plan=plan_from(card.plan),
            weights=digest,
            threshold=card.operating_point.threshold,
            split=run.split,
            subgroups=run.subgroups,
        )
        live.event("asked", sites=sites)
        got = gather(live, request, sites)
        told = tell_forms(live, got.forms()) if live.may_go_on() else []
        products, notes = place(live, request, got)
        compared, more = compare(live, got.summaries, cards)
    missing = {**dict.fromkeys(absent, "offline"), **got.missing}
    live.note_missing(missing)
    if not live.may_go_on():
        return ""
    if not got.summaries and got.noisy is None:
        reasons = "; ".join(f"{s}: {r}" for s, r in sorted(missing.items()))
        raise RunError(f"no site answered ({reasons})"[:600], "see server sites")
    promised = live.stores.runs.evaluation(run)
    model, provenance, notes = (
        _model(card),
        _provenance(run, cards, missing),
        [*told, *notes, *more, *got.remarks()],
    )
    if got.noisy is not None:
        report = noisy_report(got.noisy, got.minimum_counts, model, provenance, notes)
    else:
        report = pool(
            dict(sorted(got.summaries.items())),
            model,
            provenance,
            groups=got.groups,
            products=products,
            compared=compared,
            notes=notes,
            questions=questions(promised, card, cards[1:]),
        )
    look = looks(run, (s.site for s in report.sites), answered_validations(live.stores.runs))
    verdicts = judged(promised, run, report, missing) if promised else None
    report = replace(
        report,
        forms=got.forms() or report.forms,
        look=look,
        evaluation=standing(verdicts, look) if verdicts else None,
    )
    text = json.dumps(write_record(report), indent=1, allow_nan=False)
    write_whole(live.folder / "report.sig", registry.sign(text))
    write_whole(live.folder / "report.json", text)
    return run.model


@contextmanager
def _published(stores: Stores, cards: list[ModelCard]) -> Iterator[str]:
    """Let the sites fetch the models' weights meanwhile; give the digest of the first."""
    digests = [stores.blobs.publish([stores.registry.wire(c.id)]) for c in cards]
    try:
        yield digests[0]
    finally:
        for digest in digests:
            stores.blobs.drop(digest)


def _present(live: LiveRun) -> tuple[list[str], list[str]]:
    """Wait for the sites that were named (or for any); return those online and those not."""
    run, said = live.run, False
    limit = time.monotonic() + run.wait
    while True:
        online = live.sites.online()
        absent = [s for s in run.sites if s not in online]
        ready = not absent if run.sites else bool(online)
        if ready or time.monotonic() > limit or not live.may_go_on():
            break
        if not said:
            live.event("absent", sites=absent, seconds=run.wait)
            said = True
        time.sleep(0.5)
    asked = [s for s in online if not run.sites or s in run.sites]
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
