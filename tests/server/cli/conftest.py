"""The reports of the report's own tests, for the commands that write and check them."""

from tests.server.report.conftest import federated, plain

__all__ = ["federated", "plain"]
