"""Where the work on a dataset stands, and what to do next, from schema, runs and a glance alone."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist import (
    analyze_selection,
    overview,
    score_disagreement,
    score_label_quality,
    score_uncertainty,
    select_samples,
    visualize_embeddings,
)
from shortlist.core.standing import Labels, Vectors
from shortlist.dataset.glance import glance
from shortlist.dataset.labels import prediction_fields
from shortlist.dataset.results import ResultField, declare

COVERAGE = {"input": {"type": "EMBEDDINGS", "field": "clip"}, "strategy": {"type": "COVERAGE"}}


@pytest.fixture
def studied(make):
    """Forty samples with predictions, vectors, and given labels on the first twenty, which have a tag."""
    chance = np.random.default_rng(3)
    samples = []
    for row in range(40):
        probabilities = chance.dirichlet(np.ones(3))
        label = "abc"[int(probabilities.argmax())]
        sample = fo.Sample(
            f"/nowhere/{row:02d}.png",
            predictions=fo.Classification(label=label, confidence=0.5, probabilities=probabilities.tolist()),
            clip=chance.normal(size=4).astype(np.float32),
        )
        if row < 20:
            sample["ground_truth"] = fo.Classification(label="abc"[row % 3])
            sample.tags = ["labeled"]
        samples.append(sample)
    return make(samples, default_classes=["a", "b", "c"])


def operators(dataset) -> list[str | None]:
    return [step.operator for step in overview(dataset).steps]


def test_an_empty_dataset(make):
    found = overview(make())
    assert (found.standing.n_samples, found.steps) == (0, [])
    assert "0 samples" in str(found)


def test_what_there_is_before_anything_is_done(studied):
    found = overview(studied)
    assert found.standing.n_samples == 40
    assert found.standing.labels == (
        Labels("predictions", "Classification", True, 1.0),
        Labels("ground_truth", "Classification", False, 0.5),
    )
    assert found.standing.embeddings == (Vectors("clip"),)
    assert found.standing.labeled == "labeled"
    assert (found.standing.scored, found.standing.issues, found.standing.selections) == ((), (), ())
    assert [step.operator for step in found.steps][:3] == ["score_uncertainty", "score_label_quality", "select_samples"]


def test_what_has_been_scored(studied):
    score_uncertainty(studied, "predictions", aggregation="sum", scores=["uncertainty_margin", "uncertainty_entropy"])
    (scored,) = overview(studied).standing.scored
    assert (scored.verb, scored.label_fields, scored.is_complete) == ("score_uncertainty", ("predictions",), True)
    assert scored.fields == ("predictions_uncertainty_margin", "predictions_uncertainty_entropy")
    assert scored.since is not None
    assert "score_uncertainty" not in operators(studied)


def test_scores_of_objects_belong_to_those_of_their_samples(detected):
    score_uncertainty(detected, "predictions", scores=["uncertainty_margin"])
    (scored,) = overview(detected).standing.scored
    assert scored.fields == ("predictions_uncertainty_margin",)


def test_an_interrupted_run(studied):
    info = {"verb": "score_uncertainty", "label_field": "predictions", "parameters": {}}
    declare(studied, [ResultField("predictions_uncertainty_margin", fo.FloatField, "Half.", info)], "writing")
    found = overview(studied)
    assert not found.standing.scored[0].is_complete
    assert (found.steps[0].operator, found.steps[0].params) == ("score_uncertainty", {"label_field": "predictions"})
    assert "(interrupted)" in str(found)


def test_several_models(studied):
    studied.clone_sample_field("predictions", "other")
    assert "score_disagreement" in operators(studied)
    score_disagreement(studied, ["predictions", "other"])
    scored = overview(studied).standing.scored
    assert [(one.verb, one.label_fields) for one in scored] == [("score_disagreement", ("predictions", "other"))]
    assert "score_disagreement" not in operators(studied)


def test_label_issues_as_recorded(studied):
    result = score_label_quality(studied, "ground_truth", "predictions", threshold=0.4)
    found = overview(studied)
    (issues,) = found.standing.issues
    assert (issues.label_field, issues.predictions_field) == ("ground_truth", "predictions")
    assert sum(issues.kinds.values()) == issues.n_flagged == len(studied.load_saved_view(issues.view)) > 0
    assert issues.n_samples == 20
    assert result.headline.split()[0] in str(result)
    (step,) = [step for step in found.steps if step.operator == "start_review"]
    assert step.params == {"run_key": "review_1", "label_field": "ground_truth"}
    # What Shortlist wrote is nobody's label, and not to be scored in turn.
    assert [labels.path for labels in found.standing.labels] == ["predictions", "ground_truth"]


def test_selections_oldest_first_with_their_gain(studied):
    first = select_samples(studied, {"n_samples": 5, "strategies": [COVERAGE], "preselected": "labeled"}, "b")
    select_samples(studied, {"n_samples": 2, "strategies": [COVERAGE], "preselected": ["labeled", "b"]}, "a")
    found = overview(studied).standing.selections
    assert [one.run_key for one in found] == ["b", "a"]
    assert [(one.n_samples, one.datapool, one.strategies) for one in found] == [
        (5, ("labeled",), ("COVERAGE of clip",)),
        (2, ("labeled", "b"), ("COVERAGE of clip",)),
    ]
    assert found[0].gain == pytest.approx(first.coverage.gain)
    assert "nearer than to random selections" in str(overview(studied))


def test_a_selection_is_analyzed_and_the_next_one_stands_on_it(studied):
    result = select_samples(studied, {"n_samples": 3, "strategies": [COVERAGE]}, "round_1")
    assert "analyze_selection" in operators(studied)
    report = analyze_selection(studied, "round_1", random_draws=2).report
    found = overview(studied)
    (analysis,) = found.standing.analyses
    assert (analysis.name, analysis.is_current) == ("round_1", True)
    assert analysis.n_regions == len(report.of_samples.regions) > 0
    assert analysis.gain == report.of_samples.regions[0].gain
    (step,) = [step for step in found.steps if step.operator == "select_samples"]
    assert step.params["config"]["preselected"] == ["labeled", "round_1"]
    studied.delete_samples(result.ids[:1])
    found = overview(studied)
    assert not found.standing.analyses[0].is_current
    assert [step.params for step in found.steps if step.operator == "analyze_selection"] == [{"run_key": "round_1"}]


def test_embeddings_and_what_shows_them(studied):
    visualize_embeddings(studied, "clip", method="pca", brain_key="map")
    fob.compute_similarity(studied, embeddings=np.ones((40, 3)), brain_key="sim", progress=False)
    assert overview(studied).standing.embeddings == (Vectors("clip", True, "map"), Vectors("sim", False, None))
    assert "visualize_embeddings" not in operators(studied)


@pytest.mark.parametrize(
    ("name", "given", "is_predicted"),
    [
        ("boxes", fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, 1, 1], confidence=0.5)]), True),
        ("boxes", fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, 1, 1])]), False),
        ("my_preds", fo.Classification(label="a"), True),
        ("model", fo.Classification(label="a", logits=np.zeros(3)), True),
        ("ground_truth", fo.Classification(label="a", confidence=1.0), False),
        ("weather", fo.Classification(label="a"), False),
        # Of what holds nothing only the name can tell.
        ("boxes", fo.Detections(), True),
        ("true_boxes", fo.Detections(), False),
    ],
)
def test_who_made_the_labels(make, name, given, is_predicted):
    dataset = make([fo.Sample("/nowhere/0.png", **{name: given})])
    (labels,) = overview(dataset).standing.labels
    assert (labels.path, labels.is_predicted) == (name, is_predicted)


def test_a_view_is_taken_for_its_dataset(studied):
    assert overview(studied.limit(1)) == overview(studied)


def test_nothing_is_written(studied, snapshot):
    select_samples(studied, {"n_samples": 3, "strategies": [COVERAGE]}, "round_1")
    before = snapshot(studied)
    overview(studied)
    assert snapshot(studied) == before


def test_it_reads_well(studied):
    text = str(overview(studied))
    assert text.startswith(f"{studied.name!r}: 40 samples")
    assert "ground_truth (Classification, on about 50% of the samples)" in text
    assert "-> score_uncertainty(dataset, label_field='predictions')" in text


def test_every_step_can_be_called(studied):
    import shortlist
    from shortlist.core import verbs

    models = {_snake(name): getattr(verbs, name) for name in verbs.__all__}
    for step in overview(studied).steps:
        if step.operator is not None:
            assert callable(getattr(shortlist, step.operator))
            assert set(step.params) <= set(models[step.operator].model_fields)


def _snake(name: str) -> str:
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_")


# A glance


def test_a_glance_is_always_the_same_and_spread_over_the_dataset(make):
    dataset = make([fo.Sample(f"/nowhere/{row}.png", tags=[f"part{row // 100}"]) for row in range(400)])
    seen = glance(dataset, prediction_fields(dataset))
    assert seen == glance(dataset, prediction_fields(dataset))
    assert seen.n_samples == 200
    assert set(seen.tags) == {"part0", "part1", "part2", "part3"}


def test_a_small_dataset_is_seen_whole_and_once(make):
    dataset = make([fo.Sample(f"/nowhere/{row}.png") for row in range(7)])
    assert glance(dataset, {}).n_samples == 7
    assert glance(make(), {}).n_samples == 0


def test_few_documents_are_read_of_many(make):
    """What the database examines does not grow with the dataset."""
    import fiftyone.core.odm as odm

    dataset = make([fo.Sample(f"/nowhere/{row}.png", tags=["labeled"]) for row in range(1500)])
    database = odm.get_db_conn()
    database.command("profile", 2)
    try:
        overview(dataset)
    finally:
        database.command("profile", 0)
    read = [
        one.get("docsExamined", 0)
        for one in database["system.profile"].find({"ns": f"{database.name}.{dataset._sample_collection_name}"})
    ]
    database["system.profile"].drop()
    assert 0 < sum(read) < 400
