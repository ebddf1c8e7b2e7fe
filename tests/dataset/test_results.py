"""Writing results: marked as ours, merged in one step, and nothing left beside the dataset."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import fiftyone as fo
import fiftyone.core.odm as odm
import pytest
from bson import ObjectId

from shortlist import ShortlistError
from shortlist.dataset.results import (
    ResultField,
    Staging,
    declare,
    is_complete,
    mark_of,
    refuse_foreign,
    uninterrupted,
)

FIELD = ResultField("score", fo.FloatField, "A score.", {"verb": "test", "range": [0, 1]}, index=True)


def test_a_field_is_complete_only_when_it_is_said_to_be(make):
    dataset = make()
    declare(dataset, [FIELD], "writing")
    assert not is_complete(dataset, "score")
    assert "score" not in dataset.list_indexes()
    declare(dataset, [FIELD], "complete")
    assert is_complete(dataset, "score")
    assert "score" in dataset.list_indexes()
    assert mark_of(dataset, "score") == {"verb": "test", "range": [0, 1], "status": "complete"}


def test_what_a_user_noted_on_a_field_stays(make):
    dataset = make()
    declare(dataset, [FIELD], "complete")
    field = dataset.get_field("score")
    field.info = {**field.info, "mine": 1}
    field.save()
    declare(dataset, [FIELD], "writing")
    dataset.reload()
    assert dataset.get_field("score").info["mine"] == 1
    assert mark_of(dataset, "score")["status"] == "writing"


def test_the_sidebar_keeps_what_a_user_arranged(make):
    dataset = make()
    dataset.app_config.sidebar_groups = [fo.SidebarGroupDocument(name="mine", paths=["filepath"])]
    dataset.save()
    declare(dataset, [FIELD], "complete")
    groups = {group.name: list(group.paths) for group in dataset.app_config.sidebar_groups}
    assert groups == {"mine": ["filepath"], "shortlist": ["score"]}


def test_only_fields_of_others_are_foreign(make):
    dataset = make()
    refuse_foreign(dataset, ["nothing"])
    declare(dataset, [FIELD], "complete")
    refuse_foreign(dataset, ["score"])
    dataset.add_sample_field("mine", fo.FloatField)
    with pytest.raises(ShortlistError, match=r"^the result field 'mine' must be new"):
        refuse_foreign(dataset, ["score", "mine"])
    assert (mark_of(dataset, "mine"), mark_of(dataset, "nothing")) == (None, None)


def test_staging_merges_what_is_there_and_leaves_nothing(make):
    dataset = make([fo.Sample(f"/nowhere/{row}.png", score=0.0) for row in range(3)])
    first, *_ = dataset.values("_id")
    before = staged()
    with Staging(dataset) as staging:
        staging.add([{"_id": first, "value": 0.5}])
        staging.add([{"_id": ObjectId(), "value": 0.7}])
        staging.add([])
        staging.merge({"score": "$$new.value"})
        assert len(staged()) == len(before) + 1
    assert staged() == before
    assert dataset.values("score") == [0.5, 0.0, 0.0]
    assert len(dataset) == 3


def test_an_error_drops_what_was_staged(make):
    dataset = make([fo.Sample("/nowhere/0.png", score=0.0)])
    before = staged()
    with pytest.raises(ZeroDivisionError), Staging(dataset) as staging:  # noqa: PT012
        staging.add([{"_id": dataset.first()._id, "value": 1.0}])
        raise ZeroDivisionError
    assert staged() == before
    assert dataset.values("score") == [0.0]


def test_what_killed_runs_left_is_dropped_after_a_day(make):
    database = odm.get_db_conn()
    now = datetime.now(UTC)
    old, recent = (
        f"shortlist.staging.{ObjectId.from_datetime(now - age)}" for age in (timedelta(days=2), timedelta(hours=2))
    )
    for name in (old, recent):
        database[name].insert_one({})
    try:
        with Staging(make()):
            assert old not in staged()
            assert recent in staged()
    finally:
        database.drop_collection(recent)


def test_ctrl_c_waits_for_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        done.append(True)
    assert done == [True]


def staged() -> set[str]:
    return {name for name in odm.get_db_conn().list_collection_names() if name.startswith("shortlist.staging.")}
