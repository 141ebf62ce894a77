"""Runs on disk, what sites upload for them, and the object that conducts one."""

from hepafed.server.runs.blobs import Blobs
from hepafed.server.runs.inbox import Expected, Inbox, Late
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.sealing import asked_study, sealing
from hepafed.server.runs.sites import PERSON_SECONDS, Sites
from hepafed.server.runs.store import ENDED, Run, Runs
from hepafed.server.runs.stores import Stores
from hepafed.server.runs.surveys import SURVEY_FILE, train_patients
from hepafed.server.runs.uploads import Upload
from hepafed.server.runs.waiting import allow_command

__all__ = [
    "ENDED",
    "PERSON_SECONDS",
    "SURVEY_FILE",
    "Blobs",
    "Expected",
    "Inbox",
    "Late",
    "LiveRun",
    "Run",
    "Runs",
    "Sites",
    "Stores",
    "Upload",
    "allow_command",
    "asked_study",
    "sealing",
    "train_patients",
]
