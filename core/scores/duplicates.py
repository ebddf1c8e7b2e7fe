"""Groups of duplicates: of equal things, of close perceptual hashes, of close vectors.

All groups have a leader, the first of its members in the given order, and every member is within the distance of its leader:
groups do not chain, so that the two ends of a slow video are not duplicates of each other.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Hashable, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, silent
from .picture import WORKING_SIDE, Picture

_BITS = 64
# Pairs that are compared at a time.
_BLOCK = 1 << 20
# Rows of a bucket that is compared together with others.
_SMALL = 24
# Standard deviation in grey levels below which a thumbnail shows nothing that a hash could tell from noise.
_FLAT = 1.0
# A coefficient so close to the median may lie on either side of it by rounding, whose standard deviation is 0.29 ...
_ROUNDED = 1.0
# ... and with fewer coefficients beyond that, as of stripes and gradients, other images have nearly the same bits.
_TELLING = 24
# Bits that reduced decoding may change of a hash.
_SAME_PIXELS = 6


def perceptual_hashes(pictures: Sequence[Picture]) -> list[np.uint64 | None]:
    """64 bits an image that stay nearly the same when it is resized, recompressed or made brighter.

    The signs, about their median, of the 8 x 8 lowest frequencies (DCT) of the luma at 32 x 32.

    Args:
        pictures: the images; several at a time cost less each

    Returns:
        the hashes; None for an image with too little structure, whose bits would be noise or those of many others

    Source: Zauner, Implementation and benchmarking of perceptual image hash functions (2010).
    """
    low = np.empty((len(pictures), _BITS), np.float32)
    tells = np.zeros(len(pictures), bool)
    for row, picture in enumerate(pictures):
        small = _thumbnail(picture.luma)
        if cv2.meanStdDev(small)[1][0, 0] >= _FLAT:
            tells[row] = True
            low[row] = cv2.dct(small.astype(np.float32))[:8, :8].ravel()
    low[~tells] = 0
    # The median of 64 is between the two in the middle.
    middle = np.partition(low, (31, 32), axis=1)[:, 31:33]
    median = middle.mean(axis=1, keepdims=True)
    tells &= (np.abs(low - median) >= _ROUNDED).sum(axis=1) >= _TELLING
    hashes = np.packbits(low > median, axis=1).view(">u8")[:, 0].astype(np.uint64)
    return [one if known else None for one, known in zip(hashes, tells.tolist(), strict=True)]


def _thumbnail(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(32, 32) the working image made small."""
    if luma.shape[1] == WORKING_SIDE:
        # Half of it first, which is fast, leaves more than twice the pixels that are wanted.
        luma = cv2.resize(luma, (WORKING_SIDE // 2, -(-luma.shape[0] // 2)), interpolation=cv2.INTER_LINEAR)
    shrinks = min(luma.shape) >= 32
    return cv2.resize(luma, (32, 32), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def fingerprint(picture: Picture) -> int:
    """32 bits that are equal for images that were decoded at one scale to the same pixels, and seldom for others."""
    return zlib.crc32(picture.histogram.data)


def pixel_key(picture: Picture) -> bytes:
    """What equal pixels have in common, whatever the file's format; a grey image stored as RGB is as the grey one.

    Args:
        picture: the whole image
    """
    pixels = picture.pixels
    if pixels.ndim == 3:
        blue, green, red = cv2.split(pixels)
        if not cv2.norm(blue, green, cv2.NORM_INF) and not cv2.norm(green, red, cv2.NORM_INF):
            pixels = green
    digest = hashlib.sha256(f"{pixels.dtype} {pixels.shape}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()


def possibly_equal(
    fingerprints: NDArray[np.integer],
    sizes: NDArray[np.integer],
    reduced: NDArray[np.bool_],
    hashes: NDArray[np.uint64],
    hashed: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which images may have another's pixels; all others need not be decoded whole to know.

    Args:
        fingerprints: (n,) see ``fingerprint``
        sizes: (n, 2) width and height
        reduced: (n,) which were decoded at a reduced scale: their fingerprints differ from those of the same pixels in another
            format, but the hashes are close
        hashes: (n,) perceptual hashes
        hashed: (n,) which have a hash

    Returns:
        (n,) bool
    """
    _, alike = np.unique(np.column_stack([sizes, fingerprints]), axis=0, return_inverse=True)
    may = np.bincount(alike)[alike] > 1
    _, size = np.unique(sizes, axis=0, return_inverse=True)
    of_size, reduced_of_size = np.bincount(size), np.bincount(size, weights=reduced)
    for mixed in np.flatnonzero((reduced_of_size > 0) & (reduced_of_size < of_size)):
        rows = np.flatnonzero(size == mixed)
        may[rows] |= ~hashed[rows] | _have_near(hashes[rows], _SAME_PIXELS)
    return may


def groups_of_equals(keys: Sequence[Hashable | None]) -> NDArray[np.int64]:
    """Groups of equal keys.

    Args:
        keys: (n,) in order of preference; None is equal to nothing

    Returns:
        (n,) the row of each one's leader; its own where it is alone

    >>> groups_of_equals(["a", "b", None, "a", None])
    array([0, 1, 2, 0, 4])
    """
    first: dict[Hashable, int] = {}
    leaders = [row if key is None else first.setdefault(key, row) for row, key in enumerate(keys)]
    return np.array(leaders, dtype=np.int64)


def groups_of_hashes(
    hashes: NDArray[np.uint64], present: NDArray[np.bool_], distance: int, progress: Progress = silent
) -> NDArray[np.int64]:
    """Groups of hashes that differ from their leader's in few bits. Exact for any distance.

    Two hashes that differ in d bits agree in at least one of d + 1 bands of bits, so only rows that share a band are compared.

    Args:
        hashes: (n,) in order of preference
        present: (n,) which rows have a hash; others are alone
        distance: the most bits that may differ
        progress: told the bands searched

    Returns:
        (n,) the row of each one's leader; its own where it is alone

    Source: Norouzi et al., Fast search in Hamming space with multi-index hashing (2012); grouping as in Hartigan, Clustering
    algorithms (1975), leader algorithm.

    >>> groups_of_hashes(np.array([0b0000, 0b0001, 0b0111, 0b1111], np.uint64), np.ones(4, bool), 2)
    array([0, 0, 2, 2])
    """
    leaders, rows = np.arange(len(hashes)), np.flatnonzero(present)
    if not len(rows):
        return leaders
    distinct, first, inverse = np.unique(hashes[rows], return_index=True, return_inverse=True)
    # Back to the order of preference: by where each hash occurs first.
    order = np.argsort(first)
    found = _leaders(distinct[order], distance, progress)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    leaders[rows] = rows[first[order][found[place[inverse]]]]
    return leaders


def _leaders(hashes: NDArray[np.uint64], distance: int, progress: Progress) -> NDArray[np.int64]:
    """The leader of each of some distinct hashes, in order of preference."""
    bands = _bands(hashes, distance)
    near = _have_near(hashes, distance, bands, progress)
    leaders = np.arange(len(hashes))
    free = near.copy()
    for row in np.flatnonzero(near).tolist():
        if not free[row]:
            continue
        others = np.concatenate([band.like(row) for band in bands])
        others = others[free[others]]
        members = others[np.bitwise_count(hashes[others] ^ hashes[row]) <= distance]
        leaders[members], free[members] = row, False
    return leaders


def _have_near(
    hashes: NDArray[np.uint64], distance: int, bands: list[_Band] | None = None, progress: Progress = silent
) -> NDArray[np.bool_]:
    """(n,) which hashes have another within the distance."""
    bands = _bands(hashes, distance) if bands is None else bands
    near = np.zeros(len(hashes), bool)
    for done, band in enumerate(bands):
        progress(done, len(bands), "comparing hashes")
        _mark_near(hashes, band, distance, near)
    return near


class _Band:
    """Rows by what a band of their bits is."""

    def __init__(self, keys: NDArray[np.uint64]):
        self.order = np.argsort(keys, kind="stable")
        _, self.starts, bucket = np.unique(keys[self.order], return_index=True, return_inverse=True)
        self.ends = np.append(self.starts[1:], len(keys))
        self.bucket = np.empty(len(keys), np.int64)
        self.bucket[self.order] = bucket

    def like(self, row: int) -> NDArray[np.int64]:
        """The rows that share the band with a row, itself among them."""
        bucket = self.bucket[row]
        return self.order[self.starts[bucket] : self.ends[bucket]]


def _bands(hashes: NDArray[np.uint64], distance: int) -> list[_Band]:
    """The bits of the hashes in distance + 1 bands of about equal width."""
    edges = np.linspace(0, _BITS, min(distance + 1, _BITS) + 1).round().astype(int)
    masks = [((1 << int(high - low)) - 1) << int(low) for low, high in pairwise(edges)]
    return [_Band(hashes & np.uint64(mask)) for mask in masks]


def _mark_near(hashes: NDArray[np.uint64], band: _Band, distance: int, near: NDArray[np.bool_]) -> None:
    """Marks the rows that have another row of their bucket within the distance."""
    # Small buckets side by side: each row with the next, the one after it, ... as long as some bucket is that large.
    sizes = band.ends - band.starts
    ordered, bucket_of = hashes[band.order], np.repeat(np.arange(len(sizes)), sizes)
    for step in range(1, min(_SMALL, int(sizes.max(initial=1)))):
        close = np.bitwise_count(ordered[step:] ^ ordered[:-step]) <= distance
        first = np.flatnonzero(close & (bucket_of[step:] == bucket_of[:-step]))
        near[band.order[first]] = near[band.order[first + step]] = True
    for large in np.flatnonzero(sizes > _SMALL).tolist():
        bucket = band.order[band.starts[large] : band.ends[large]]
        own = hashes[bucket]
        step = max(1, _BLOCK // len(bucket))
        for low in range(0, len(bucket), step):
            # What is marked already needs no second proof; of near-equal frames that is nearly all.
            todo = np.arange(low, min(low + step, len(bucket)))
            todo = todo[~near[bucket[todo]]]
            if not len(todo):
                continue
            close = np.bitwise_count(own[todo, None] ^ own[None, :]) <= distance
            close[np.arange(len(todo)), todo] = False
            near[bucket[todo]] |= close.any(axis=1)
            near[bucket] |= close.any(axis=0)


def groups_of_vectors(
    vectors: NDArray[np.floating], present: NDArray[np.bool_], distance: float, progress: Progress = silent
) -> NDArray[np.int64]:
    """Groups of vectors whose cosine distance to their leader is small.

    Args:
        vectors: (n, d) finite, in order of preference; a zero vector is like nothing
        present: (n,) which rows have a vector; others are alone
        distance: the greatest cosine distance, in [0, 2]
        progress: told the rows done

    Returns:
        (n,) the row of each one's leader; its own where it is alone

    Source: Hartigan, Clustering algorithms (1975), leader algorithm.
    """
    lengths = np.linalg.norm(vectors, axis=1)
    rows = np.flatnonzero(present & (lengths > 0))
    unit = (vectors[rows] / lengths[rows, None]).astype(np.float32)
    leaders, free = np.arange(len(vectors)), np.ones(len(rows), bool)
    # Rounding of float32 products must not part equal vectors.
    least, step = 1 - distance - 1e-6, max(1, (_BLOCK * 8) // max(len(rows), 1))
    for low in range(0, len(rows), step):
        progress(low, len(rows), "comparing embeddings")
        block = low + np.flatnonzero(free[low : low + step])
        close = unit[block] @ unit[low:].T >= least
        for row, near in zip(block, close, strict=True):
            if free[row]:
                members = low + np.flatnonzero(near)
                members = members[(members >= row) & free[members]]
                leaders[rows[members]], free[members] = rows[row], False
                free[row] = False
    return leaders
