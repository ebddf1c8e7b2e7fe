"""What annotators were shown and what came back: which annotation is which label, and what follows for the label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..geometry import box_iou
from .items import Box

#: what to do with a label: it stays, it is written as it came back, it goes, or somebody else changed it meanwhile
Step = Literal["nothing", "write", "remove", "conflict"]
# Tools round places to pixels; half of one is no correction.
_PIXELS = 0.51
_RELATIVE = 1e-6
# How far an annotation overlaps the label that it is taken for, where nothing else tells.
_OVERLAP = 0.5


@dataclass(frozen=True)
class Shape:
    """What an annotation says, as far as it can be told apart from another.

    Args:
        label: the class
        box: (x, y, width, height) relative to the image, around outlines too; None for what has no place
        outlines: the points of each outline, relative to the image
        mask: what names the pixels of a mask; empty where there is none
        size: (width, height) of the image in pixels, where they are known
    """

    label: str | None
    box: Box | None = None
    outlines: tuple[tuple[tuple[float, float], ...], ...] = ()
    mask: str = ""
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Version:
    """A label as annotators know it, and as the dataset held it then.

    Args:
        said: what the annotation said; None where there was none
        held: what names the label in the dataset; None where there was none
    """

    said: Shape | None
    held: str | None


def around(outlines: Sequence[Sequence[Sequence[float]]]) -> Box | None:
    """The box around all outlines.

    >>> around([[(0.25, 0.25), (0.5, 0.25), (0.5, 0.75)]])
    (0.25, 0.25, 0.25, 0.5)
    """
    points = [(float(point[0]), float(point[1])) for outline in outlines for point in outline]
    if not points:
        return None
    (left, right), (top, bottom) = ((min(along), max(along)) for along in zip(*points, strict=True))
    return left, top, right - left, bottom - top


def same_place(first: Shape, second: Shape) -> bool:
    """Whether two annotations are in the same place, but for what tools round off."""
    if first.mask != second.mask or (first.box is None) != (second.box is None):
        return False
    size = first.size or second.size
    across, down = (_PIXELS / size[0], _PIXELS / size[1]) if size else (_RELATIVE, _RELATIVE)
    # Of most pairs the boxes are apart: no array is made for these.
    for one, other in zip(_corners(first), _corners(second), strict=True):
        if abs(one[0] - other[0]) > across or abs(one[1] - other[1]) > down:
            return False
    if [len(outline) for outline in first.outlines] != [len(outline) for outline in second.outlines]:
        return False
    return all(
        bool((np.abs(np.subtract(one, other)) <= (across, down)).all())
        for one, other in zip(first.outlines, second.outlines, strict=True)
    )


def _corners(shape: Shape) -> tuple[tuple[float, float], ...]:
    if shape.box is None:
        return ()
    x, y, width, height = shape.box
    return (x, y), (x + width, y + height)


def same(first: Shape | None, second: Shape | None) -> bool:
    """Whether two annotations say the same, but for what tools round off.

    >>> same(Shape("cat", (0.1, 0.1, 0.5, 0.5), size=(100, 100)), Shape("cat", (0.104, 0.1, 0.5, 0.5)))
    True
    """
    if first is None or second is None:
        return first is second
    return first.label == second.label and same_place(first, second)


def matches(
    shown: Sequence[tuple[str, Shape]], returned: Sequence[tuple[str | None, Shape]], single: bool = False
) -> dict[int, str]:
    """Which annotation that came back is which label that was shown.

    What is as it was shown is that label; then the id that came back tells, where a tool kept it; then the overlap. Tools
    drop ids, number anew, and copy an id with the object, so an id alone is not believed where a label came back unchanged.

    Args:
        shown: the id and the shape of each label of an image
        returned: the id, where one came back, and the shape of each annotation of it
        single: whether an image has one label at most, which then is the same one whatever it says

    Returns:
        the ids of labels by the place of the annotation in ``returned``
    """
    found: dict[int, str] = {}
    free = dict(shown)

    def take(place: int, label: str) -> None:
        found[place] = label
        del free[label]

    for place, (own, shape) in enumerate(returned):
        if own in free and same(free[own], shape):
            take(place, own)
    for place, (_, shape) in enumerate(returned):
        if place not in found and (label := next((one for one in free if same(free[one], shape)), None)) is not None:
            take(place, label)
    for place, (own, _) in enumerate(returned):
        if place not in found and own in free:
            take(place, own)
    left = [place for place in range(len(returned)) if place not in found]
    if single and left and free:
        take(left[0], next(iter(free)))
    for place, label in _overlapping([(place, returned[place][1]) for place in left], list(free.items())):
        take(place, label)
    return found


def _overlapping(left: list[tuple[int, Shape]], free: list[tuple[str, Shape]]) -> list[tuple[int, str]]:
    """Pairs that overlap enough, the best first, each in one pair at most; of the same class before all others."""
    left, free = [one for one in left if one[1].box], [one for one in free if one[1].box]
    if not left or not free:
        return []
    overlap = box_iou(np.array([shape.box for _, shape in left]), np.array([shape.box for _, shape in free]))
    alike = np.array([[one.label == other.label for _, other in free] for _, one in left])
    rank = np.where(overlap >= _OVERLAP, overlap + alike, 0)
    pairs = []
    while rank.max() > 0:
        row, column = np.unravel_index(rank.argmax(), rank.shape)
        pairs.append((left[row][0], free[column][0]))
        rank[row], rank[:, column] = 0, 0
    return pairs


def decided(versions: Sequence[Version], held: str | None, returned: Shape | None) -> tuple[Step, Shape | None]:
    """What is to be done with a label that was handed over.

    Args:
        versions: as it was handed over, and as it was merged since, in order
        held: what names the label that the dataset holds now; None where it holds none
        returned: what came back; None where nothing did

    Returns:
        the step, and what the annotators had changed when they wrote ``returned``
    """
    known = next((version for version in reversed(versions) if version.held == held), None)
    if known is not None:
        if same(known.said, returned):
            return "nothing", None
        return ("remove" if returned is None else "write"), known.said
    # Somebody changed the label since. That stays where the annotators left theirs as it was.
    if (held is None and returned is None) or any(same(version.said, returned) for version in versions):
        return "nothing", None
    return "conflict", None
