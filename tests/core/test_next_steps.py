"""What to do next: every rule on the least that it needs, and on what makes it fall silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shortlist.core.next_steps import RULES, again, next_steps
from shortlist.core.rounds import Round
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.standing import Analyzed, BackTested, Issues, Labels, Reviewed, Scored, Selected, Standing, Vectors

PREDICTED = Labels("predictions", "Classification", True, 1.0)
TRUE = Labels("ground_truth", "Classification", False, 0.3)
CLIP = Vectors("clip")
UNSURE = Scored("score_uncertainty", ("predictions",), ("predictions_uncertainty_margin",), {})
IMAGES = Scored("score_images", (), ("image_quality",), {})
FOUND = Issues("ground_truth", "predictions", 100, 7, {"label_error": 7}, "ground_truth_issues")
REVIEW = Reviewed("review_1", "ground_truth", 50, 9, created="2024-03")
ROUND = Selected("round_1", 20, ("DIVERSITY of clip",))


def standing(**has) -> Standing:
    return Standing(100, **has)


def steps(**has) -> dict[str, object]:
    """The steps by label."""
    return {step.label: step for step in next_steps(standing(**has))}


def operators(**has) -> list[str | None]:
    return [step.operator for step in next_steps(standing(**has))]


def test_an_empty_dataset_has_no_next_step():
    assert next_steps(Standing(0)) == []


def test_a_dataset_of_bare_images():
    found = next_steps(standing())
    assert [step.operator for step in found] == ["visualize_embeddings", None, "score_images"]
    assert found[1].label == "Add predictions of a model"


def test_every_step_says_what_and_why_in_a_sentence():
    everything = standing(
        labels=(PREDICTED, replace(PREDICTED, path="other"), TRUE),
        embeddings=(CLIP,),
        scored=(replace(UNSURE, is_complete=False),),
        issues=(replace(FOUND, label_field="old"),),
        selections=(ROUND, replace(ROUND, run_key="round_2")),
        analyses=(Analyzed("round_2", 3, 0.05), Analyzed("tag", is_current=False)),
    )
    found = next_steps(everything)
    assert len(found) > 9
    for step in found:
        assert step.label[0].isupper()
        assert step.why.endswith(".")
        assert len([word for word in (step.operator, step.panel) if word]) <= 1
    assert len({step.label for step in found}) == len(found)


def test_most_useful_first():
    everything = standing(labels=(PREDICTED, TRUE), embeddings=(CLIP,))
    assert [step.operator for step in next_steps(everything)] == [
        "score_uncertainty",
        "score_label_quality",
        "select_samples",
        "back_test",
        "score_predicted_loss",
        "score_images",
        "visualize_embeddings",
    ]


def test_a_whole_round_leaves_little_to_do():
    done = standing(
        labels=(PREDICTED, replace(TRUE, share=1.0)),
        embeddings=(replace(CLIP, visualization="map"),),
        scored=(UNSURE, IMAGES),
        issues=(replace(FOUND, n_flagged=0),),
        selections=(ROUND,),
        analyses=(Analyzed("round_1"),),
        back_tests=(BackTested("back_test_1", "ground_truth"),),
    )
    assert next_steps(done) == []


def test_predictions_that_are_not_scored():
    assert steps(labels=(PREDICTED,))["Score the uncertainty of predictions"].params == {"label_field": "predictions"}
    assert "score_uncertainty" not in operators(labels=(PREDICTED,), scored=(UNSURE,))
    assert "score_uncertainty" not in operators(labels=(TRUE,))


def test_an_interrupted_run_is_run_again():
    half = replace(UNSURE, is_complete=False, parameters={"aggregation": "sum"})
    step = next_steps(standing(labels=(PREDICTED,), scored=(half,)))[0]
    assert (step.label, step.operator) == ("Finish scoring uncertainty", "score_uncertainty")
    assert step.params == {"label_field": "predictions"}
    assert "predictions_uncertainty_margin" in step.why


@pytest.mark.parametrize(
    ("scored", "expected"),
    [
        (UNSURE, {"label_field": "predictions"}),
        (IMAGES, {}),
        (
            Scored("score_label_quality", ("ground_truth",), ("q",), {"predictions_field": "predictions", "method": "a"}),
            {"label_field": "ground_truth", "predictions_field": "predictions"},
        ),
        (
            Scored("score_predicted_loss", ("predictions",), ("l",), {"ground_truth": "ground_truth", "labeled": None}),
            {"label_field": "predictions", "ground_truth": "ground_truth"},
        ),
        (Scored("score_disagreement", ("a", "b"), ("d",), {"iou": 0.5}), {"label_fields": ["a", "b"]}),
    ],
)  # fmt: skip
def test_what_was_scored_is_asked_for_again(scored, expected):
    assert again(scored) == expected


def test_labels_are_checked_by_predictions_of_the_same_kind():
    step = steps(labels=(PREDICTED, TRUE))["Find wrong labels in ground_truth"]
    assert step.params == {"label_field": "ground_truth", "predictions_field": "predictions"}
    boxes = replace(PREDICTED, kind="Detections")
    assert "score_label_quality" not in operators(labels=(boxes, TRUE))
    assert "score_label_quality" not in operators(labels=(PREDICTED, TRUE), issues=(FOUND,))


def test_suspected_errors_are_reviewed():
    found = replace(FOUND, created="2024-02")
    step = steps(issues=(found,))["Review the suspected errors of ground_truth"]
    assert (step.operator, step.params) == ("start_review", {"run_key": "review_1", "label_field": "ground_truth"})
    assert "7 of 100 samples" in step.why
    assert "start_review" not in operators(issues=(replace(found, n_flagged=0),))
    # A review of the errors of an earlier look, and of other labels, does not count.
    other = (replace(REVIEW, created="2024-01"), replace(REVIEW, run_key="review_2", label_field="other", n_open=0))
    step = steps(issues=(found,), reviews=other)["Review the suspected errors of ground_truth"]
    assert step.params["run_key"] == "review_3"
    assert "start_review" not in operators(issues=(found,), reviews=(REVIEW,))


def test_a_review_goes_on_until_everything_is_decided():
    step = steps(reviews=(REVIEW,))["Go on with review_1"]
    assert (step.panel, step.operator) == ("shortlist_review", None)
    assert step.why.startswith("41 of 50 items are decided.")
    disputed = replace(REVIEW, n_open=0, n_disputed=1)
    assert "on 1 sample opinions differ" in steps(reviews=(disputed,))["Settle what people disagree on in review_1"].why
    assert steps(reviews=(replace(REVIEW, n_open=0),)).keys().isdisjoint({"Go on with review_1", "Apply review_1"})


def test_what_was_decided_is_applied_and_labels_are_scored_again():
    decided = replace(REVIEW, n_open=0, has_changes=True)
    step = steps(reviews=(decided,))["Apply review_1"]
    assert (step.operator, step.params) == ("apply_review", {"run_key": "review_1"})
    assert "apply_review" not in operators(reviews=(replace(decided, n_open=1),))
    assert "apply_review" not in operators(reviews=(replace(decided, label_field=None),))
    applied = replace(decided, has_changes=False, applied="2024-04")
    found = replace(FOUND, created="2024-02")
    step = steps(issues=(found,), reviews=(applied,))["Look for errors in ground_truth again"]
    assert step.params == {"label_field": "ground_truth", "predictions_field": "predictions"}
    # Once that is done, what it found is reviewed in turn.
    anew = operators(issues=(replace(found, created="2024-05"),), reviews=(applied,))
    assert ("score_label_quality" in anew, "start_review" in anew) == (False, True)


@pytest.mark.parametrize(
    ("has", "preset", "label"),
    [
        ({"embeddings": (CLIP,)}, "first_batch", "Select a first batch"),
        ({"embeddings": (CLIP,), "labeled": "labeled"}, "first_batch", "Select the next batch"),
        ({"embeddings": (CLIP,), "labels": (PREDICTED,)}, "next_batch", "Select the next batch"),
        ({"labels": (PREDICTED,)}, "balanced_classes", "Select a first batch"),
    ],
)
def test_a_first_selection_uses_what_there_is(has, preset, label):
    step = steps(**has)[label]
    assert (step.operator, step.preset, step.params["run_key"]) == ("select_samples", preset, "round_1")
    config = SelectionConfig.model_validate({**step.params["config"], "n_samples": 10})
    assert config.preselected == ([has["labeled"]] if "labeled" in has else None)


def test_nothing_to_select_by():
    assert "select_samples" not in operators(labels=(TRUE,))


def test_embeddings_of_a_brain_run_will_do():
    stored = Vectors("sim", is_field=False)
    config = steps(embeddings=(stored,))["Select a first batch"].params["config"]
    assert config["strategies"][0]["input"] == {"type": "EMBEDDINGS", "brain_key": "sim"}
    # The others take fields only.
    assert "back_test" not in operators(embeddings=(stored,), labels=(TRUE,))
    assert steps(embeddings=(stored,))["See the dataset as a map"].params == {}


def test_the_newest_selection_without_an_analysis_is_analyzed():
    later = replace(ROUND, run_key="round_2")
    found = [one for one in next_steps(standing(selections=(ROUND, later))) if one.operator == "analyze_selection"]
    assert [one.params for one in found] == [{"run_key": "round_2"}]
    found = steps(selections=(ROUND, later), analyses=(Analyzed("round_2"),))
    assert found["Analyze round_1"].params == {"run_key": "round_1"}


def test_an_analysis_of_what_has_changed_is_made_again():
    assert steps(analyses=(Analyzed("train", is_current=False),))["Analyze train again"].params == {"run_key": "train"}


def test_what_is_uncovered_is_selected_next():
    has = {"embeddings": (CLIP,), "labels": (PREDICTED,), "selections": (ROUND,), "labeled": "labeled"}
    step = steps(**has, analyses=(Analyzed("round_1", 4, 0.031),))["Select the next round on top of labeled, round_1"]
    assert "4 regions" in step.why
    assert "3.1%" in step.why
    assert (step.params["run_key"], step.params["config"]["preselected"]) == ("round_2", ["labeled", "round_1"])
    for analysis in (Analyzed("round_1", 0), Analyzed("round_1", 4, is_current=False), Analyzed("other", 4)):
        assert "select_samples" not in operators(**has, analyses=(analysis,))


def test_the_next_round_stands_on_all_before_it():
    on_top = replace(ROUND, run_key="round_2", datapool=("labeled", "round_1"))
    has = {"embeddings": (CLIP,), "selections": (ROUND, on_top), "analyses": (Analyzed("round_2", 4),)}
    step = steps(**has)["Select the next round on top of labeled, round_1, round_2"]
    assert step.params["config"]["preselected"] == ["labeled", "round_1", "round_2"]
    assert step.params["run_key"] == "round_3"


def test_a_round_waits_for_its_labels():
    boxes = Labels("boxes", "Detections", True)
    has = {"labels": (PREDICTED, boxes, TRUE), "embeddings": (CLIP,), "selections": (ROUND,)}
    step = steps(**has, rounds=(Round("round_1", 20, "ground_truth", 8),))["Label round_1"]
    assert step.operator == "export_annotations"
    assert step.params == {
        "run_key": "round_1_labels",
        "source": "round_1",
        "label_field": "ground_truth",
        "prelabels": "predictions",
    }
    assert step.why.startswith("8 of its 20 samples have ground_truth")
    assert "select_samples" not in operators(**has, rounds=(Round("round_1", 20, "ground_truth", 8),))
    # When they are there, the next round may begin, whatever is known of its coverage.
    found = steps(**has, rounds=(Round("round_1", 20, "ground_truth", 20),))
    assert "Label round_1" not in found
    assert found["Select the next round on top of round_1"].why == "round_1 has its labels."


def test_two_selections_are_compared():
    assert "compare_selections" not in operators(selections=(ROUND,))
    others = (ROUND, replace(ROUND, run_key="b"), replace(ROUND, run_key="c"))
    step = steps(selections=others)["Compare b with c"]
    assert (step.tab, step.params) == ("compare", {"run_keys": ["b", "c"]})


def test_strategies_are_back_tested_where_there_are_labels_and_vectors():
    step = steps(labels=(TRUE,), embeddings=(CLIP,))["Back-test strategies on ground_truth"]
    assert step.params == {"label_field": "ground_truth", "embeddings": "clip"}
    assert "back_test" not in operators(labels=(TRUE,))
    assert "back_test" not in operators(labels=(PREDICTED,), embeddings=(CLIP,))
    assert "back_test" not in operators(labels=(replace(TRUE, share=0.0),), embeddings=(CLIP,))
    tested = (BackTested("back_test_1", "ground_truth"),)
    assert "back_test" not in operators(labels=(TRUE,), embeddings=(CLIP,), back_tests=tested)


def test_several_models_are_compared():
    models = (PREDICTED, replace(PREDICTED, path="other"), replace(PREDICTED, path="boxes", kind="Detections"))
    step = steps(labels=models)["Compare the predictions predictions, other"]
    assert step.params == {"label_fields": ["predictions", "other"]}
    done = Scored("score_disagreement", ("predictions", "other"), ("disagreement_bald",), {})
    assert "score_disagreement" not in operators(labels=models, scored=(done,))
    assert "score_disagreement" not in operators(labels=models[1:])


@pytest.mark.parametrize(("share", "is_offered"), [(0.3, True), (1.0, False), (0.0, False), (None, False)])
def test_losses_are_learned_where_some_samples_are_labelled(share, is_offered):
    labels = (PREDICTED, replace(TRUE, share=share))
    assert ("score_predicted_loss" in operators(labels=labels)) == is_offered


def test_losses_are_learned_from_vectors_too():
    step = steps(labels=(PREDICTED, TRUE), embeddings=(CLIP,))["Predict where predictions is wrong"]
    assert step.params == {"label_field": "predictions", "ground_truth": "ground_truth", "embeddings": "clip"}


def test_only_images_are_measured():
    assert "score_images" in operators()
    assert "score_images" not in operators(media="video")
    assert "score_images" not in operators(scored=(IMAGES,))


def test_every_rule_gives_a_step_somewhere():
    standings = [
        standing(),
        standing(labels=(PREDICTED, replace(PREDICTED, path="other"), TRUE), embeddings=(CLIP,)),
        standing(
            embeddings=(CLIP,),
            scored=(replace(UNSURE, is_complete=False),),
            issues=(FOUND, replace(FOUND, label_field="other", created="2024-01")),
            selections=(ROUND, replace(ROUND, run_key="round_2")),
            analyses=(Analyzed("round_2", 3),),
            reviews=(
                replace(REVIEW, label_field="third"),
                Reviewed("b", "other", 5, 0, applied="2024-03", has_changes=True),
            ),
            rounds=(Round("round_2", 20, "ground_truth", 8),),
        ),
    ]
    silent = [rule.__name__ for rule in RULES if not any(list(rule(one)) for one in standings)]
    assert silent == []
