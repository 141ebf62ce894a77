"""Names below Flower's public API that we rely on are still there, in the pinned release."""

import importlib
import inspect
from importlib import metadata

import pytest
from hepafed.client.worker import supernode


def test_flower_is_the_pinned_release() -> None:
    assert metadata.version("flwr").startswith("1.41.")


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("flwr.supernode.runtime.run_clientapp", "pull_task_input push_message push_task_output"),
        ("flwr.supernode.cli", "flower_supernode"),
        ("flwr.superlink.cli", "flower_superlink"),
        ("flwr.superlink.grid.http_grid", "HttpGrid"),
        ("flwr.supercore.control", "ControlHttpClient"),
        ("flwr.supercore.runtime", "RuntimeHttpClient"),
        ("flwr.supercore.fab", "Fab"),
        ("flwr.supercore.task_identity", "TaskIdentity"),
        ("flwr.supercore.retry", "RetryInvoker exponential"),
        ("flwr.supercore.heartbeat", "HeartbeatSender"),
        ("flwr.cli.build", "build_fab_from_files"),
    ],
)
def test_a_module_has_the_names_we_call(module: str, names: str) -> None:
    found = importlib.import_module(module)
    assert [n for n in names.split() if not hasattr(found, n)] == []


def test_the_grid_still_takes_the_retries_that_we_give_it() -> None:
    from flwr.superlink.grid import http_grid

    source = inspect.getsource(http_grid)
    assert "self._retry_invoker = make_simple_http_retry_invoker()" in source
    assert "retry_invoker=self._retry_invoker" in source


def test_a_supernode_still_sends_its_key_in_the_header_that_we_look_at() -> None:
    from flwr.supercore.constant import FLEET_HTTP_PUBLIC_KEY_HEADER
    from hepafed.server.members.admission import HEADER

    assert FLEET_HTTP_PUBLIC_KEY_HEADER == HEADER


def test_the_supernode_loop_still_sleeps_by_the_module_we_replace() -> None:
    from flwr.supernode import start_client_internal as loop

    source = inspect.getsource(loop)
    assert source.count("time.sleep(3)") == 1
    assert source.count("time.sleep(0.5)") == 2


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
