"""Selection configs that are saved under a name, for every dataset and everybody on the same database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import fiftyone as fo
import numpy as np
import pytest

import shortlist
from shortlist import ShortlistError, delete_config, list_configs, load_config, save_config, select_samples
from shortlist.api.configs import has, is_taken, refuse_taken
from shortlist.core.schema import parse
from shortlist.core.selection.config import SelectionConfig

HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
CONFIG = {"n_samples": 3, "strategies": [HOUR]}
# A class with what a database takes for a path.
BALANCED = {
    "n_samples": 3,
    "strategies": [
        {
            "input": {"type": "METADATA", "key": "weather"},
            "strategy": {"type": "BALANCE", "target": {"a.b": 0.1, "$c": 0.2, "é ü": 0.3}},
        }
    ],
}


@pytest.fixture(autouse=True)
def _no_configs():
    """Nothing is left of an earlier test, nor for a later one."""
    yield
    for one in list_configs():
        delete_config(one.name)


def test_a_config_that_was_saved_is_loaded_as_it_was():
    for name, config in {"night shift": CONFIG, "Größe é 名": BALANCED}.items():
        saved = save_config(name, config)
        assert saved.config == load_config(name) == config
        assert abs(datetime.now(UTC) - saved.saved) < timedelta(minutes=1)
        assert saved.by
    assert [one.name for one in list_configs()] == ["Größe é 名", "night shift"]


def test_a_saved_config_selects(classified):
    save_config("late", CONFIG)
    picked = select_samples(classified, load_config("late"), "round_1").view
    assert picked.values("hour") == [11, 10, 9]


def test_it_outlives_the_dataset_and_is_there_for_others(make):
    first = make([fo.Sample("/nowhere/0.png", hour=1)])
    save_config("late", CONFIG)
    first.delete()
    assert load_config("late") == CONFIG


def test_what_is_as_by_default_is_left_out():
    whole = parse(SelectionConfig, CONFIG)
    assert save_config("late", whole).config == CONFIG
    explicit = {**CONFIG, "seed": 0, "strategies": [{**HOUR, "strategy": {"type": "WEIGHTS", "strength": 1.0}}]}
    assert save_config("late", explicit).config == CONFIG


def test_another_config_is_replaced_only_when_asked():
    save_config("late", CONFIG)
    other = {**CONFIG, "n_samples": 4}
    with pytest.raises(ShortlistError) as caught:
        save_config("late", other)
    assert str(caught.value) == (
        "the name of a config must be new. Got 'late' instead. Another config is saved under it. Choose another name, or "
        "replace it."
    )
    assert load_config("late") == CONFIG
    assert is_taken("late", parse(SelectionConfig, other))
    refuse_taken("late", parse(SelectionConfig, other), overwrite=True)
    save_config("late", other, overwrite=True)
    assert load_config("late") == other
    assert not is_taken("late", parse(SelectionConfig, other))


@pytest.mark.parametrize("name", ["", " late", "late ", "a\nb", "x" * 101, None, 3])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ShortlistError, match=r"^the name of a config must be 1 to 100 printable characters"):
        save_config(name, CONFIG)
    assert list_configs() == []


def test_what_is_no_config_is_refused():
    with pytest.raises(ShortlistError, match=r"^config\.n_samples must be >= 0\. Got -1 instead\."):
        save_config("late", {**CONFIG, "n_samples": -1})
    assert list_configs() == []


def test_a_name_that_there_is_none_of_is_said():
    with pytest.raises(ShortlistError) as caught:
        load_config("late")
    assert (
        str(caught.value) == "the name of a config must be that of a saved one. Got 'late' instead. There are none yet."
    )
    save_config("later", CONFIG)
    for asking in (load_config, delete_config):
        with pytest.raises(ShortlistError, match="Did you mean 'later'"):
            asking("latre")
    delete_config("later")
    assert list_configs() == []


class TestWhatADatasetHas:
    def test_nothing(self, make):
        found = has(make([fo.Sample("/nowhere/0.png")]))
        # What every dataset has: the numbers and texts of its image files.
        assert (found.embeddings, found.predictions, found.labeled, found.date, found.tag) == (None,) * 5

    def test_the_likeliest_of_each(self, make):
        sample = fo.Sample(
            "/nowhere/0.png",
            tags=["faces", "Labeled"],
            clip=np.zeros(4),
            dino=np.zeros(3),
            ground_truth=fo.Classification(label="a"),
            predictions=fo.Classification(label="a", confidence=0.5),
            weather="sun",
            video_name="a",
            hour=3,
            day=date(2024, 1, 1),
        )
        found = has(make([sample]))
        assert found.embeddings == {"type": "EMBEDDINGS", "field": "clip"}
        assert (found.predictions, found.group, found.date) == ("predictions", "video_name", "day")
        assert (found.labeled, found.tag, found.number) == ("Labeled", "faces", "hour")

    def test_the_latest_selection_where_nothing_is_said_to_be_labelled(self, classified):
        for key in ("round_1", "round_2"):
            select_samples(classified, CONFIG, key)
        assert has(classified).labeled == "round_2"


def test_the_names_are_public():
    assert {"save_config", "load_config", "list_configs", "delete_config"} <= set(dir(shortlist))
