"""A picture of an item: the part of the image that it is about, with the given and the suggested label."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...core.review.items import Box, Item
from ...dataset.arrays import Unreadable
from ...dataset.review.loaded import review_of
from ...dataset.review.pictures import Scene as Scene
from ...dataset.review.pictures import Shape, State, crop_of, scene_of
from ...dataset.samples import Samples, home_of

_QUALITY = 86


@dataclass(frozen=True)
class ItemPicture:
    """What an item looks like.

    Args:
        data: the part of the image, as a ``data:`` address; None where there is no image that can be shown
        problem: why there is none
        frame: which part it is: (x, y, width, height), relative to the image
        width: of the part, in pixels of the image
        height: of the part, in pixels of the image
        given: the label that is there; None where there is none
        suggested: the label that was suggested; None where there is none
        others: other labels of the sample
        state: whether the label is still what the item asks about
        is_part: whether the frame is less than the whole image
    """

    data: str | None
    problem: str | None
    frame: Box
    width: int
    height: int
    given: Shape | None
    suggested: Shape | None
    others: tuple[Shape, ...]
    state: State
    is_part: bool


def look(samples: Samples, label_field: str | None, item: Item) -> Scene | None:
    """What the dataset holds now of what an item is about, quick to read; None where its sample was deleted."""
    return scene_of(home_of(samples), label_field, item)


def picture_of(scene: Scene, *, whole: bool = False, side: int = 960) -> ItemPicture:
    """A picture of an item.

    Args:
        scene: what ``look`` found
        whole: all of the image, rather than the part that the item is about
        side: most pixels of the longer side
    """
    labels = scene.given, scene.suggested, scene.others, scene.state
    try:
        crop = crop_of(scene, whole=whole, side=side)
    except Unreadable as error:
        return ItemPicture(None, str(error), (0.0, 0.0, 1.0, 1.0), 0, 0, *labels, is_part=False)
    _, _, wide, high = crop.frame
    width, height = max(1, round(wide * crop.width)), max(1, round(high * crop.height))
    return ItemPicture(_address(crop.pixels), None, crop.frame, width, height, *labels, is_part=wide * high < 1)


def _address(pixels: NDArray[np.uint8]) -> str:
    """An image as a ``data:`` address."""
    _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def items_at(samples: Samples, run_key: str, sample_id: str) -> list[int]:
    """The numbers of the items of a sample, or of a label where a view of patches is looked at.

    Args:
        samples: a dataset or a view of it
        run_key: the review
        sample_id: the id of the sample, or of the patch

    Raises:
        ShortlistError: no such review
    """
    items = review_of(home_of(samples), run_key).items
    return [number for number, item in enumerate(items, start=1) if sample_id in (item.sample, item.label)]
