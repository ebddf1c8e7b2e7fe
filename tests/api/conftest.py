"""Images with label errors that are known, as if score_label_quality had found them."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import pytest

PLACE, BETTER = [0.1, 0.1, 0.5, 0.5], [0.2, 0.2, 0.5, 0.5]


def _label(
    name: str, quality: float, issue: str | None = None, suggestion: str | None = None, **parts: Any
) -> fo.Detection:
    return fo.Detection(
        **{"label": name, "bounding_box": PLACE, "quality": quality, "issue": issue, "suggestion": suggestion, **parts}
    )


def _objects() -> list[fo.Sample]:
    """Four images: a wrong class and a missing object; a spurious and a fine one; a bad place; nothing wrong."""
    moved = _label("car", 0.3, "bad_location", "car")
    missing = fo.Detection(label="bike", bounding_box=BETTER, issue="missing", quality=0.2, given=None, given_id=None)
    better = fo.Detection(
        label="car", bounding_box=BETTER, issue="bad_location", quality=0.3, given="car", given_id=moved.id
    )
    lists = [
        ([_label("car", 0.1, "wrong_class", "bike"), _label("bike", 0.9)], [missing], "wrong_class", 0.1),
        ([_label("car", 0.05, "spurious"), _label("person", 0.8)], [], "spurious", 0.05),
        ([moved], [better], "bad_location", 0.3),
        ([_label("car", 0.9), _label("person", 0.95), _label("bike", 0.99)], [], None, 0.9),
    ]
    return [
        fo.Sample(
            f"/nowhere/{row}.png",
            gt=fo.Detections(detections=own),
            gt_suggestions=fo.Detections(detections=suggested),
            gt_issue=issue,
            gt_quality=quality,
            tags=["late"] if row > 1 else [],
        )
        for row, (own, suggested, issue, quality) in enumerate(lists)
    ]


def _suspected(make: Any) -> fo.Dataset:
    dataset = make(_objects(), default_classes=["car", "person"])
    field = dataset.get_field("gt_issue")
    field.info = {"shortlist": {"verb": "score_label_quality", "status": "complete"}}
    field.save()
    return dataset


@pytest.fixture
def suspected(make):
    """Four images with four issues."""
    return _suspected(make)


@pytest.fixture(scope="module")
def unchanged(make_lasting):
    """The same for tests that change nothing."""
    return _suspected(make_lasting)
