"""Listing, loading and deleting selections."""

from __future__ import annotations

import fiftyone as fo
import pytest

from shortlist import (
    ShortlistError,
    delete_selection,
    list_selections,
    load_selection,
    manage_selections,
    select_samples,
)

HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}


def select(dataset, key: str, n: int = 3, **more):
    return select_samples(dataset, {"n_samples": n, "strategies": [HOUR], **more}, key)


def test_deleting_leaves_everything_as_it_was(classified, documents):
    classified.save_view("mine", classified.limit(2))
    before = documents(classified, ["last_modified_at"]), classified.list_indexes(), list(classified.get_field_schema())
    select(classified, "round_1")
    delete_selection(classified, "round_1")
    after = documents(classified, ["last_modified_at"]), classified.list_indexes(), list(classified.get_field_schema())
    assert after == before
    assert (classified.list_saved_views(), classified.list_runs()) == (["mine"], [])
    assert classified.count_sample_tags() == {"even": 6, "odd": 6}
    assert "round_1" not in [group.name for group in classified.app_config.sidebar_groups]


def test_deleting_touches_no_tag_of_the_user_s_own(classified):
    select(classified, "round_1")
    classified.limit(2).tag_samples("round_1")
    delete_selection(classified, "round_1")
    assert classified.match_tags("round_1").values("hour") == [0, 1]


def test_deleting_one_keeps_the_others(classified, documents):
    select(classified, "first")
    before = documents(classified, ["last_modified_at"])
    select(classified, "second", preselected="first")
    delete_selection(classified, "second")
    assert documents(classified, ["last_modified_at"]) == before
    assert load_selection(classified, "first").values("hour") == [11, 10, 9]
    assert [record.run_key for record in list_selections(classified)] == ["first"]


def test_the_key_is_free_again(classified):
    select(classified, "round_1")
    delete_selection(classified, "round_1")
    assert select(classified, "round_1", n=1).view.values("hour") == [11]


def test_deleting_takes_no_field_that_the_user_has_put_in_its_place(classified):
    select(classified, "round_1")
    classified.delete_sample_field("round_1")
    classified.set_values("round_1", ["mine"] * 12)
    delete_selection(classified, "round_1")
    assert classified.values("round_1") == ["mine"] * 12
    assert list_selections(classified) == []


def test_samples_deleted_since_are_missing_from_the_view_alone(classified):
    result = select(classified, "round_1")
    classified.delete_samples(result.ids[:1])
    assert load_selection(classified, "round_1").values("hour") == [10, 9]
    delete_selection(classified, "round_1")
    assert classified.count_sample_tags() == {"even": 6, "odd": 5}


def test_lists_are_oldest_first(classified):
    assert list_selections(classified) == []
    for key in ("b", "c", "a"):
        select(classified, key, n=1)
    assert [record.run_key for record in list_selections(classified)] == ["b", "c", "a"]
    assert list_selections(classified.limit(1)) == list_selections(classified)


def test_runs_of_others_are_not_listed(classified):
    classified.register_run("mine", classified.init_run(method="mine"))
    assert list_selections(classified) == []
    with pytest.raises(ShortlistError, match="run_key must be a selection of"):
        delete_selection(classified, "mine")
    assert classified.list_runs() == ["mine"]


@pytest.mark.parametrize("verb", [load_selection, delete_selection])
def test_no_such_selection(classified, refused, verb):
    name = classified.name
    with refused(classified, f"run_key must be a selection of {name!r}. Got 'round_1' instead. It has none yet."):
        verb(classified, "round_1")
    select(classified, "round_1")
    sentence = f"run_key must be a selection of {name!r}. Got 'round_2' instead. Did you mean 'round_1'?"
    with refused(classified, sentence):
        verb(classified, "round_2")
    with refused(classified, f"run_key must be a selection of {name!r}. Got 'xyz' instead. It has round_1."):
        verb(classified, "xyz")


def test_one_verb_for_all(classified, refused):
    select(classified, "round_1")
    listed = manage_selections(classified)
    assert listed.headline == "1 selection(s)"
    ((what, how),) = listed.rows()
    assert what == "round_1"
    assert how.startswith("3 samples by WEIGHTS of hour; ")
    loaded = manage_selections(classified, "load", "round_1")
    assert loaded.headline == "Loaded 'round_1'"
    assert loaded.view.values("hour") == [11, 10, 9]
    with refused(classified, "run_key must be given to delete a selection."):
        manage_selections(classified, "delete")
    assert manage_selections(classified, "delete", "round_1").headline == "Deleted 'round_1'"
    assert manage_selections(classified).records == []


def test_a_clone_has_the_selection_too(classified):
    select(classified, "round_1")
    clone = classified.clone()
    try:
        assert load_selection(clone, "round_1").values("hour") == [11, 10, 9]
        delete_selection(clone, "round_1")
        assert load_selection(classified, "round_1").values("hour") == [11, 10, 9]
    finally:
        fo.delete_dataset(clone.name)
