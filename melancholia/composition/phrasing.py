"""Which phrases a body has: their letters, and how many bars each."""

from collections.abc import Sequence

import numpy as np

from melancholia.composition.ways import COUNTED, Ways

# letters of the body by how many phrases it has: ternary, rondo, bar form, arch, through-composed return
BODIES: dict[int, tuple[str, ...]] = {
    1: ("A",),
    2: ("AA", "AB"),
    3: ("ABA", "AAB", "AAA"),
    4: ("AABA", "ABBA", "ABCA", "AABB"),
    5: ("AABBA", "ABACA", "AABCA", "ABABA"),
    6: ("AABBAA", "AABCAA", "ABACBA", "AABBCA"),
    7: ("AABBCAA", "ABACABA", "AABBACA"),
    8: ("AABBCCAA", "AABBAACA", "ABACABCA", "AABCBBAA"),
    9: ("AABBACCAA", "AABBCCBAA"),
}
ROAMING_BODIES = {3: ("ABA",)}
SHORTEST_BARS = 2  # of a phrase


def phrase_lengths(rng: np.random.Generator, body: int, *, slow: bool = False, ways: Ways = COUNTED) -> list[int]:
    """Phrases of mostly the usual length that fill the body exactly."""
    lengths: list[int] = []
    left = body
    sizes, share = ways.slow_sizes if slow else ways.sizes
    usual = sizes[0]
    while left > usual + 3:
        size = int(rng.choice(sizes, p=share))
        if left - size in (1, 2):
            size = usual if left - usual not in (1, 2) else usual + 1
        lengths.append(size)
        left -= size
    if left > usual + 1:
        lengths += [left // 2, left - left // 2]
    elif left:
        lengths.append(left)
    return lengths


def returning_alike(lengths: Sequence[int], letters: Sequence[str]) -> list[int]:
    """The same bars in all, such that what comes back is as long as it was. What cannot be shared out goes to phrases
    that come once, none of which gets longer than the longest; the rest to a visit inside the piece (of two, the
    first)."""
    found = list(lengths)
    once = [k for k, letter in enumerate(letters) if list(letters).count(letter) == 1]
    for letter in sorted(set(letters)):
        places = [k for k, other in enumerate(letters) if other == letter]
        size, spare = divmod(sum(lengths[k] for k in places), len(places))
        if len(places) == 1 or size < SHORTEST_BARS:
            continue
        for place in places:
            found[place] = size
        for _ in range(spare):
            room = [k for k in once if found[k] < max(lengths)]
            found[min(room, key=lambda k: found[k]) if room else places[1 if len(places) > 2 else 0]] += 1
    return found


def body_plan(rng: np.random.Generator, count: int, named: Sequence[str], ways: Ways = COUNTED) -> list[str]:
    """Letters for `count` phrases, those `named` among them where a plan has them."""
    if count not in BODIES:
        middle = [("B", "C", "A", "D", "B", "E")[(k // 3) % 6] for k in range(count - 5)]
        return ["A", "A", *middle, "A", "A", "A"]
    asked = {name for name in named if len(name) == 1}
    known = (ROAMING_BODIES if ways.roaming else {}).get(count, BODIES[count])
    plans = [plan for plan in known if asked <= set(plan)] or known
    return list(plans[int(rng.integers(len(plans)))])
