"""Splits: seven, one and two tenths of each class, in the order of pseudonyms, kept for ever."""

from collections import Counter

import pytest
from hepafed.client.cohort.splits import assign


def test_the_first_ten_patients_go_where_the_share_lags_most() -> None:
    patients = {f"p{k}": 0 for k in (7, 3, 9, 0, 5, 1, 8, 2, 6, 4)}
    made = assign(patients, {})
    # by hand: share × (patients with this one) − patients there, the largest wins
    wanted = ["train", "test", "train", "train", "train", "tune", "train", "test", "train", "train"]
    assert [made[f"p{k}"] for k in range(10)] == wanted


def test_each_class_is_split_in_the_same_shares() -> None:
    patients = {f"{k:03}": (k * k) % 7 % 3 for k in range(200)}
    made = assign(patients, {})
    for label in range(3):
        names = [p for p, c in patients.items() if c == label]
        found = Counter(made[p] for p in names)
        for split, share in (("train", 0.7), ("tune", 0.1), ("test", 0.2)):
            assert found[split] == pytest.approx(share * len(names), abs=1.0), (label, split)


def test_a_split_given_before_stays_and_counts() -> None:
    known = {"a": "test", "b": "test", "c": "tune"}
    made = assign(dict.fromkeys("abcdefg", 1), known)
    assert set(made) == {"d", "e", "f", "g"}
    assert set(made.values()) == {"train"}


def test_splits_of_another_class_and_of_patients_gone_do_not_count() -> None:
    known = {"a": "train", "gone": "train"}
    assert assign({"a": 0, "b": 1}, known) == {"b": "train"}
