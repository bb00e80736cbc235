"""Tells whether a mean of paired differences is above a margin, by a test that may be looked at after every pair.

A test by betting. Each pair gives d = -1, 0 or 1: what the candidate did minus what live did on the same ad. Against
"the mean of d is at most m", a gambler stakes a share b of the capital on d > m, at a fair price: the capital becomes
the old one times 1 + b (d - m). If the hypothesis holds, no b in [0, 1 / (1 + m)] makes capital grow in expectation, so
by Ville's inequality the capital ever reaches 1 / alpha with probability alpha at most, whenever and however often it
is looked at. Nobody knows the best b, so the capital is spread over a few, and each part is played on its own: the
mean of their capitals is a capital too. It depends on the three counts of d alone, not on their order.

I. Waudby-Smith, A. Ramdas: Estimating means of bounded random variables by betting, JRSS B 86 (2024) 1-27;
S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon: Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals
of Statistics 49 (2021) 1055-1080; J. Ville: Étude critique de la notion de collectif (1939); H. Robbins: Statistical
methods related to the law of the iterated logarithm, Ann. Math. Stat. 41 (1970) 1397-1409, for the mixture.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# From bets that find a candidate gone wild in a few pairs to bets that find a point in a hundred among noise. The
# largest stays below 1, so that one pair that speaks for the candidate never ruins the gambler.
_STAKES = 0.9 * 2.0 ** -np.arange(7.0)


def weigh_evidence(worse: ArrayLike, same: ArrayLike, better: ArrayLike, margin: float) -> NDArray[np.float64]:
    """Return the natural logarithm of the capital after `worse` pairs with d = 1, `same` with 0, `better` with -1.

    The counts may be arrays of one shape, then so is the result. Evidence of log(1 / alpha) or more is significant at
    level alpha. Raises ValueError for a margin that is not in [0, 1).
    """
    if not 0 <= margin < 1:
        raise ValueError(f"a margin is a share in [0, 1), not {margin}")
    stakes = _STAKES / (1 + margin)
    gains = np.log1p(np.outer([1 - margin, -margin, -1 - margin], stakes))
    counts = np.stack(np.broadcast_arrays(worse, same, better), axis=-1).astype(np.float64)
    logs = counts @ gains
    highest = logs.max(axis=-1, keepdims=True)
    capital: NDArray[np.float64] = highest[..., 0] + np.log(np.exp(logs - highest).mean(axis=-1))
    return capital
