"""Waits are short after work and bounded when idle."""

from hepafed.common.retry import SHARE, backoff, next_wait
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
    assert backoff(failures, 60.0) == (2.0**failures if failures < 6 else 60.0)
