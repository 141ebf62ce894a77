"""The running site: SuperNode and worker, supervised; requests in, replies out."""

from hepafed.client.worker.supervisor import WORKER_SETTINGS, run_site

__all__ = [
    "WORKER_SETTINGS",
    "run_site",
]
