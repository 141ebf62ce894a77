"""The mean of the last rounds' weights.

After Izmailov et al., "Averaging weights leads to wider optima and better generalization" (UAI
2018). There BatchNorm's statistics are counted anew over the data; here they are averaged too,
because no data are at the coordinator.
"""

import numpy as np
from hepafed.common.contract import RoundsPlan
from hepafed.common.network import Flat
from hepafed.server.training.strategies.past import Past

AVERAGE = "average"
"""Name of the vector that sums the weights of the rounds which count."""


def averaged(
    rounds: RoundsPlan, number: int, weights: Flat, past: Past, vectors: dict[str, Flat]
) -> Flat:
    """Return the weights that stand after a round: in the last one the mean, before its own.

    The sum that the next round goes on from is put into `vectors`.

    Raises
    ------
    ValueError
        What the rounds before left is not what this round goes on from.
    """
    first = rounds.count - rounds.average + 1
    if rounds.average == 1 or number < first:
        return weights
    before = past.vector(AVERAGE)
    if (before is None) != (number == first):
        raise ValueError(f"the sum of the weights is not that before round {number}")
    total = weights.copy() if before is None else before
    if before is not None:
        total += weights
    if number < rounds.count:
        vectors[AVERAGE] = total
        return weights
    total *= np.float32(1.0 / rounds.average)
    return total
