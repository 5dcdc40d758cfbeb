"""The labour market's kernels: jobs in the order of their rings, pairs, places elsewhere."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sim.processes.market import (
    HASH,
    NOWHERE,
    Jobs,
    Pairs,
    Search,
    elsewhere,
    line_up,
    pair_up,
    ring_spaces,
    sort_rings,
)

STARTS = np.array([0, 0, 1, 41, 45, 45])


def jobs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = int(STARTS[-1])
    place = rng.integers(0, int(HASH), n, dtype=np.uint64, endpoint=True)
    return place, rng.integers(0, 1 << 63, n, dtype=np.uint64), np.arange(n, dtype=np.int32)


@pytest.mark.parametrize("spans", [[(0, 45)], [(0, 1), (1, 30), (30, 45)]])
def test_jobs_of_a_ring_stand_in_order_of_place(spans):
    """Chunks are cut by jobs; a ring belongs to the chunk in which it starts."""
    place, words, firm = jobs(np.random.default_rng(5))
    place[10:14] = place[10]  # equal places must not be lost
    before = sorted(zip(place.tolist(), words.tolist(), firm.tolist(), strict=True))
    expected = np.concatenate([np.sort(place[a:z]) for a, z in itertools.pairwise(STARTS)])
    for c, (first, stop) in enumerate(spans):
        sort_rings(c, first, stop, STARTS, place, firm, words)
    assert np.array_equal(place, expected)
    assert sorted(zip(place.tolist(), words.tolist(), firm.tolist(), strict=True)) == before


def slow_pairs(
    place: np.ndarray, taken: np.ndarray, starts: np.ndarray, spots: np.ndarray
) -> dict[int, int]:
    """Each seeker in turn takes the next free job ahead; who finds none, the first that is left."""
    found: dict[int, int] = {}
    for ring in range(STARTS.size - 1):
        free = [j for j in range(STARTS[ring], STARTS[ring + 1]) if taken[j] < 0]
        late = []
        for k in range(starts[ring], starts[ring + 1]):
            ahead = [j for j in free if place[j] >= spots[k] and j not in found]
            if ahead:
                found[ahead[0]] = k
            else:
                late.append(k)
        for k, j in zip(late, [j for j in free if j not in found], strict=False):
            found[j] = k
    return found


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 7, 60])
def test_a_seeker_takes_the_next_free_job_of_the_ring(n, chunks):
    rng = np.random.default_rng(n)
    place, _, _ = jobs(rng)
    for a, z in itertools.pairwise(STARTS):
        place[a:z].sort()
    taken = np.where(rng.random(place.size) < 0.3, 99, -1).astype(np.int32)
    count = np.bincount(rng.integers(0, STARTS.size - 1, n), minlength=STARTS.size - 1)
    starts = np.append(0, np.cumsum(count))
    spots = rng.integers(0, int(HASH), n, dtype=np.uint64)
    for a, z in itertools.pairwise(starts):
        spots[a:z].sort()
    expected, before = slow_pairs(place, taken, starts, spots), taken.copy()
    nothing = (np.zeros(place.size, kind) for kind in (np.int32, np.uint8, np.uint64))
    offered = Jobs(STARTS, place, *nothing, taken)
    out, who = made = Pairs(np.empty(n, np.int32), np.empty(n, np.int32))
    cuts = [n * c // chunks for c in range(chunks + 1)]
    spans = [
        pair_up(c, first, stop, starts, spots, offered, made)
        for c, (first, stop) in enumerate(itertools.pairwise(cuts))
    ]
    found = np.concatenate([np.arange(a, z) for a, z in spans])
    assert dict(zip(out[found].tolist(), who[found].tolist(), strict=True)) == expected
    assert (np.diff(out[found]) > 0).all()
    assert (before[out[found]] == -1).all()
    assert np.array_equal(np.flatnonzero(taken != before), np.sort(out[found]))


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 9, 400])
def test_who_applies_stands_in_line_by_ring_and_place(n, chunks):
    """As sorting says; the others are left out, and nobody is parted from their place."""
    rng = np.random.default_rng(n)
    spot = rng.integers(0, int(HASH), n, dtype=np.uint64, endpoint=True)
    ring = rng.integers(0, 5, n).astype(np.int32)
    ring[rng.random(n) < 0.3] = NOWHERE
    if n > 9:
        spot[3], ring[3] = spot[4], ring[4]  # the same place: neither must be lost
    rows = rng.permutation(n).astype(np.int32)
    cuts = [n * c // chunks for c in range(chunks + 1)]
    count = np.array([
        np.bincount(ring[a:z][ring[a:z] >= 0], minlength=5) for a, z in itertools.pairwise(cuts)
    ])  # fmt: skip
    starts, at = ring_spaces(count)
    search = Search(rows, spot, ring, count, np.zeros((1, 1), np.int64))
    seekers, spots = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.uint64)
    for c, (a, z) in enumerate(itertools.pairwise(cuts)):
        line_up(c, a, z, search, at, seekers, spots)
    sort_rings(0, 0, seekers.size, starts, spots, seekers, None)
    apply = np.flatnonzero(ring != NOWHERE)
    line = apply[np.lexsort((apply, spot[apply], ring[apply]))]
    assert np.array_equal(seekers, rows[line])
    assert np.array_equal(spots, spot[line])
    assert np.array_equal(np.diff(starts), np.bincount(ring[apply], minlength=5))


def test_who_looks_elsewhere_looks_elsewhere():
    cut = np.array([1 << 30, 1 << 31, 3 << 30, 1 << 32], np.uint64)
    words = np.linspace(0, (1 << 32) - 1, 1000).astype(np.uint64)
    for here in range(4):
        places = np.array([elsewhere(cut, here, word) for word in words])
        assert here not in places
        counts = np.bincount(places, minlength=4)[np.arange(4) != here]
        assert counts == pytest.approx(1000 / 3, abs=2)
    alone = np.array([0, 1 << 32, 1 << 32], np.uint64)
    assert elsewhere(alone, 1, np.uint64(5)) == 1
