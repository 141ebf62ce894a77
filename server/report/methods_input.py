"""The sentences of the methods on the network's input, each with its condition."""

from hepafed.server.formats import Report
from hepafed.server.report.facts import (
    PICTURES,
    fills_missing,
    is_federated,
    listed,
    only_pictures,
    silent_sites,
    sites_from,
    sources,
    unit_words,
)


def table_input(report: Report) -> str:
    """Speak of a table of scores."""
    if is_federated(report):
        return ""
    what = "class probabilities" if report.classes is None else "probabilities of malignancy"
    return f"The report was made from a table of {what}; their origin is unknown."


def protocol(report: Report) -> str:
    """Speak of a model."""
    name = report.model.protocol
    return f"Input was the protocol {name}." if name and is_federated(report) else ""


def volumes_from_dicom(report: Report) -> str:
    """Speak of sites that state DICOM as the source."""
    names = sites_from(report, "dicom")
    if not names:
        return ""
    return (
        f"From DICOM ({listed(names)}): sequences were found from DICOM attributes and volumes "
        "built in patient coordinates."
    )


def volumes_from_lld(report: Report) -> str:
    """Speak of sites that state an LLD-MMRI folder as the source."""
    names = sites_from(report, "lld-mmri")
    if not names:
        return ""
    return (
        f"From volumes of the LLD-MMRI layout ({listed(names)}): the sequence of each volume and "
        "the box of each lesion were those of the annotation file."
    )


def crops_of_volumes(report: Report) -> str:
    """Speak of sites with volumes."""
    if not (sites_from(report, "dicom") or sites_from(report, "lld-mmri")):
        return ""
    return (
        "Crops round each marked lesion were resampled to one grid a lesion and normalised by "
        "sequence."
    )


def pictures(report: Report) -> str:
    """Speak of sites that state exported key images."""
    names = sites_from(report, PICTURES)
    if not names:
        return ""
    return (
        f"From exported key images ({listed(names)}): each picture was one case; it was scaled to "
        "the input's size, clipped at its 0.5 and 99.5 % quantiles and normalised. Sequence and "
        "organ are as the site named them; the program did not check them."
    )


def origin_unknown(report: Report) -> str:
    """Speak of sites of a federation that do not state where their lesions come from."""
    names = silent_sites(report) if is_federated(report) else []
    return f"The pre-processing at {listed(names)} is not stated." if names else ""


def missing_sequences(report: Report) -> str:
    """Speak where volumes were scored: what became of lesions without every sequence."""
    if not is_federated(report) or not (sources(report) or frozenset()) - {PICTURES}:
        return ""
    if fills_missing(report):
        return "A sequence that a lesion lacked was filled with zeros, the mean of its volumes."
    return "A lesion that lacked a sequence of the protocol was not scored."


def how_scored(report: Report) -> str:
    """Speak of a run of a federation: the program made the scores."""
    if not is_federated(report):
        return ""
    one, many = unit_words(report)
    slices = (
        ""
        if only_pictures(report)
        else f"The probabilities of a {one} are the mean of the log-probabilities over its slices, "
        "normalised again. "
    )
    return (
        f"{slices}A patient's score is the largest 1 − p(benign) over the patient's {many}. One "
        "network, no ensemble."
    )
