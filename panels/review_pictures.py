"""Pictures of items: made once, and ahead of time."""

from __future__ import annotations

from ..api.review.editing import Record
from ..api.review.picturing import ItemPicture, Scene, picture_of
from .ahead import made


def picture(dataset: str, record: Record, number: int, scene: Scene, whole: bool) -> ItemPicture:
    """The picture of an item, as its sample is now.

    Args:
        dataset: its name
        record: the review
        number: of the item
        scene: what the sample holds
        whole: all of the image, rather than the part that the item is about
    """
    key = (dataset, record.run_key, str(record.created), number, scene.version, whole)
    return made(key, lambda: picture_of(scene, whole=whole))
