"""Errors made on purpose in a mask, so that what they look like to a model is known when it comes to real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .mask_view import View, parts_of

_LEAST_SHARE, _LEAST_CELLS = 1e-3, 4
# How much of an object's side it is moved, or loses: from what one might overlook to what one could not.
_STRENGTH = (0.1, 0.5)

Draw = Callable[[NDArray[np.int32], NDArray[np.bool_], View, Generator], NDArray[np.int32]]


def errors(view: View, background: int, rng: Generator, draws: int) -> Iterator[NDArray[np.int32]]:
    """Copies of a mask, each with one error in one object: dropped, of another class, moved, shrunk, cut, grown or invented.

    Args:
        view: the sample
        background: the class that stands for no object
        rng: what is drawn, and of which object
        draws: how many are tried

    Yields:
        (h, w) int32, the mask with the error
    """
    parts = parts_of(view.given)
    classes = np.full(len(parts.areas), background)
    classes[parts.labels.ravel()] = view.given.ravel()
    least = max(_LEAST_CELLS, _LEAST_SHARE * view.given.size)
    objects = np.flatnonzero((classes != background) & (parts.areas >= least))
    if not len(objects):
        return
    shares = np.array([share for _, share in _KINDS])
    for kind in rng.choice(len(_KINDS), draws, p=shares / shares.sum()):
        area = parts.labels == rng.choice(objects)
        found = _KINDS[kind][0](view.given, area, view, rng)
        if (found != view.given).any():
            yield found


def _without(given: NDArray[np.int32], area: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The mask with an area given to the class that surrounds it most."""
    ring = cv2.dilate(area.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool) & ~area & (given >= 0)
    found = given.copy()
    if ring.any():
        found[area] = np.bincount(given[ring]).argmax()
    return found


def _dropped(given: NDArray, area: NDArray, view: View, rng: Generator) -> NDArray[np.int32]:
    return _without(given, area)


def _renamed(given: NDArray, area: NDArray, view: View, rng: Generator) -> NDArray[np.int32]:
    """Half of the time the class that the model finds likeliest beside the given one: people confuse what models do."""
    own, found = given[area][0], given.copy()
    weights = view.probabilities[:, area].sum(axis=1) if rng.random() < 0.5 else rng.random(len(view.probabilities))
    weights[own] = -1
    found[area] = weights.argmax()
    return found


def _moved(given: NDArray, area: NDArray, view: View, rng: Generator) -> NDArray[np.int32]:
    angle, far = rng.uniform(0, 2 * np.pi), 1.5 * rng.uniform(*_STRENGTH) * np.sqrt(np.count_nonzero(area))
    matrix = np.array([[1, 0, far * np.cos(angle)], [0, 1, far * np.sin(angle)]])
    there = cv2.warpAffine(area.view(np.uint8), matrix, area.shape[::-1], flags=cv2.INTER_NEAREST).view(bool)
    found = _without(given, area)
    found[there & (given >= 0)] = given[area][0]
    return found


def _shrunk(given: NDArray, area: NDArray, view: View, rng: Generator) -> NDArray[np.int32]:
    width = max(1.0, rng.uniform(*_STRENGTH) / 2 * np.sqrt(np.count_nonzero(area)))
    depth = cv2.distanceTransform(np.pad(area, 1).view(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.where(area & (depth <= width), _without(given, area), given)


def _cut(given: NDArray, area: NDArray, view: View, rng: Generator) -> NDArray[np.int32]:
    rows, columns = np.nonzero(area)
    angle = rng.uniform(0, 2 * np.pi)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    lost = np.zeros_like(area)
    beyond = along > np.quantile(along, rng.uniform(0.4, 0.7))
    lost[rows[beyond], columns[beyond]] = True
    return np.where(lost, _without(given, area), given)


def _grown(given: NDArray, area: NDArray, view: View, rng: Generator) -> NDArray[np.int32]:
    width = max(1.0, rng.uniform(*_STRENGTH) / 2 * np.sqrt(np.count_nonzero(area)))
    near = cv2.distanceTransform((~area).view(np.uint8), cv2.DIST_L2, 3) <= width
    return np.where(near & (given >= 0), given[area][0], given).astype(np.int32)


def _invented(given: NDArray, area: NDArray, view: View, rng: Generator) -> NDArray[np.int32]:
    """Its shape at another place of its surroundings, as another class."""
    there = np.roll(area, (rng.integers(area.shape[0]), rng.integers(area.shape[1])), (0, 1))
    around = _without(given, area)[area][0]
    found, own = given.copy(), given[area][0]
    other = rng.integers(len(view.probabilities))
    found[there & (given == around)] = other if other != around else own
    return found


def _all_moved(given: NDArray, area: NDArray, view: View, rng: Generator) -> NDArray[np.int32]:
    """The whole mask, by as much of the image as the others by of the object."""
    far = rng.uniform(*_STRENGTH) / 4 * np.sqrt(given.size)
    angle = rng.uniform(0, 2 * np.pi)
    found = np.roll(given, (round(far * np.sin(angle)), round(far * np.cos(angle))), (0, 1))
    return np.where((given >= 0) & (found >= 0), found, given)


# People overlook more than they make up, and so do the errors that are drawn.
_KINDS: tuple[tuple[Draw, float], ...] = (
    (_dropped, 1.0),
    (_renamed, 1.0),
    (_moved, 1.0),
    (_shrunk, 1.0),
    (_cut, 0.5),
    (_grown, 0.25),
    (_invented, 0.25),
    (_all_moved, 0.25),
)
