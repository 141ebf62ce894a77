"""Splits by patient: 70 % train, 10 % tune, 20 % internal test, kept for ever once given."""

from collections.abc import Mapping

SHARES = (("train", 0.7), ("tune", 0.1), ("test", 0.2))


def assign(patients: Mapping[str, int], known: Mapping[str, str]) -> dict[str, str]:
    """Return a split for each patient who has none, in the order of the pseudonyms (HMAC order).

    `patients` maps a pseudonym to the patient's class (the worst of the lesions), so that every
    class is split in the same shares; `known` holds the splits given before, which stay. Within
    a class each new patient goes where the share lags most.
    """
    made: dict[str, str] = {}
    for stratum in sorted(set(patients.values())):
        names = [p for p, c in patients.items() if c == stratum]
        counts = {s: sum(known.get(p) == s for p in names) for s, _ in SHARES}
        for patient in sorted(p for p in names if p not in known):
            total = sum(counts.values()) + 1
            split = max(SHARES, key=lambda s: (s[1] * total - counts[s[0]], s[1]))[0]
            counts[split] += 1
            made[patient] = split
    return made
