"""What we rely on below Flower's public API is still there, in each release that we allow.

`make contracts` runs this on the installed Flower and on the oldest one that pyproject.toml allows.
"""

import ast
import dataclasses
import importlib
import inspect
from importlib import metadata
from pathlib import Path

import pytest
from hepafed.client.worker import supernode
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PUBLIC = "flwr.app"
BELOW = {"server/flower", "client/worker/executor.py", "client/worker/supernode.py"}


def _names() -> dict[tuple[str, str], str]:
    """Return who imports what from Flower: a file or folder, by module and name."""
    found = {}
    for side in ("common", "server", "client", "deploy"):
        for path in sorted((ROOT / side).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            where = "server/flower" if where.startswith("server/flower/") else where
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {(a.name, ""): where for a in node.names if a.name[:4] == "flwr"}
                elif isinstance(node, ast.ImportFrom) and (node.module or "")[:4] == "flwr":
                    found |= {(str(node.module), a.name): where for a in node.names}
    return found


NAMES = _names()


def test_flower_is_a_release_that_pyproject_allows() -> None:
    (asked,) = [r for r in metadata.requires("hepafed") or [] if r.startswith("flwr")]
    assert metadata.version("flwr") in Requirement(asked).specifier


@pytest.mark.parametrize(
    ("module", "name"),
    [*NAMES, ("flwr.superlink.cli", "flower_superlink")],  # that one is named on a command line
)
def test_flower_has_the_name_that_we_import(module: str, name: str) -> None:
    found = importlib.import_module(module)
    assert hasattr(found, name) or importlib.import_module(f"{module}.{name}")


def test_only_one_room_a_side_reaches_below_the_public_api() -> None:
    assert {where for (module, _), where in NAMES.items() if module != PUBLIC} == BELOW


def test_the_grid_still_takes_the_retries_that_we_give_it() -> None:
    from flwr.superlink.grid import http_grid

    source = inspect.getsource(http_grid)
    assert "self._retry_invoker = make_simple_http_retry_invoker()" in source
    assert "retry_invoker=self._retry_invoker" in source


def test_the_grid_still_has_the_client_that_we_call() -> None:
    from flwr.superlink.grid.http_grid import HttpGrid

    assert "_runtime_client" in vars(HttpGrid)


def test_a_supernode_still_sends_its_key_in_the_header_that_we_look_at() -> None:
    from flwr.supercore.constant import FLEET_HTTP_PUBLIC_KEY_HEADER
    from hepafed.server.members.admission import HEADER

    assert FLEET_HTTP_PUBLIC_KEY_HEADER == HEADER


def test_the_supernode_loop_still_sleeps_by_the_module_we_replace() -> None:
    from flwr.supernode import start_client_internal as loop

    source = inspect.getsource(loop)
    assert source.count("time.sleep(3)") == 1
    assert source.count("time.sleep(0.5)") == 2


def test_the_supernode_loop_still_sends_only_where_something_was_pulled() -> None:
    from flwr.supernode import start_client_internal as loop
    from flwr.supernode.nodestate.in_memory_nodestate import InMemoryNodeState, MessageEntry

    source = inspect.getsource(loop.start_client_internal)
    (call,) = (part for part in source.split("run_id = _pull_and_store_message(")[1:])
    assert "state=state," in call.partition(")")[0]
    assert call.index("if run_id is None:") < call.index("_push_messages(")
    state = InMemoryNodeState(None)  # type: ignore[arg-type]
    with state.lock_msg_store:
        assert state.msg_store == {}
    assert [f.name for f in dataclasses.fields(MessageEntry)] == ["message", "is_retrieved"]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("flwr.superlink.grid.http_grid", "pull_objects"),
        ("flwr.supernode.start_client_internal", "pull_objects"),
        ("flwr.supernode.runtime.run_clientapp", "pull_and_inflate_object_from_tree"),
    ],
)
def test_the_wait_for_an_object_is_still_one_that_we_can_shorten(module: str, name: str) -> None:
    loaded = importlib.import_module(module)
    function = getattr(loaded, name)
    function = getattr(function, "func", function)  # shortened already, where we are loaded
    assert inspect.signature(function).parameters["initial_backoff"].default == 1
    source = inspect.getsource(loaded)
    assert source.count(f" {name}(") == 1  # one call, which leaves the wait at its default
    assert "initial_backoff" not in source


def test_the_shorter_sleep_grows_with_the_wait_and_starts_anew_after_work() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    shorter = supernode.ShorterSleep(sleep, lambda: now[0])
    for _ in range(300):
        shorter(3)
    assert slept[0] == supernode.IDLE_SECONDS[0]
    assert slept[-1] == supernode.IDLE_SECONDS[1]
    assert slept == sorted(slept)
    shorter(0.5)
    shorter(3)
    assert slept[-2:] == [supernode.REPLY_SECONDS[0], supernode.IDLE_SECONDS[0]]


def test_flower_lets_clocks_be_as_far_off_as_we_say() -> None:
    from flwr.common import constant
    from flwr.superlink.routers.fleet import node_auth
    from hepafed.client.membership import status as standing

    assert constant.SYSTEM_TIME_TOLERANCE == standing.AHEAD_SECONDS
    both = constant.SYSTEM_TIME_TOLERANCE + constant.TIMESTAMP_TOLERANCE
    assert both == standing.BEHIND_SECONDS
    assert "age = (now() - signed_at)" in inspect.getsource(node_auth)


def test_the_bundle_is_one_pyproject_and_flowers_own_manifest() -> None:
    import io
    import zipfile

    from hepafed.server.flower.bundle import bundle

    names = zipfile.ZipFile(io.BytesIO(bundle())).namelist()
    assert sorted(names) == [".info/CONTENT", "pyproject.toml"]


def test_flowers_errors_have_the_numbers_that_we_put_into_words() -> None:
    from flwr.common.constant import ErrorCode
    from hepafed.server.runs.losses import LOSSES

    theirs = {v: k for k, v in vars(ErrorCode).items() if k.isupper()}
    assert {number: loss.name for number, loss in LOSSES.items()} == theirs


def test_flower_s_exits_have_the_numbers_that_we_put_into_words_and_are_logged_so() -> None:
    from flwr.supercore.exit import ExitCode
    from flwr.supercore.exit import exit as flower_exit
    from hepafed.client.membership.exits import EXITS

    assert {code: vars(ExitCode)[e.name] for code, e in EXITS.items()} == {c: c for c in EXITS}
    source = inspect.getsource(flower_exit.flwr_exit)
    assert "Exit Code: {code}" in source
    assert "sys_exit_code = 1 if is_error else 0" in source
