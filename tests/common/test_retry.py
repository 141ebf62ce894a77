"""Waits are short after work and bounded when idle."""

from hepafed.common.retry import LONG_LIFE_SECONDS, SHARE, Backoff, next_wait
from hypothesis import given
from hypothesis import strategies as st


@given(st.floats(0, 1e6))
def test_a_wait_is_a_fixed_share_of_the_time_waited_within_its_bounds(waited: float) -> None:
    found = next_wait(waited, 0.05, 3.0)
    assert 0.05 <= found <= 3.0
    if 0.05 < found < 3.0:
        assert found == waited / SHARE


@given(st.integers(0, 10**6))
def test_tries_grow_rarer_up_to_a_bound_however_many_failed(failures: int) -> None:
    waits = Backoff(60.0, failures)
    assert waits.after_failure() == (2.0**failures if failures < 6 else 60.0)


def test_a_success_makes_the_next_wait_the_shortest_again() -> None:
    waits = Backoff(10.0)
    assert [waits.after_failure() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    waits.after_success()
    assert waits.after_failure() == 1.0


def test_a_process_that_lived_long_is_started_again_soon() -> None:
    waits = Backoff(60.0)
    lives = (0.0, LONG_LIFE_SECONDS - 1, LONG_LIFE_SECONDS, 0.0)
    assert [waits.after_life(seconds) for seconds in lives] == [1.0, 2.0, 1.0, 2.0]
