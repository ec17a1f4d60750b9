"""Named streams of randomness from one seed: a change in one room does not reshuffle another.

The names are hashed into the seed, so a stream depends on what it is for and not on when it is asked for.
"""

import hashlib
import secrets

import numpy as np

from melancholia.errors import InputError, in_range

SEED_LIMIT = 2**32 - 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A fresh generator for (seed, names); equal arguments give equal numbers.

    Parameters
    ----------
    seed : int
        0 to 2**32 - 1.
    names : str or int
        What the numbers are for, from general to particular: ``generator(7, "felt_piano", 12, "knock")``.
    """
    digest = hashlib.blake2b(repr(names).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64([seed, *np.frombuffer(digest, np.uint32).tolist()]))


def check_seed(seed: int) -> int:
    """`seed` itself, refused outside 0 to 2**32 - 1."""
    if int(in_range("seed", seed, 0, SEED_LIMIT)) != seed:
        raise InputError(f"seed is {seed:g}; allowed: a whole number.")
    return int(seed)


def draw_seed() -> int:
    """A seed for someone who gave none; small enough to be read aloud."""
    return secrets.randbelow(10**6)
