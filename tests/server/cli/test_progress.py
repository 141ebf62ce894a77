"""Following a run on the terminal."""

from typing import Any

import pytest
from hepafed.common.errors import RunError
from hepafed.common.records import write_record
from hepafed.server.cli.progress import describe, follow, started
from hepafed.server.rehearsal import Rehearsal


class Interrupted:
    """Stands for the coordinator; the person presses Ctrl-C while it is asked."""

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        raise KeyboardInterrupt


def test_ctrl_c_ends_the_display_and_says_that_the_run_goes_on() -> None:
    with pytest.raises(RunError, match="no longer watching; run t2-1a2b3c goes on") as e:
        follow(Interrupted(), "t2-1a2b3c")  # type: ignore[arg-type]
    assert e.value.hint == "server watch t2-1a2b3c shows it again; server stop t2-1a2b3c ends it"


class Ended:
    """Stands for the coordinator; the run has ended."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.run = run

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        return self.run


def test_a_watched_rehearsal_ends_with_what_it_measured_and_names_no_model(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = Rehearsal(
        rounds=2, seconds=5.0, sites={"a": 3.0}, payload=10**8, site_disk=10**5, server_disk=10**9
    )
    run = {
        "id": "t-1",
        "kind": "train",
        "status": "completed",
        "round": 2,
        "model": "",
        "plan": {"rounds": {"count": 2}},
        "events": [],
        "rehearsal": write_record(kept),
    }
    started(Ended(run), run, watching=True, as_json=False)  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert "No site trained, and no model was made." in out
    assert "A round takes 5.0 s without the training." in out
    assert out.splitlines()[-1].startswith("next: state training.epochs of 1 or more")
    assert "server validate" not in out


def test_another_rule_of_the_operating_point_is_said() -> None:
    event = {"event": "aimed", "rule": "youden", "before": "sensitivity >= 0.95"}
    assert describe(event) == "operating point: youden, in place of sensitivity >= 0.95"


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({}, "locked at 0.119."),
        ({"positives": 0, "negatives": 0}, "locked at 0.119."),
        (
            {"positives": 9, "negatives": 8},
            "locked at 0.119, chosen on 9 malignant and 8 benign tuning patients.",
        ),
    ],
    ids=["an event of 0.1.0", "placeholder", "chosen"],
)
def test_a_saved_model_says_on_whom_its_threshold_was_chosen(
    known: dict[str, int], words: str
) -> None:
    said = describe({"event": "frozen", "round": 2, "threshold": 0.1193, **known})
    assert said == f"Model saved: weights after round 2. Decision threshold {words}"


def test_a_site_with_noise_is_named_without_a_number_of_patients() -> None:
    assert describe({"event": "reply", "site": "a", "form": "noisy"}) == ("  a: counts with noise")
    event = {"event": "masking", "subject": "noisy-counts", "attempt": 1, "sites": ["a", "b"]}
    assert describe(event) == "masked sum of counts with noise, sites a, b"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            {"event": "unjudged", "round": 4},
            "  weights after round 4 are not judged: no tuning figures",
        ),
        (
            {"event": "unsummed", "round": 4, "sites": ["a", "b"], "reason": "b: went offline"},
            "  no masked sum of the tuning counts of a, b: b: went offline",
        ),
        (
            {"event": "heavy", "round": 4, "site": "a", "lesions": 62, "of": 100},
            "  a: has 62 of the 100 lesions of the masked sum, more than the plan's largest share "
            "of one site; in a sum they all count",
        ),
        (
            {"event": "masking", "subject": "tuning", "attempt": 1, "sites": ["a", "b"]},
            "masked sum of tuning counts, sites a, b",
        ),
        (
            {
                "event": "frozen",
                "round": 3,
                "threshold": 0.5,
                "placeholder": "0.5, a placeholder",
            },
            "Model saved: weights after round 3. WARNING: its decision threshold was not chosen on "
            "patients; it is 0.5, a placeholder.",
        ),
    ],
    ids=lambda e: str(e)[:30],
)
def test_what_became_of_the_tuning_counts_is_said(event: dict[str, object], words: str) -> None:
    assert describe(event) == words


def test_a_reply_says_how_many_steps_were_taken_where_they_are_counted() -> None:
    reply = {"event": "reply", "site": "a", "examples": 30, "loss": None, "seconds": 61.0}
    assert describe(reply) == "  a: 30 examples, 61.0 s"
    assert (
        describe({**reply, "steps": 3, "planned": 40}) == "  a: 30 examples, 3 of 40 steps, 61.0 s"
    )


def test_late_updates_and_missing_sites_are_said_in_the_words_of_the_history() -> None:
    assert describe({"event": "late", "text": "a: too late"}) == "  a: too late"
    assert describe({"event": "absence", "text": "a: missing."}) == "  WARNING: a: missing."


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ([], "every tensor fits"),
        (["the classifier starts anew", "float16"], "the classifier starts anew; float16"),
    ],
)
def test_weights_from_elsewhere_are_said_with_file_digest_and_what_was_done(
    notes: list[str], said: str
) -> None:
    event = {"event": "weights", "file": "net.safetensors", "sha256": "0123456789abcdef" * 4}
    line = describe({**event, "notes": notes})
    assert line == f"starts from net.safetensors (SHA-256 0123456789ab): {said}"


def test_a_wait_for_room_on_the_disk_is_said_when_it_is_over() -> None:
    text = "the disk of /srv is full: 0.0 MB free, 3.0 MB needed"
    assert describe({"event": "room", "text": text}) == f"went on after a wait: {text}"


def test_a_run_that_waits_for_room_says_so_while_it_waits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = {"id": "t-1", "kind": "train", "status": "running", "round": 0, "events": []}
    run |= {"plan": {"rounds": {"count": 2}}, "held": "the disk of /srv is full"}
    remote = Ended(run)

    def once(path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        found = dict(remote.run)
        remote.run["status"] = "stopped"
        return found

    remote.get = once  # type: ignore[method-assign]
    follow(remote, "t-1")  # type: ignore[arg-type]
    assert "waiting: the disk of /srv is full" in capsys.readouterr().err


def test_whose_update_krum_took_is_said() -> None:
    said = describe({"event": "chosen", "round": 3, "site": "hospital-b"})
    assert said == "  the weights are those of hospital-b, nearest to the others (krum)"
