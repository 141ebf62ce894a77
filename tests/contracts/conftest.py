"""Says on which releases the contracts are tried: `make contracts` lays another Flower beside."""

from importlib import metadata


def pytest_report_header() -> str:
    return f"flwr {metadata.version('flwr')}, uvicorn {metadata.version('uvicorn')}"
