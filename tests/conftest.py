"""Settings that every test shares: a FiftyOne of its own, with the plugin loaded from this checkout."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "tests" / "app")]

# Before FiftyOne is imported: nothing of the user's is read or changed.
_home = Path(tempfile.mkdtemp(prefix="shortlist-tests-"))
# The database outlives the run by some seconds, until its server has noticed; one folder serves all runs.
_database = Path(tempfile.gettempdir()) / f"shortlist-tests-database-{os.getuid()}"
_plugins = _home / "plugins"
_plugins.mkdir()
(_plugins / "shortlist").symlink_to(ROOT, target_is_directory=True)
# FiftyOne may find a server that is running already, so the name, not the folder, keeps runs apart.
os.environ.update(
    FIFTYONE_PLUGINS_DIR=str(_plugins),
    FIFTYONE_DATABASE_DIR=str(_database),
    FIFTYONE_DATABASE_NAME=f"shortlist_tests_{os.getpid()}",
    FIFTYONE_DATABASE_VALIDATION="false",
    FIFTYONE_DEFAULT_DATASET_DIR=str(_home / "datasets"),
    FIFTYONE_CONFIG_PATH=str(_home / "config.json"),
    FIFTYONE_APP_CONFIG_PATH=str(_home / "app_config.json"),
    FIFTYONE_DO_NOT_TRACK="true",
    FIFTYONE_SHOW_PROGRESS_BARS="false",
)


def pytest_configure(config: pytest.Config) -> None:
    """Starts the database before several processes would at once."""
    # A shell starts what it runs in the background with Ctrl+C ignored; some tests press it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if getattr(config.option, "numprocesses", None):
        import fiftyone as fo

        fo.list_datasets()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests begin: they wait more than they work."""
    items.sort(key=lambda item: _waits_for_a_browser(item.nodeid), reverse=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Several processes take a file each, but all files of the browser's tests go to one: two browsers wait for each other."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if _waits_for_a_browser(nodeid) else super()._split_scope(nodeid)

    return ByFile(config, log)


def _waits_for_a_browser(nodeid: str) -> bool:
    return "app/test_app" in nodeid


def pytest_unconfigure() -> None:
    """Leaves nothing behind but an empty database."""
    if "fiftyone.core.odm" in sys.modules:
        sys.modules["fiftyone.core.odm"].drop_database()
    shutil.rmtree(_home, ignore_errors=True)


def _made() -> Iterator[Any]:
    import fiftyone as fo

    made = []

    def dataset_of(samples: Sequence[Any] = (), **attributes: Any) -> fo.Dataset:
        dataset = fo.Dataset()
        made.append(dataset.name)
        for name, value in attributes.items():
            setattr(dataset, name, value)
        if samples:
            dataset.add_samples(list(samples), progress=False)
        return dataset

    yield dataset_of
    for name in made:
        if fo.dataset_exists(name):
            fo.delete_dataset(name)


@pytest.fixture
def make():
    """Makes datasets of samples, which are deleted when the test is over."""
    yield from _made()


@pytest.fixture(scope="session")
def make_lasting():
    """Makes datasets of samples that many tests look at and none changes."""
    yield from _made()


@pytest.fixture(scope="session")
def documents():
    """The stored documents of a dataset's samples as bytes by id, order of keys included, less some fields."""
    import bson

    def stored(dataset: Any, without: Sequence[str] = ()) -> dict[Any, bytes]:
        found = {}
        for document in dataset._sample_collection.find():
            for path in without:
                _drop(document, path.split("."))
            found[document["_id"]] = bson.encode(document)
        return found

    return stored


def _drop(node: Any, path: list[str]) -> None:
    """Removes what is at a path, in every item of a list on the way."""
    if isinstance(node, list):
        for item in node:
            _drop(item, path)
    elif isinstance(node, dict) and len(path) == 1:
        node.pop(path[0], None)
    elif isinstance(node, dict):
        _drop(node.get(path[0]), path[1:])


@pytest.fixture(scope="session")
def snapshot(documents):
    """All that the database holds of a dataset: schema, tags, views, runs, sidebar, indexes, documents; and what is staged."""
    import bson
    import fiftyone.core.odm as odm

    def taken(dataset: Any) -> dict[str, Any]:
        database = odm.get_db_conn()
        own = database.datasets.find_one({"_id": dataset._doc.id})
        views = list(database.views.find({"_dataset_id": dataset._doc.id}))
        for one in (own, *views):
            one.pop("last_loaded_at", None)
        return {
            "dataset": own,
            "views": [bson.encode(one) for one in views],
            "runs": [bson.encode(one) for one in database.runs.find({"_dataset_id": dataset._doc.id})],
            "indexes": dataset.get_index_information(),
            "documents": documents(dataset),
            "staged": sorted(name for name in database.list_collection_names() if name.startswith("shortlist.")),
        }

    return taken


@pytest.fixture
def refused(snapshot):
    """Expects one sentence, and that the dataset is as it was before."""
    from shortlist import ShortlistError

    @contextmanager
    def expect(dataset: Any, sentence: str) -> Iterator[None]:
        before = snapshot(dataset)
        with pytest.raises(ShortlistError, match=f"^{re.escape(sentence)}$"):
            yield
        assert snapshot(dataset) == before

    return expect


@pytest.fixture
def classified(make):
    """Twelve samples with classifications (lists of probabilities), vectors, and a field of each plain type."""
    return _classified(make)


@pytest.fixture(scope="session")
def untouched(make_lasting):
    """The same samples for tests that change nothing."""
    return _classified(make_lasting)


def _classified(make):
    import fiftyone as fo
    import numpy as np

    chance = np.random.default_rng(7)
    samples = []
    for row in range(12):
        probabilities = chance.dirichlet(np.ones(3))
        best = int(probabilities.argmax())
        label = fo.Classification(
            label="abc"[best], confidence=float(probabilities[best]), probabilities=probabilities.tolist(), note=[row]
        )
        samples.append(
            fo.Sample(
                f"/nowhere/{row:02d}.png",
                tags=["even" if row % 2 == 0 else "odd"],
                predictions=label,
                clip=chance.normal(size=4).astype(np.float32),
                weather=["sun", "rain"][row % 2],
                hour=row,
                checked=row % 3 == 0,
                day=date(2024, 1, 1) + timedelta(days=row),
            )
        )
    return make(samples, classes={"predictions": ["a", "b", "c"]})


@pytest.fixture
def detected(make):
    """Eight samples with detections: all origins of probabilities, no objects, no label at all."""
    import fiftyone as fo
    import numpy as np

    def one(label: str, **attributes: Any) -> fo.Detection:
        return fo.Detection(label=label, bounding_box=[0.1, 0.2, 0.3, 0.4], tags=["seen"], **attributes)

    lists = [
        [one("a", probabilities=[0.5, 0.3, 0.2], confidence=0.5), one("b", probabilities=[0.05, 0.9, 0.05], confidence=0.9)],
        [
            one("c", probabilities=np.array([0.1, 0.1, 0.8], np.float32), confidence=0.8, note="kept"),
            one("a", logits=np.array([2.0, 1.0, 0.0]), confidence=0.6),
            one("b", confidence=0.4),
            one("b"),
        ],
        [],
        None,
        [one("a")],
        [one("c", confidence=0.95), one("c", confidence=0.35), one("a", confidence=0.5)],
        [one("a", confidence=1.0)],
        [one("b", confidence=0.2)],
    ]  # fmt: skip
    samples = [
        fo.Sample(f"/nowhere/{row}.png", predictions=None if found is None else fo.Detections(detections=found))
        for row, found in enumerate(lists)
    ]
    return make(samples, default_classes=["a", "b", "c"])
