"""The one public port."""

from hepafed.server.gateway.app import make_gateway
from hepafed.server.gateway.door import sparse
from hepafed.server.gateway.limits import MOST_CONNECTIONS, Impatient

__all__ = [
    "MOST_CONNECTIONS",
    "Impatient",
    "make_gateway",
    "sparse",
]
