"""LightlyOne's thirteen example configs run as written, on a dataset whose fields have the names that they use."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from shortlist import delete_selection, list_selections, preview, select_samples

CONFIGS = json.loads((Path(__file__).parents[1] / "data" / "selection_configs.json").read_text())
N = 160
PRETAGGED = ["car", "bicycle", "bus", "motorcycle", "person", "train", "truck", "dog"]
VIDEOS = ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]


def detection(label: str, chance: np.random.Generator, **more) -> fo.Detection:
    return fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.3, 0.3], confidence=float(chance.random()), **more)


def sample(row: int, chance: np.random.Generator) -> fo.Sample:
    objects = [detection("object", chance, embedding=chance.normal(size=4)) for _ in range(row % 3)]
    tagged = [detection(PRETAGGED[(row + place) % 8], chance) for place in range(row % 4)]
    task = [detection("abc"[place], chance) for place in range(row % 4)]
    return fo.Sample(
        f"/nowhere/{row:03d}.png",
        embedding=chance.normal(size=8).astype(np.float32),
        my_object_detection_task=fo.Detections(detections=task),
        my_object_detections=fo.Detections(detections=objects),
        lightly_pretagging=fo.Detections(detections=tagged),
        lightly=fo.DynamicEmbeddedDocument(sharpness=float(row), uniformRowRatio=row / 4000),
        weather=fo.DynamicEmbeddedDocument(description=["sunny", "cloudy", "rain", "snow"][row % 4]),
        video_name=VIDEOS[min(3, row // 30)],
    )


@pytest.fixture(scope="module")
def dataset(make_lasting):
    chance = np.random.default_rng(0)
    made = make_lasting()
    made.add_samples([sample(row, chance) for row in range(N)], dynamic=True, progress=False)
    return made


@pytest.fixture(scope="module")
def queries(make_lasting):
    """The dataset of the query images: two samples with a tag, one without."""
    vectors = np.eye(8, dtype=np.float32)[:3]
    tags = [["initial-tag"], ["initial-tag"], []]
    return make_lasting([fo.Sample(f"/nowhere/q{row}.png", embedding=vectors[row], tags=tags[row]) for row in range(3)])


@pytest.fixture
def config(request, queries):
    """A config as written; what stands for names of one's own is filled in."""
    written = copy.deepcopy(CONFIGS[request.param])
    for entry in written["strategies"]:
        if entry["input"].get("dataset_id"):
            entry["input"]["dataset_id"] = str(queries._doc.id)
        if "<each video>" in entry["strategy"].get("target", {}):
            entry["strategy"]["target"] = dict.fromkeys(VIDEOS, 1 / len(VIDEOS))
    return written


@pytest.fixture(autouse=True)
def tidy(dataset):
    """Leaves the dataset as it was."""
    yield
    for record in list_selections(dataset):
        delete_selection(dataset, record.run_key)


EVERY = pytest.mark.parametrize("config", CONFIGS, indirect=True, ids=str)


def named(name: str):
    return pytest.mark.parametrize("config", [name], indirect=True, ids=str)


@EVERY
def test_runs_as_written(dataset, config):
    """From Python, and through the operator with the same picks; a preview has counted what there is to pick from."""
    told = preview(dataset, config)
    result = select_samples(dataset, config, "from_python")
    picked = result.ids

    assert result.n_samples == len(set(picked)) == 100
    assert (told.n_candidates, told.n_samples) == (N, 100)
    assert told.n_eligible == result.eligible if told.exact else told.n_eligible >= result.eligible
    assert told.words.startswith("Picks 100 samples: ")
    assert list_selections(dataset)[-1].run_key == "from_python"
    delete_selection(dataset, "from_python")
    operator = foo.get_operator("@shortlist/curation/select_samples")
    assert operator(dataset, config, "from_operator").ids == picked


@named("active learning")
def test_active_learning_takes_the_highest_scores(dataset, config):
    result = select_samples(dataset, config, "round_1")
    path = "my_object_detection_task_uncertainty_entropy"
    assert result.view.values(path) == sorted(dataset.values(path), reverse=True)[:100]


@named("metadata threshold: sharp")
def test_a_threshold_keeps_what_is_beyond_it(dataset, config):
    result = select_samples(dataset, config, "round_1")
    assert min(result.view.values("lightly.sharpness")) > 20
    assert result.left_out == {"beyond the THRESHOLD of lightly.sharpness": 21}


@named("metadata balancing")
def test_metadata_are_balanced(dataset, config):
    result = select_samples(dataset, config, "round_1")
    found = Counter(result.view.values("weather.description"))
    # 40 sunny and 40 cloudy are there; 20 and 40 are asked for, and the rest is anything else.
    assert (found["sunny"], found["cloudy"], found["rain"] + found["snow"]) == (20, 40, 40)


@named("video balancing with strength")
def test_videos_are_balanced_above_all_else(dataset, config):
    result = select_samples(dataset, config, "round_1")
    assert Counter(result.view.values("video_name")) == dict.fromkeys(VIDEOS, 25)


@named("similarity search")
def test_the_query_set_is_in_another_dataset(dataset, config):
    """What is picked is nearer to the query set than what is not."""
    result = select_samples(dataset, config, "round_1")
    queries = np.eye(8)[:2]

    def similarity(view):
        return np.mean([max(queries @ (one / np.linalg.norm(one))) for one in view.values("embedding")])

    assert similarity(result.view) > similarity(dataset.exclude(result.ids))


@pytest.mark.parametrize("config", ["object diversity", "object typicality"], indirect=True, ids=str)
def test_objects_say_nothing_of_how_samples_are_covered(dataset, config):
    result = select_samples(dataset, config, "round_1")
    assert result.coverage is None


@named("random")
def test_the_random_seed_decides(dataset, config):
    first = select_samples(dataset, config, "random_1").ids
    config["seed"] = 5
    assert select_samples(dataset, config, "random_2").ids == first
    config["strategies"][0]["input"]["random_seed"] = 43
    assert select_samples(dataset, config, "random_3").ids != first


@named("metadata threshold: sharp")
def test_lightly_s_name_means_what_was_measured_here(make, config, tmp_path):
    """Without a field of that name, ``lightly.sharpness`` is the sharpness that ``score_images`` measures."""
    import cv2

    from shortlist import score_images

    chance = np.random.default_rng(1)
    files = []
    for row in range(6):
        image = chance.integers(0, 255, (64, 64, 3)).astype(np.uint8)
        files.append(tmp_path / f"{row}.png")
        cv2.imwrite(str(files[-1]), cv2.GaussianBlur(image, (0, 0), 0.3 + row))
    dataset = make([fo.Sample(str(file)) for file in files])
    score_images(dataset, metrics=["sharpness"], flags=["blurry"])
    values = dataset.values("image_quality.sharpness")
    config["n_samples"] = 2
    config["strategies"][0]["strategy"]["threshold"] = sorted(values)[3]
    result = select_samples(dataset, config, "round_1")
    assert sorted(result.view.values("image_quality.sharpness")) == sorted(values)[4:]
