"""The operator score_disagreement: its form, live in the App, from Python, delegated and on the command line."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators.delegated import DelegatedOperationService

from shortlist import score_disagreement
from shortlist.cli import main
from shortlist.core.schema import described, parse
from shortlist.core.verbs import ScoreDisagreement
from shortlist.operators import forms

URI = "@shortlist/curation/score_disagreement"
SCORES = ("vote_entropy", "variation_ratio", "consensus_kl", "bald")


@pytest.fixture
def committee(make):
    """Eight samples with the classifications of three models, in a persistent order."""
    rng = np.random.default_rng(0)
    samples = []
    for row in range(8):
        members = rng.dirichlet(np.ones(3), 3)
        labels = {
            f"model_{m}": fo.Classification(label="abc"[one.argmax()], probabilities=one.tolist())
            for m, one in enumerate(members)
        }
        samples.append(fo.Sample(f"/nowhere/{row}.png", **labels))
    return make(samples, default_classes=["a", "b", "c"])


def drawn(operator, context, dataset, params: dict | None = None) -> dict:
    """The form as the App gets it."""
    resolved = operator("score_disagreement").resolve_input(context("score_disagreement", dataset, params))
    return resolved.to_json()["type"]["properties"]


@pytest.fixture(scope="module")
def mixed():
    """Fields of each kind that can be compared, of samples, and of frames of a video."""
    images, video = fo.Dataset(), fo.Dataset()
    label = {
        "one": fo.Classification(label="a"),
        "boxes": fo.Detections(),
        "lines": fo.Polylines(),
        "mask": fo.Segmentation(mask=np.zeros((2, 2), np.uint8)),
    }
    images.add_sample(fo.Sample("/nowhere/0.png", **{name: one.copy() for name, one in label.items()}))
    sample = fo.Sample("/nowhere/0.mp4", whole=fo.Classification(label="a"))
    sample.frames[1] = fo.Frame(filepath="/nowhere/1.png", one=label["one"].copy(), boxes=fo.Detections())
    video.add_sample(sample)
    yield {"images": images, "video": video, "frames": video.to_frames()}
    for dataset in (images, video):
        dataset.delete()


ALWAYS = {"label_fields", "scores", "name", "passes_attribute", "probabilities_attribute"}


@pytest.mark.parametrize(
    ("kind", "params", "shown"),
    [
        ("images", {"label_fields": ["one"]}, set()),
        ("images", {"label_fields": ["mask", "boxes"]}, set()),
        ("images", {"label_fields": ["boxes"]}, {"iou", "min_confidence"}),
        ("images", {"label_fields": ["boxes"], "passes_attribute": ""}, {"iou", "min_confidence"}),
        ("images", {"label_fields": ["boxes", "one"], "aggregation": "top_m"}, {"iou", "min_confidence"}),
        ("images", {"label_fields": ["one"], "passes_attribute": "p", "aggregation": "top_m"}, set()),
        ("images", {"label_fields": ["lines"], "passes_attribute": "p"}, {"min_confidence", "aggregation"}),
        (
            "images",
            {"label_fields": ["boxes"], "passes_attribute": "p", "aggregation": "top_m"},
            {"min_confidence", "aggregation", "top_m"},
        ),
        ("video", {"label_fields": ["frames.one"]}, {"frame_aggregation"}),
        ("video", {"label_fields": ["frames.boxes"]}, {"iou", "min_confidence", "frame_aggregation"}),
        ("video", {"label_fields": ["whole"]}, set()),
        ("frames", {"label_fields": ["one"]}, {"frame_aggregation"}),
        # Nothing is chosen: what matters for any of the fields.
        ("images", {}, {"iou", "min_confidence"}),
        ("images", {"label_fields": []}, {"iou", "min_confidence"}),
        ("images", {"passes_attribute": "p"}, {"min_confidence", "aggregation"}),
        ("video", {"label_fields": None}, {"iou", "min_confidence", "frame_aggregation"}),
    ],
)
def test_a_form_asks_what_matters_for_the_first_field(operator, context, mixed, kind, params, shown):
    view = mixed[kind] if kind == "frames" else None
    made = context("score_disagreement", mixed["video" if view is not None else kind], params, view=view)
    properties = operator("score_disagreement").resolve_input(made).to_json()["type"]["properties"]
    known = dict(described(ScoreDisagreement))
    assert {name for name in properties if name in known} == ALWAYS | shown
    for name in ALWAYS | shown:
        assert properties[name]["view"]["description"] == known[name].description


def test_the_form_says_which_scores_are_for_what():
    description = dict(described(ScoreDisagreement))["scores"].description
    assert "Detections: f1_distance, class_conflict, iou_distance, unmatched" in description
    assert all(name in description for name in SCORES)


def test_what_was_filled_in_for_other_fields_does_no_harm(committee):
    """The App keeps the values of inputs that it no longer shows."""
    sent = {"label_fields": ["model_0", "model_1"], "iou": 0.9, "min_confidence": 0.9, "aggregation": "sum", "top_m": 5}
    score_disagreement(committee, **forms.submitted(ScoreDisagreement, sent))
    score_disagreement(committee, ["model_0", "model_1"], name="plain")
    assert committee.values("disagreement_bald") == committee.values("plain_bald")


def test_several_fields_are_chosen_in_one_input(operator, context, committee):
    chosen = drawn(operator, context, committee)["label_fields"]
    assert chosen["type"]["name"] == "List"
    assert chosen["required"]
    assert chosen["view"]["name"] == "AutocompleteView"
    assert chosen["view"]["multiple"]
    assert not chosen["view"]["allow_user_input"]
    assert [one["value"] for one in chosen["view"]["choices"]] == ["model_0", "model_1", "model_2"]


def test_what_is_missing_is_said(operator, context, make):
    properties = drawn(operator, context, make([fo.Sample("/nowhere/1.png", number=1)]))
    assert "no prediction field" in properties["problem"]["view"]["label"]
    assert properties["problem"]["invalid"]


def test_what_is_wrong_is_said_while_the_form_is_filled(operator, context, committee):
    one = drawn(operator, context, committee, {"label_fields": ["model_0"], "name": "disagreement", "iou": 0.5})
    assert one["problem"]["view"]["label"].startswith("label_fields must be at least two fields")
    two = drawn(operator, context, committee, {"label_fields": ["model_0", "model_1"], "name": "mine", "iou": 0.5})
    assert "problem" not in two
    assert "problem" not in drawn(operator, context, committee)


def test_a_filled_form_is_read_as_the_model_takes_it():
    held = {
        "label_fields": ["model_0", "model_1"],
        "scores": ["bald"],
        "name": "mine",
        "passes_attribute": "",
        "iou": 1,
        "min_confidence": None,
        "aggregation": "max",
        "probabilities_attribute": "probabilities",
    }
    read = parse(ScoreDisagreement, forms.submitted(ScoreDisagreement, held))
    assert (read.label_fields, read.scores, read.iou, read.passes_attribute) == (
        held["label_fields"],
        ["bald"],
        1,
        None,
    )


def test_live_it_tells_progress_result_and_reload(operator, context, committee):
    params = {"label_fields": ["model_0", "model_1", "model_2"]}
    running = operator("score_disagreement").execute(context("score_disagreement", committee, params))
    messages = [(one.body.operator_uri.split("/")[-1], one.body.params or {}) for one in running]
    assert [name for name, _ in messages] == ["set_progress", "reload_dataset", "notify", "show_output"]
    assert messages[0][1] == {"progress": 1.0, "label": "comparing model_0, model_1, model_2: 8 of 8"}
    assert messages[2][1]["message"] == "Compared 'model_0', 'model_1', 'model_2' on 8 samples"
    assert {"what": "members", "value": "3 of 3 on 8 samples"} in messages[3][1]["results"]["details"]
    committee.reload()
    assert all(None not in committee.values(f"disagreement_{name}") for name in SCORES)


def test_from_python_on_a_view(operator, committee):
    summary = operator("score_disagreement")(committee.limit(3), ["model_0", "model_1"], scores=["bald"], name="two")
    assert summary.n_samples == 3
    assert [one is not None for one in committee.values("two_bald")] == [True] * 3 + [False] * 5


def test_by_name_through_fiftyone(committee):
    foo.execute_operator(URI, {"dataset": committee}, params={"label_fields": ["model_0", "model_1"]})
    committee.reload()
    assert None not in committee.values("disagreement_vote_entropy")


def test_delegated(operator, committee):
    queued = operator("score_disagreement")(committee, ["model_0", "model_1"], scores=["bald"], delegate=True)
    service = DelegatedOperationService()
    service.execute_queued_operations(operator=URI, dataset_name=committee.name, limit=1)
    operation = service.get(queued.result["id"])
    committee.reload()
    assert operation.run_state == "completed"
    assert operation.result.result["headline"] == "Compared 'model_0', 'model_1' on 8 samples"
    assert None not in committee.values("disagreement_bald")


def test_on_the_command_line(committee, capsys):
    arguments = [
        "disagreement",
        committee.name,
        "--label-fields",
        "model_0",
        "model_1",
        "--scores",
        "bald",
        "--iou",
        "0.4",
    ]
    assert main(arguments) == 0
    assert "Compared 'model_0', 'model_1' on 8 samples" in capsys.readouterr().out
    assert main(["disagreement", committee.name, "--label-fields", "model_0", "modl_1"]) == 2
    assert "Did you mean 'model_1'?" in capsys.readouterr().err
    committee.reload()
    assert None not in committee.values("disagreement_bald")
