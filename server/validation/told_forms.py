"""In which form each site's score counts came, and why: for whoever watches, and for the report."""

from collections.abc import Sequence

from hepafed.server.formats import FormRow
from hepafed.server.runs import LiveRun

POLICY = "the site's policy says so"


def tell_forms(live: LiveRun, forms: Sequence[FormRow]) -> list[str]:
    """Add a line to the run's history for each site; return the notes of the report.

    A site that masks and could not be summed is in the notes: a reader would not expect another
    form there.
    """
    for f in forms:
        live.event(
            "form",
            site=f.site,
            form=f.form,
            sites=list(f.sum_over or ()),
            minimum=f.minimum_count,
            reason=f.reason or ("" if f.form == "masked" else POLICY),
        )
    return [_note(f) for f in forms if f.reason]


def _note(form: FormRow) -> str:
    if form.form == "cells":
        how = (
            f"came in cells of at least {form.minimum_count}, not in a masked sum; figures from "
            "cells have an error bound"
        )
    elif form.form == "withheld":
        how = "were withheld: only the site's own figures are in the report"
    else:
        how = f"came in the form {form.form}"
    return f"The score counts of {form.site} {how}. Reason: {form.reason}."
