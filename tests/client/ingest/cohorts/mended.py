"""Exports that were misread once: the smallest of each kind, which the reader has to read right."""

from tests.client.ingest.cohorts.draws import Draw
from tests.client.ingest.cohorts.plan import Plan

MENDED = (
    (
        "a dynamic in one series states contrast throughout, and a Dixon before it is native too",
        Draw("known", Plan(dynamic="times", extras=frozenset({"dixon"})), ()),
    ),
    (
        "a contrast start after every phase makes all of them native",
        Draw("known", Plan(), ("contrast start eight hours late",)),
    ),
    (
        "a contrast start long before makes all phases hepatobiliary",
        Draw("known", Plan(), ("contrast start at registration",)),
    ),
    (
        "a late phase without the contrast agent is taken for the native one",
        Draw("known", Plan(chinese=True), ("agent forgotten in late series",)),
    ),
    (
        "the letters ADC in the description of the DWI make it an ADC map",
        Draw("known", Plan(diffusion="separate"), ("ADC in the name of the DWI",)),
    ),
    (
        "the same description in all phases is believed before their times",
        Draw("known", Plan(), ("words of the first phase in all",)),
    ),
    (
        "without the arterial phase the next one moves up",
        Draw(
            "known",
            Plan(chinese=True, extras=frozenset({"hepatobiliary"})),
            ("arterial phase not exported",),
        ),
    ),
    (
        "echo times that jitter make more than three echoes of a dual echo: it is a native T1",
        Draw(
            "known",
            Plan(vendor="ge", dynamic="times", extras=frozenset({"dual"})),
            ("echo time jitters",),
        ),
    ),
    (
        "without contrast agents, phases whose echo times jitter are all native: the last is taken",
        Draw(
            "known",
            Plan(vendor="ge", chinese=True),
            (
                "echo time jitters",
                "no contrast agent",
            ),
        ),
    ),
    (
        "NORM on some slices of a dynamic in one series: a part of a phase is taken for all of it",
        Draw("k7", Plan(dynamic="times"), ("NORM on some slices",)),
    ),
    (
        "without contrast agents, a Dixon before the dynamic makes the native phase arterial",
        Draw("known", Plan(vendor="uih", extras=frozenset({"dixon"})), ("no contrast agent",)),
    ),
    (
        "contrast agents in every series of separate phases: the native one is arterial",
        Draw("known", Plan(chinese=True), ("agent in every series",)),
    ),
    (
        "without times, a hepatobiliary series without a temporal position comes first",
        Draw(
            "known",
            Plan(chinese=True, extras=frozenset({"hepatobiliary"})),
            ("no acquisition times",),
        ),
    ),
    (
        "a dynamic in one series that begins with the arterial phase: that one is native",
        Draw("known", Plan(dynamic="times"), ("native phase not exported",)),
    ),
    (
        "a gradient-echo localizer, named by a word that is not known, is a native T1",
        Draw(
            "known",
            Plan(vendor="canon", dynamic="times", extras=frozenset({"localizer"})),
            ("Image Type cut short",),
        ),
    ),
    (
        "diffusion directions whose positions jitter are not combined: the last one is the DWI",
        Draw("known", Plan(diffusion="directions"), ("position jitters",)),
    ),
    (
        "diffusion directions whose b-values jitter are not combined: the last one is the DWI",
        Draw("known", Plan(diffusion="directions"), ("b jitters",)),
    ),
    (
        "diffusion directions whose echo times jitter are not combined: the last one is the DWI",
        Draw("k0", Plan(diffusion="directions"), ("echo time jitters",)),
    ),
    (
        "echo times that jitter make phases of a dynamic opposed-phase images: the rest moves up",
        Draw("k2", Plan(vendor="philips", dynamic="times"), ("echo time jitters",)),
    ),
    (
        "NORM on some slices of a diffusion series without b-values: a part is taken for all of it",
        Draw(
            "k1",
            Plan(b_values=(0.0, 1000.0)),
            (
                "NORM on some slices",
                "b-values in names only",
            ),
        ),
    ),
    (
        "a b = 0 series of Philips says spin echo and no more: with more slices it is the T2",
        Draw(
            "known",
            Plan(vendor="philips", diffusion="separate", b_values=(0.0, 1000.0), named=False),
            (),
        ),
    ),
    (
        "a diffusion series of Philips without b-values is the T2",
        Draw("known", Plan(vendor="philips", named=False), ("no b-values",)),
    ),
    (
        "an ADC map of Philips whose Image Type was cut short is the T2",
        Draw(
            "known",
            Plan(vendor="philips", extras=frozenset({"adc"}), named=False),
            ("Image Type cut short",),
        ),
    ),
    (
        "a trigger time that repeats what the acquisition time says is added to it",
        Draw("known", Plan(vendor="philips", dynamic="both"), ("contrast start as it was",)),
    ),
    (
        "phases without times and temporal positions are taken in the order of the files",
        Draw(
            "k4",
            Plan(chinese=True),
            (
                "files in another order",
                "no acquisition times",
                "no temporal positions",
            ),
        ),
    ),
    (
        "a hepatobiliary series of which nothing tells its phase is native where no other T1 is",
        Draw(
            "known",
            Plan(dynamic="times", extras=frozenset({"hepatobiliary"})),
            (
                "position jitters",
                "no temporal positions",
                "no contrast agent",
                "no descriptions",
            ),
        ),
    ),
    (
        "a diffusion series of Philips that lost b-values and names, with several images a slice",
        Draw(
            "21:62",
            Plan(vendor="philips", named=False),
            ("no descriptions", "no b-values"),
        ),
    ),
)
"""What was read wrongly, and the export."""
