"""The command is there at once: nothing heavy is imported before a verb needs it."""

import subprocess
import sys

HEAVY = {"cryptography", "flwr", "httpx", "jinja2", "numpy", "scipy", "starlette", "torch"}


def test_the_command_imports_nothing_heavy_to_show_its_help() -> None:
    code = "import hepafed.server.cli.main, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()
