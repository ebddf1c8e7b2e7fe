"""score_disagreement through real datasets and back: what is stored, against values worked by hand and plain loops."""

from __future__ import annotations

import math

import cv2
import fiftyone as fo
import fiftyone.core.odm as odm
import fiftyone.utils.iou as foui
import numpy as np
import pytest
import scipy.stats
from fiftyone import ViewField as F
from sklearn.metrics import jaccard_score

from shortlist import score_disagreement
from shortlist.core.errors import Cancelled
from shortlist.dataset import predictions
from shortlist.dataset.results import Staging, is_complete, mark_of

VOTES = ("vote_entropy", "variation_ratio", "consensus_kl", "bald")
OBJECTS = ("f1_distance", "class_conflict", "iou_distance", "unmatched")


def values(dataset: fo.Dataset, *names: str, name: str = "disagreement") -> dict[str, list]:
    return {one: dataset.values(f"{name}_{one}") for one in names}


def made_of(make, *rows: dict, kinds: dict | None = None, **attributes) -> fo.Dataset:
    """One sample a row of labels by field; ``kinds`` declares fields that no row may have."""
    dataset = make([fo.Sample(f"/nowhere/{row:03d}.png", **labels) for row, labels in enumerate(rows)], **attributes)
    for path, kind in (kinds or {}).items():
        if dataset.get_field(path) is None:
            dataset.add_sample_field(path, fo.EmbeddedDocumentField, embedded_doc_type=kind)
    return dataset


def says(label: str | None = "a", **attributes) -> fo.Classification:
    return fo.Classification(label=label, **attributes)


def sees(*objects: tuple, **attributes) -> fo.Detections:
    """Objects from (label, x, y, width, height)."""
    return fo.Detections(
        detections=[fo.Detection(label=label, bounding_box=list(box), **attributes) for label, *box in objects]
    )


@pytest.fixture
def opinions(make):
    """Thirty samples with the probabilities of three models."""
    rng = np.random.default_rng(3)
    rows = []
    for row in rng.dirichlet(np.full(4, 0.4), (30, 3)):
        rows.append({f"model_{m}": says("abcd"[one.argmax()], probabilities=one.tolist()) for m, one in enumerate(row)})
    return made_of(make, *rows, default_classes=list("abcd"))


FIELDS = ["model_0", "model_1", "model_2"]


# Classification -------------------------------------------------------------------------------------------------------


def by_loops(labels: list[str], probabilities: list[list[float]], n_classes: int) -> dict[str, float]:
    """All four scores of one sample, without an array."""
    members = len(labels)
    shares = [labels.count(label) / members for label in dict.fromkeys(labels)]
    entropy = -sum(share * math.log(share) for share in shares) / math.log(min(members, n_classes))
    mean = [sum(column) / members for column in zip(*probabilities, strict=True)]
    kl = sum(scipy.stats.entropy(one, mean) for one in probabilities) / members
    return {"vote_entropy": entropy, "variation_ratio": 1 - max(shares), "consensus_kl": kl, "bald": kl}


def test_classifications_with_lists_of_probabilities(opinions):
    summary = score_disagreement(opinions, FIELDS)
    found = values(opinions, *VOTES)
    for row, sample in enumerate(opinions):
        labels = [sample[path].label for path in FIELDS]
        expected = by_loops(labels, [sample[path].probabilities for path in FIELDS], 4)
        assert {name: found[name][row] for name in VOTES} == pytest.approx(expected, abs=1e-6)
    assert (summary.n_samples, summary.n_objects, summary.unscoreable, summary.members) == (30, 0, {}, {3: 30})
    assert summary.fields["disagreement_bald"] == {"scored": 30, "mean": pytest.approx(np.mean(found["bald"]))}
    assert summary.headline == "Compared 'model_0', 'model_1', 'model_2' on 30 samples"


def test_the_order_of_the_fields_changes_nothing(opinions):
    score_disagreement(opinions, FIELDS)
    score_disagreement(opinions, FIELDS[::-1], name="reversed")
    for name in VOTES:
        np.testing.assert_allclose(
            opinions.values(f"disagreement_{name}"), opinions.values(f"reversed_{name}"), atol=1e-6
        )


def test_what_each_member_stores_is_read_its_own_way(make):
    """An array, logits and a confidence: .7 of three classes leaves .15 to each of the others."""
    spread, logits = [0.7, 0.15, 0.15], np.log([0.2, 0.3, 0.5])
    row = {
        "array": says("a", probabilities=np.array([0.1, 0.6, 0.3], np.float32)),
        "logits": says("c", logits=logits),
        "confidence": says("a", confidence=0.7),
    }
    dataset = made_of(make, row, default_classes=["a", "b", "c"])
    score_disagreement(dataset, list(row))
    expected = by_loops(["a", "c", "a"], [[0.1, 0.6, 0.3], [0.2, 0.3, 0.5], spread], 3)
    assert {name: one for name, (one,) in values(dataset, *VOTES).items()} == pytest.approx(expected, abs=1e-6)


def test_confidences_alone_spread_over_the_classes_of_all_members(make):
    """Without declared classes, one member's labels are a and b, the other's b and c: three classes."""
    rows = [{"first": says("a", confidence=0.8), "second": says("b", confidence=0.6)},
            {"first": says("b", confidence=0.5), "second": says("c", confidence=0.5)}]  # fmt: skip
    dataset = made_of(make, *rows)
    score_disagreement(dataset, ["first", "second"])
    expected = by_loops(["a", "b"], [[0.8, 0.1, 0.1], [0.2, 0.6, 0.2]], 3)
    assert {name: found[0] for name, found in values(dataset, *VOTES).items()} == pytest.approx(expected, abs=1e-6)


def test_members_that_declare_their_classes_in_different_orders_are_brought_into_one(make):
    row = {
        "first": says("a", probabilities=[0.7, 0.2, 0.1]),
        "second": says("a", probabilities=[0.1, 0.7, 0.2]),
    }
    dataset = made_of(make, row, classes={"first": ["a", "b", "c"], "second": ["c", "a", "b"]})
    score_disagreement(dataset, ["first", "second"])
    assert values(dataset, *VOTES) == {name: [pytest.approx(0, abs=1e-7)] for name in VOTES}


def test_missing_members_are_left_out_and_counted(make):
    rows = [
        {"first": says("a"), "second": says("b"), "third": says("b")},
        {"first": says("a"), "third": says("a")},
        {"second": says("a")},
        {"first": says(None), "second": says("a"), "third": says("b")},
        {},
    ]
    dataset = made_of(make, *rows)
    summary = score_disagreement(dataset, ["first", "second", "third"], scores=["variation_ratio"])
    assert dataset.values("disagreement_variation_ratio") == [pytest.approx(1 / 3), 0, None, 0.5, None]
    assert summary.members == {3: 2, 2: 1, 1: 1, 0: 1}
    assert summary.unscoreable == {"fewer than two of 'first', 'second', 'third'": 2}
    assert "not scored" in str(summary)


def test_votes_need_no_probabilities_and_probabilities_are_counted_where_they_lack(make):
    dataset = made_of(make, {"first": says("a"), "second": says("b")}, {"first": says("a"), "second": says("a")})
    summary = score_disagreement(dataset, ["first", "second"])
    found = values(dataset, *VOTES)
    assert found == {
        "vote_entropy": [1, 0],
        "variation_ratio": [0.5, 0],
        "consensus_kl": [None] * 2,
        "bald": [None] * 2,
    }
    reason = "fewer than two labels with probabilities, logits or a confidence (consensus_kl, bald)"
    assert summary.unscoreable == {reason: 2}
    assert math.isnan(summary.fields["disagreement_bald"]["mean"])
    assert ("disagreement_bald", "no samples could be scored") in list(summary.rows())


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["b", "a"], ["a"], [[0.2, 0.8], [0.2, 0.8]]),
        (["b", "a", "c"], ["a"], [[0.1, 0.8, 0.1], [0.1, 0.8, 0.1]]),
        (["a"], ["b", "a"], [[0.8, 0.2], [0.8, 0.2]]),
    ],
)
def test_a_list_of_one_class_is_that_class_against_all_others(make, first, second, expected):
    row = {"first": says("a", confidence=0.8), "second": says("a", confidence=0.8)}
    dataset = made_of(make, row, classes={"first": first, "second": second})
    score_disagreement(dataset, ["first", "second"])
    (found,) = dataset.values("disagreement_bald")
    assert found == pytest.approx(by_loops(["a", "a"], expected, len(expected[0]))["bald"], abs=1e-6)


def test_two_lists_of_one_class_each_are_two_classes(make):
    row = {"first": says("a", confidence=0.8), "second": says("b", confidence=0.8)}
    dataset = made_of(make, row, classes={"first": ["a"], "second": ["b"]})
    score_disagreement(dataset, ["first", "second"])
    expected = by_loops(["a", "b"], [[0.8, 0.2], [0.2, 0.8]], 2)
    assert {name: one for name, (one,) in values(dataset, *VOTES).items()} == pytest.approx(expected, abs=1e-6)


def test_fields_without_a_single_label_are_all_none(make):
    dataset = made_of(make, {}, {}, kinds={"first": fo.Classification, "second": fo.Classification})
    summary = score_disagreement(dataset, ["first", "second"])
    assert values(dataset, *VOTES) == {name: [None, None] for name in VOTES}
    assert summary.unscoreable == {"fewer than two of 'first', 'second'": 2}


def test_the_fields_say_what_they_are(opinions):
    score_disagreement(opinions, FIELDS, scores=["bald", "vote_entropy"], name="committee é 1")
    paths = [path for path in opinions.get_field_schema() if path.startswith("committee")]
    assert paths == ["committee é 1_vote_entropy", "committee é 1_bald"]
    field = opinions.get_field(paths[0])
    sentence = "High: the members vote for many classes. Compared: model_0, model_1, model_2."
    assert field.description.endswith(sentence)
    mark = mark_of(opinions, paths[0])
    assert (mark["verb"], mark["range"], mark["status"]) == ("score_disagreement", [0, 1], "complete")
    assert mark["parameters"]["label_fields"] == FIELDS
    assert mark_of(opinions, paths[1])["range"] == [0, None]
    assert paths[0] in opinions.list_indexes()
    assert paths[0] in next(group for group in opinions.app_config.sidebar_groups if group.name == "shortlist").paths


def test_a_view_is_compared_alone_and_a_second_run_replaces_the_first(opinions):
    score_disagreement(opinions[:10], FIELDS, scores=["bald"])
    assert [one is not None for one in opinions.values("disagreement_bald")] == [True] * 10 + [False] * 20
    score_disagreement(opinions, FIELDS[:2], scores=["bald"])
    score_disagreement(opinions, FIELDS[:2], scores=["bald"], name="again")
    assert opinions.values("disagreement_bald") == opinions.values("again_bald")
    assert mark_of(opinions, "disagreement_bald")["parameters"]["label_fields"] == FIELDS[:2]


def test_many_batches_are_as_one(opinions, monkeypatch):
    score_disagreement(opinions, FIELDS)
    monkeypatch.setattr("shortlist.dataset.samples.documents.__defaults__", (7,))
    told = []
    score_disagreement(opinions, FIELDS, name="small", progress=lambda *step: told.append(step))
    for name in VOTES:
        assert opinions.values(f"small_{name}") == opinions.values(f"disagreement_{name}")
    assert [step[:2] for step in told] == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]


# Stochastic passes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "store", [lambda passes: passes.tolist(), lambda passes: passes, list], ids=["lists", "array", "arrays"]
)
def test_passes_of_classifications(make, store):
    passes = np.random.default_rng(0).dirichlet(np.ones(3), (6, 4)).astype(np.float32)
    dataset = made_of(make, *({"dropout": says("a", passes=store(one))} for one in passes), {"dropout": says("a")}, {})
    summary = score_disagreement(dataset, ["dropout"], passes_attribute="passes")
    found = values(dataset, *VOTES)
    for row, one in enumerate(passes.astype(float)):
        expected = by_loops([str(best) for best in one.argmax(axis=1)], one.tolist(), 3)
        assert {name: found[name][row] for name in VOTES} == pytest.approx(expected, abs=1e-5)
    assert all(column[6:] == [None, None] for column in found.values())
    assert summary.unscoreable == {"no 'dropout'": 1, "no passes in 'passes' that can be read": 1}
    assert summary.headline == "Compared the passes 'passes' of 'dropout' on 8 samples"


@pytest.mark.parametrize(("aggregation", "combine"), [("max", max), ("sum", sum), ("mean", np.mean)])
def test_passes_of_detections_are_on_the_objects_and_aggregated(make, aggregation, combine):
    sure, split = [[0.9, 0.1], [0.9, 0.1]], [[1.0, 0.0], [0.0, 1.0]]

    def objects(*passes) -> fo.Detections:
        found = sees(*(("a", 0.1, 0.1, 0.2, 0.2) for _ in passes))
        for one, given in zip(found.detections, passes, strict=True):
            one["passes"] = given
        return found

    rows = [{"dropout": objects(sure, split)}, {"dropout": objects()}, {}, {"dropout": objects(None, split)}]
    dataset = made_of(make, *rows)
    summary = score_disagreement(dataset, ["dropout"], passes_attribute="passes", aggregation=aggregation)
    expected = pytest.approx(math.log(2))
    assert dataset.values("dropout.detections.disagreement_bald") == [[0, expected], [], None, [None, expected]]
    assert dataset.values("disagreement_bald") == [pytest.approx(combine([0, math.log(2)])), 0, None, expected]
    assert (summary.n_objects, summary.unscoreable) == (4, {"no 'dropout'": 1})
    high = None if aggregation == "sum" else 1
    assert mark_of(dataset, "disagreement_vote_entropy")["range"] == [0, high]
    assert mark_of(dataset, "dropout.detections.disagreement_vote_entropy")["range"] == [0, 1]


def test_passes_of_unsure_objects_do_not_count_for_their_sample(make):
    found = sees(("a", 0, 0, 0.1, 0.1), ("a", 0, 0, 0.1, 0.1))
    for one, confidence in zip(found.detections, (0.2, 0.9), strict=True):
        one.confidence, one["passes"] = confidence, [[1 - confidence, confidence], [0.1, 0.9]]
    dataset = made_of(make, {"dropout": found})
    score_disagreement(dataset, ["dropout"], passes_attribute="passes", min_confidence=0.5)
    assert dataset.values("disagreement_vote_entropy") == [0]
    assert dataset.values("dropout.detections.disagreement_vote_entropy") == [[1, 0]]


def test_an_empty_list_is_no_passes_and_neither_is_a_row_of_gaps(make):
    gaps = [[0.9, 0.1], [math.nan, math.nan], [0.1, 0.9]]
    dataset = made_of(make, {"dropout": says("a", passes=[])}, {"dropout": says("a", passes=gaps)})
    summary = score_disagreement(dataset, ["dropout"], passes_attribute="passes", scores=["variation_ratio"])
    assert dataset.values("disagreement_variation_ratio") == [None, 0.5]
    assert summary.unscoreable == {"no passes in 'passes' that can be read": 1}


def test_passes_may_be_of_different_numbers(make):
    rows = [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]
    dataset = made_of(make, *({"dropout": says("a", passes=passes)} for passes in rows))
    score_disagreement(dataset, ["dropout"], passes_attribute="passes", scores=["variation_ratio"])
    assert dataset.values("disagreement_variation_ratio") == [0.5, pytest.approx(1 / 3)]


# Detections -----------------------------------------------------------------------------------------------------------

A, B = (0.1, 0.1, 0.2, 0.2), (0.5, 0.5, 0.2, 0.2)


def test_detections_worked_by_hand(make):
    rows = [
        {"first": sees(("cat", *A), ("dog", *B)), "second": sees(("cat", *A), ("cat", *B))},
        {"first": sees(("cat", *A), ("dog", *B)), "second": sees()},
        {"first": sees(), "second": sees()},
        {"first": sees(("cat", *A))},
        {},
        # Shifted by .02 of .2: IoU .18/.22.
        {"first": sees(("cat", *A)), "second": sees(("cat", 0.12, 0.1, 0.2, 0.2))},
    ]
    dataset = made_of(make, *rows)
    summary = score_disagreement(dataset, ["first", "second"])
    shift = pytest.approx(1 - 0.18 / 0.22)
    assert values(dataset, *OBJECTS) == {
        "f1_distance": [0, 1, 0, None, None, 0],
        "class_conflict": [0.5, 0, 0, None, None, 0],
        "iou_distance": [0, 0, 0, None, None, shift],
        "unmatched": [0, 2, 0, None, None, 0],
    }
    assert dataset.values("first.detections.disagreement") == [[0, 1], [1, 1], [], [None], None, [0]]
    assert dataset.values("second.detections.disagreement") == [[0, 1], [], [], None, None, [0]]
    assert (summary.n_objects, summary.members) == (9, {2: 4, 1: 1, 0: 1})
    assert summary.unscoreable == {"fewer than two of 'first', 'second'": 2}


def test_objects_sort_patches_by_their_disagreement(make):
    members = {"first": sees(("cat", *A), ("dog", *B)), "second": sees(("cat", *A)), "third": sees(("cat", *A))}
    dataset = made_of(make, members)
    score_disagreement(dataset, list(members), name="odd")
    patches = dataset.to_patches("first").sort_by(F("first.odd"), reverse=True)
    assert patches.values("first.label") == ["dog", "cat"]
    assert patches.values("first.odd") == [1, 0]
    field = dataset.get_field("first.detections.odd")
    assert (field.info["shortlist"]["range"], field.info["shortlist"]["verb"]) == ([0, 1], "score_disagreement")


def test_unsure_objects_are_not_compared(make):
    first = sees(("cat", *A), ("dog", *B))
    first.detections[0].confidence, first.detections[1].confidence = 0.9, 0.1
    dataset = made_of(make, {"first": first, "second": sees(("cat", *A))})
    score_disagreement(dataset, ["first", "second"])
    assert dataset.values("first.detections.disagreement") == [[0, 1]]
    score_disagreement(dataset, ["first", "second"], min_confidence=0.5)
    assert dataset.values("disagreement_f1_distance") == [0]
    assert dataset.values("first.detections.disagreement") == [[0, None]]


def test_the_least_overlap_is_a_parameter(make):
    # IoU 1/3.
    row = {"first": sees(("cat", 0.1, 0.1, 0.2, 0.2)), "second": sees(("cat", 0.2, 0.1, 0.2, 0.2))}
    dataset = made_of(make, row)
    score_disagreement(dataset, ["first", "second"])
    score_disagreement(dataset, ["first", "second"], iou=0.3, name="loose")
    assert dataset.values("disagreement_f1_distance") == [1]
    assert dataset.values("loose_f1_distance") == [0]
    assert dataset.values("loose_iou_distance") == [pytest.approx(2 / 3)]


def test_detections_in_documents_and_under_unusual_names(make):
    holder = fo.DynamicEmbeddedDocument(first=sees(("cat", *A)))
    dataset = made_of(
        make, {"modèles": holder, "zweites Modell": sees(("dog", *A))}, {"zweites Modell": sees(("dog", *A))}
    )
    dataset.add_dynamic_sample_fields()
    score_disagreement(dataset, ["modèles.first", "zweites Modell"], name="wer hat recht?")
    assert dataset.values("wer hat recht?_class_conflict") == [1, None]
    assert dataset.values("modèles.first.detections.wer hat recht?") == [[1], None]
    assert dataset.values("zweites Modell.detections.wer hat recht?") == [[1], [None]]


@pytest.fixture
def halves(tmp_path):
    """Instance masks of one box: the left half, the right half, and a way to store them."""
    left = np.zeros((8, 8), bool)
    left[:, :4] = True

    def stored(mask: np.ndarray, way: str) -> dict:
        if way == "document":
            return {"mask": mask}
        path = str(tmp_path / f"{mask.tobytes().hex()[:32]}.png")
        cv2.imwrite(path, mask.astype(np.uint8) * 255)
        return {"mask_path": path}

    return left, ~left, stored


@pytest.mark.parametrize("way", ["document", "file"])
def test_instance_masks_count_where_both_have_them(make, halves, way):
    left, right, stored = halves
    rows = [
        {"first": sees(("cat", *A), **stored(left, way)), "second": sees(("cat", *A), **stored(right, way))},
        {"first": sees(("cat", *A), **stored(left, way)), "second": sees(("cat", *A), **stored(left, way))},
        {"first": sees(("cat", *A), **stored(left, way)), "second": sees(("cat", *A))},
    ]
    dataset = made_of(make, *rows)
    score_disagreement(dataset, ["first", "second"])
    assert dataset.values("disagreement_f1_distance") == [1, 0, 0]
    assert dataset.values("disagreement_unmatched") == [2, 0, 0]
    assert dataset.values("second.detections.disagreement") == [[1], [0], [0]]


def test_of_an_instance_mask_that_cannot_be_read_the_box_counts(make, halves):
    left, right, stored = halves
    rows = [
        {"first": sees(("a", *A), mask_path="/nowhere/mask.png"), "second": sees(("a", *A), mask=left)},
        {"first": sees(("a", *A), mask_path="/nowhere/other.png"), "second": sees(("a", *A), **stored(right, "file"))},
        {"first": sees(("a", *A), mask=right), "second": sees(("a", *A), mask=left)},
    ]
    dataset = made_of(make, *rows)
    summary = score_disagreement(dataset, ["first", "second"])
    assert dataset.values("disagreement_f1_distance") == [0, 0, 1]
    reason = "instance masks that cannot be read, compared by their boxes instead, such as /nowhere/mask.png"
    assert summary.problems == {reason: 2}


def test_what_is_opaque_in_an_instance_mask_is_not_what_is_there(make, tmp_path, halves):
    left, right, _ = halves
    path = str(tmp_path / "alpha.png")
    cv2.imwrite(path, np.dstack([left * np.uint8(255)] * 3 + [np.full(left.shape, 255, np.uint8)]))
    rows = [
        {"first": sees(("a", *A), mask_path=path), "second": sees(("a", *A), mask=left)},
        {"first": sees(("a", *A), mask_path=path), "second": sees(("a", *A), mask=right)},
    ]
    dataset = made_of(make, *rows)
    score_disagreement(dataset, ["first", "second"])
    assert dataset.values("disagreement_f1_distance") == [0, 1]


def test_overlaps_of_boxes_and_masks_are_those_of_fiftyone(make):
    """One object a member, so that 1 - IoU of the match is what FiftyOne's own function says."""
    rng, size = np.random.default_rng(5), 64

    def one(with_mask: bool) -> fo.Detection:
        x, y, width, height = (*rng.integers(0, 20, 2).tolist(), *rng.integers(24, 40, 2).tolist())
        mask = np.ones((height, width), bool)
        mask[: height // 3, : width // 3] = False
        box = [x / size, y / size, width / size, height / size]
        return fo.Detection(label="a", bounding_box=box, mask=mask if with_mask else None)

    for with_masks in (False, True):
        pairs = [(one(with_masks), one(with_masks)) for _ in range(20)]
        expected = [1 - foui.compute_ious([a], [b], use_masks=with_masks)[0, 0] for a, b in pairs]
        rows = [{"first": fo.Detections(detections=[a]), "second": fo.Detections(detections=[b])} for a, b in pairs]
        dataset = made_of(make, *rows)
        score_disagreement(dataset, ["first", "second"], iou=0.01)
        # FiftyOne places masks on a grid of its own: a pixel here or there.
        tolerance = 0.05 if with_masks else 1e-9
        np.testing.assert_allclose(dataset.values("disagreement_iou_distance"), expected, atol=tolerance)


# Segmentation ---------------------------------------------------------------------------------------------------------

FIRST, SECOND = np.array([[0, 0, 1, 1]] * 4, np.uint8), np.array([[0, 1, 1, 1]] * 4, np.uint8)
# Class 0: 1 of 2 columns; class 1: 2 of 3.
APART = 1 - (1 / 2 + 2 / 3) / 2


@pytest.fixture
def save(tmp_path):
    """Writes a mask or an array and gives its path."""

    def written(array: np.ndarray, name: str) -> str:
        path = str(tmp_path / name)
        if name.endswith(".png"):
            cv2.imwrite(path, array)
        elif name.endswith(".npy"):
            np.save(path, array)
        else:
            np.savez_compressed(path, array)
        return path

    return written


def test_masks_in_the_document_and_on_disk(make, save):
    on_disk = save(SECOND, "second.png")
    large = np.kron(SECOND, np.ones((3, 3), np.uint8))
    rows = [
        {"first": fo.Segmentation(mask=FIRST), "second": fo.Segmentation(mask=SECOND)},
        {"first": fo.Segmentation(mask=FIRST), "second": fo.Segmentation(mask_path=on_disk)},
        {"first": fo.Segmentation(mask=FIRST), "second": fo.Segmentation(mask=large)},
        {"first": fo.Segmentation(mask_path=on_disk), "second": fo.Segmentation(mask_path=on_disk)},
        {"first": fo.Segmentation(mask=FIRST)},
        {},
    ]
    dataset = made_of(make, *rows)
    summary = score_disagreement(dataset, ["first", "second"])
    expected = pytest.approx(APART)
    assert dataset.values("disagreement_miou_distance") == [expected, expected, expected, 0, None, None]
    assert list(summary.fields) == ["disagreement_miou_distance"]
    assert summary.unscoreable == {"fewer than two of 'first', 'second'": 2}


def test_ignored_pixels_and_colours(make):
    ignoring = FIRST.copy()
    ignoring[:, 1] = 255
    colours = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
    rows = [
        {"first": fo.Segmentation(mask=ignoring), "second": fo.Segmentation(mask=SECOND)},
        {"first": fo.Segmentation(mask=colours[FIRST]), "second": fo.Segmentation(mask=colours[SECOND])},
    ]
    dataset = made_of(make, *rows)
    score_disagreement(dataset, ["first", "second"])
    assert dataset.values("disagreement_miou_distance") == [0, pytest.approx(APART)]


def test_a_class_255_that_the_dataset_names_counts(make):
    row = {"first": fo.Segmentation(mask=FIRST * 255), "second": fo.Segmentation(mask=SECOND * 255)}
    dataset = made_of(make, row, default_mask_targets={255: "object"})
    score_disagreement(dataset, ["first", "second"])
    assert dataset.values("disagreement_miou_distance") == [pytest.approx(APART)]


def test_masks_of_0_and_255_alone_are_not_guessed_at(make, refused):
    row = {"first": fo.Segmentation(mask=FIRST * 255), "second": fo.Segmentation(mask=SECOND * 255)}
    dataset = made_of(make, row)
    sentence = (
        "the masks of 'first' hold nothing but 0 and 255, and 255 counts as no class where the dataset does not name it. "
        "Set dataset.mask_targets['first'] = {255: 'object'} if it is one, or {0: 'background'} if it is none."
    )
    with refused(dataset, sentence):
        score_disagreement(dataset, ["first", "second"])
    dataset.mask_targets = {"first": {0: "background"}}
    summary = score_disagreement(dataset, ["first", "second"])
    assert dataset.values("disagreement_miou_distance") == [0]
    assert summary.unscoreable == {}


def planes(seed: int, shape: tuple[int, int] = (4, 4), dtype=np.float32) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(3), shape).transpose(2, 0, 1).astype(dtype)


def mean_bald(*members: np.ndarray) -> float:
    """BALD of every pixel by scipy, then their mean."""
    mean = scipy.stats.entropy(np.mean(members, axis=0), axis=0)
    return float((mean - np.mean([scipy.stats.entropy(one, axis=0) for one in members], axis=0)).mean())


@pytest.mark.parametrize(("ending", "dtype"), [("npy", np.float32), ("npy", np.float16), ("npz", np.float32)])
def test_probability_files(make, save, ending, dtype):
    given = [planes(seed, dtype=dtype) for seed in range(4)]
    files = [save(one, f"{place}.{ending}") for place, one in enumerate(given)]
    masks = [one.argmax(axis=0).astype(np.uint8) for one in given]
    rows = [
        {
            "first": fo.Segmentation(mask=masks[a], probabilities=files[a]),
            "second": fo.Segmentation(mask=masks[b], probabilities=files[b]),
        }
        for a, b in ((0, 1), (2, 3), (0, 0))
    ]
    dataset = made_of(make, *rows, {"first": fo.Segmentation(mask=masks[0], probabilities=files[0])})
    score_disagreement(dataset, ["first", "second"])
    expected = [mean_bald(*(one.astype(float) for one in pair)) for pair in (given[:2], given[2:])]
    tolerance = 1e-6 if dtype == np.float32 else 1e-2
    assert dataset.values("disagreement_bald") == [
        *(pytest.approx(one, abs=tolerance) for one in expected),
        pytest.approx(0, abs=1e-6),
        None,
    ]
    assert dataset.values("disagreement_miou_distance")[2:] == [0, None]


def test_large_probability_files_are_read_in_bands_and_stretched(make, save, monkeypatch):
    monkeypatch.setattr("shortlist.dataset.arrays._WHOLE", 100)
    monkeypatch.setattr("shortlist.core.scores.disagreement_masks._BAND_VALUES", 100)
    large, small = planes(0, (12, 8)), planes(1, (6, 2))
    stretched = small.repeat(2, axis=1).repeat(4, axis=2)
    row = {
        "first": fo.Segmentation(mask=large.argmax(axis=0), probabilities=save(large, "large.npy")),
        "second": fo.Segmentation(mask=small.argmax(axis=0), probabilities=save(small, "small.npy")),
    }
    dataset = made_of(make, row)
    score_disagreement(dataset, list(row))
    assert dataset.values("disagreement_bald") == [pytest.approx(mean_bald(large, stretched), abs=1e-6)]


def test_many_whole_archives_at_a_time_do_not_wait_for_each_other(make, save, monkeypatch):
    """Reading them takes turns in memory; a member must not hold its turn while the next one waits for it."""
    monkeypatch.setattr("shortlist.dataset.arrays._IN_FLIGHT._size", 1)
    files = [save(planes(seed), f"{seed}.npz") for seed in range(3)]
    row = {f"model_{place}": fo.Segmentation(probabilities=file) for place, file in enumerate(files)}
    dataset = made_of(make, row)
    score_disagreement(dataset, list(row), scores=["bald"])
    assert dataset.values("disagreement_bald") == [pytest.approx(mean_bald(*map(planes, range(3))), abs=1e-6)]


def test_passes_of_masks_are_a_list_of_files(make, save):
    given = [planes(seed) for seed in range(3)]
    files = [save(one, f"{place}.npy") for place, one in enumerate(given)]
    rows = [{"dropout": fo.Segmentation(passes=files)}, {"dropout": fo.Segmentation(passes=files[:1] * 2)},
            {"dropout": fo.Segmentation()}, {}]  # fmt: skip
    dataset = made_of(make, *rows)
    summary = score_disagreement(dataset, ["dropout"], passes_attribute="passes")
    assert dataset.values("disagreement_bald") == [
        pytest.approx(mean_bald(*given), abs=1e-6),
        pytest.approx(0, abs=1e-6),
        None,
        None,
    ]
    distance = dataset.values("disagreement_miou_distance")
    assert distance[0] > 0
    assert distance[1:] == [0, None, None]
    assert summary.unscoreable == {"no 'dropout'": 1, "no passes in 'passes' that can be read": 1}


def test_what_cannot_be_read_is_left_out_and_counted(make, save, tmp_path):
    broken = tmp_path / "broken.npy"
    broken.write_bytes(b"no array")
    good = save(planes(0), "good.npy")
    rows = [
        {"first": fo.Segmentation(mask=FIRST, probabilities=good),
         "second": fo.Segmentation(mask_path="/nowhere/mask.png", probabilities=good)},
        {"first": fo.Segmentation(mask=FIRST, probabilities=good),
         "second": fo.Segmentation(mask=SECOND, probabilities=str(broken))},
    ]  # fmt: skip
    dataset = made_of(make, *rows)
    summary = score_disagreement(dataset, ["first", "second"])
    assert dataset.values("disagreement_miou_distance") == [None, pytest.approx(APART)]
    assert dataset.values("disagreement_bald") == [pytest.approx(0, abs=1e-6), None]
    assert summary.problems == {
        "masks that cannot be read, such as /nowhere/mask.png": 1,
        f"files that cannot be read, such as {broken}": 1,
    }
    assert summary.unscoreable == {
        "fewer than two masks with probabilities that can be read (bald)": 1,
        "fewer than two masks that can be read and show a class (miou_distance)": 1,
    }
    assert "left out" in str(summary)


def test_where_no_label_has_a_mask_the_likeliest_classes_are_compared(make, save):
    given = [planes(seed) for seed in range(2)]
    files = [save(one, f"{place}.npy") for place, one in enumerate(given)]
    rows = [
        {"first": fo.Segmentation(probabilities=files[0]), "second": fo.Segmentation(probabilities=files[1])},
        {"first": fo.Segmentation(mask=FIRST), "second": fo.Segmentation(probabilities=files[1])},
        {"first": fo.Segmentation(), "second": fo.Segmentation()},
    ]
    dataset = made_of(make, *rows)
    summary = score_disagreement(dataset, ["first", "second"], scores=["miou_distance"])
    first, second = (one.argmax(axis=0).ravel() for one in given)
    shown = [index for index in range(3) if index in first or index in second]
    expected = 1 - jaccard_score(first, second, labels=shown, average="macro")
    assert dataset.values("disagreement_miou_distance") == [pytest.approx(expected), None, None]
    assert summary.problems == {"labels without a mask": 3}


# Frames ---------------------------------------------------------------------------------------------------------------


def test_frames_are_compared_and_samples_take_their_greatest(make):
    samples = []
    for row, seconds in enumerate([["a", "b", None], ["a", "a", "a"]]):
        sample = fo.Sample(f"/nowhere/{row}.mp4")
        for number, label in enumerate(seconds, 1):
            sample.frames[number] = fo.Frame(first=says("a"), second=says(label) if label else None)
        samples.append(sample)
    samples.append(fo.Sample("/nowhere/empty.mp4"))
    dataset = make(samples)
    summary = score_disagreement(dataset, ["frames.first", "frames.second"], scores=["variation_ratio"])
    assert dataset.values("frames.disagreement_variation_ratio") == [[0, 0.5, None], [0, 0, 0], []]
    assert dataset.values("disagreement_variation_ratio") == [0.5, 0, None]
    assert (summary.n_samples, summary.n_frames) == (2, 6)
    assert summary.headline == "Compared 'frames.first', 'frames.second' on 6 frames of 2 samples"
    assert ("members", "2 of 2 on 5 frames, 1 of 2 on 1 frames") in list(summary.rows())
    score_disagreement(
        dataset, ["frames.first", "frames.second"], scores=["variation_ratio"], frame_aggregation="mean", name="mean"
    )
    assert dataset.values("mean_variation_ratio") == [0.25, 0, None]


def test_a_video_without_frames_is_none(make):
    dataset = make([fo.Sample("/nowhere/empty.mp4")])
    for path in ("first", "second"):
        dataset.add_frame_field(path, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    summary = score_disagreement(dataset, ["frames.first", "frames.second"])
    assert values(dataset, *VOTES) == {name: [None] for name in VOTES}
    assert (summary.n_frames, summary.unscoreable) == (0, {})
    assert all(value for _, value in summary.rows())


def test_objects_in_frames(make):
    sample = fo.Sample("/nowhere/1.mp4")
    sample.frames[1] = fo.Frame(first=sees(("cat", *A)), second=sees(("cat", *A), ("dog", *B)))
    sample.frames[2] = fo.Frame(first=sees(), second=sees())
    dataset = make([sample])
    score_disagreement(dataset, ["frames.first", "frames.second"])
    assert dataset.values("frames.second.detections.disagreement") == [[[0, 1], []]]
    assert dataset.values("frames.disagreement_unmatched") == [[1, 0]]
    assert dataset.values("disagreement_unmatched") == [1]


def test_a_view_of_patches_compares_the_samples_behind_it(make):
    rows = [{"first": sees(("cat", *A), ("dog", *B)), "second": sees(("cat", *A))}, {"first": sees(), "second": sees()}]
    dataset = made_of(make, *rows)
    patches = dataset.to_patches("first")
    score_disagreement(patches, ["first", "second"])
    assert dataset.values("disagreement_unmatched") == [1, None]
    assert patches.values("first.disagreement") == [0, 1]


def test_the_slices_of_a_group_that_a_view_shows_are_compared(make):
    dataset, group = make(), fo.Group()
    dataset.add_group_field("group", default="left")
    samples = [
        fo.Sample(f"/nowhere/{name}.png", group=group.element(name), first=says("a"), second=says(label))
        for name, label in {"left": "a", "right": "b"}.items()
    ]
    dataset.add_samples(samples, progress=False)
    right = dataset.select_group_slices("right")
    score_disagreement(dataset, ["first", "second"], scores=["variation_ratio"])
    assert dataset.values("disagreement_variation_ratio") == [0]
    assert right.values("disagreement_variation_ratio") == [None]
    score_disagreement(right, ["first", "second"], scores=["variation_ratio"])
    assert right.values("disagreement_variation_ratio") == [0.5]


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mixed(make):
    """Fields of every type that matters, with one sample."""
    row = {"first": says("a"), "second": says("b"), "boxes": sees(("a", *A)), "mask": fo.Segmentation(mask=FIRST),
           "value": fo.Regression(value=1.0), "number": 1, "line": fo.Polylines()}  # fmt: skip
    return made_of(make, row)


@pytest.mark.parametrize(
    ("fields", "more", "sentence"),
    [
        (["first"], {}, "label_fields must be at least two fields, or one with passes_attribute. Got only 'first' instead."),
        (["first", "first"], {}, "label_fields must be different fields. Got 'first' twice instead."),
        (["first", "second"], {"passes_attribute": "p"},
         "label_fields must be one field where passes_attribute is given. Got ['first', 'second'] instead."),
        ([], {}, "label_fields must be a list of at least 1. Got [] instead."),
        ("first", {}, "label_fields must be a list. Got 'first' instead."),
        (["first", "boxes"], {}, "label_fields must be of one type, and all of samples or all of frames. Got "
         "['first (Classification)', 'boxes (Detections)'] instead."),
        (["line", "first"], {}, "label_fields[0] must be a field of type Classification, Detections, Segmentation. Got "
         "'line (Polylines)' instead."),
        (["first", "second"], {"scores": ["f1_distance"]}, "scores must be scores of Classification fields (vote_entropy, "
         "variation_ratio, consensus_kl, bald). Got 'f1_distance' instead."),
        (["first", "second"], {"iou": 0.0}, "iou must be > 0.0. Got 0.0 instead."),
        (["first", "second"], {"name": "a.b"}, "name must be a name without dots and dollar signs. Got 'a.b' instead."),
        (["first", "second"], {"name": "_a"},
         "name must not begin with '_', which FiftyOne keeps to itself. Got '_a' instead."),
        (["first", "second"], {"name": " "}, "name must hold more than spaces. Got ' ' instead."),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(mixed, refused, fields, more, sentence):
    with refused(mixed, sentence):
        score_disagreement(mixed, fields, **more)


def test_names_that_are_not_known(mixed, refused):
    sentence = f"label_fields[1] must be a field of {mixed.name!r}. Got 'secnd' instead. Did you mean 'second'?"
    with refused(mixed, sentence):
        score_disagreement(mixed, ["first", "secnd"])


def test_a_field_that_holds_no_predictions(mixed, refused):
    with pytest.raises(
        ValueError, match=r"^label_fields\[1\] must be a field of type .* Got 'number', a IntField, instead\."
    ):
        score_disagreement(mixed, ["first", "number"])


def test_vectors_in_an_unknown_order_are_not_compared_with_labels(make, refused):
    row = {"first": says("a", probabilities=[0.5, 0.3, 0.2]), "second": says("b", confidence=0.9)}
    dataset = made_of(make, row)
    sentence = (
        "the classes that the vectors of 'first' follow must be declared to compare them with the probabilities of "
        "'second'. Got none instead. Set dataset.default_classes, or ask for scores of votes only."
    )
    with refused(dataset, sentence):
        score_disagreement(dataset, ["first", "second"])
    score_disagreement(dataset, ["first", "second"], scores=["vote_entropy"])
    assert dataset.values("disagreement_vote_entropy") == [1]
    dataset.default_classes = ["a", "b", "c"]
    score_disagreement(dataset, ["first", "second"])
    expected = by_loops(["a", "b"], [[0.5, 0.3, 0.2], [0.05, 0.9, 0.05]], 3)["bald"]
    assert dataset.values("disagreement_bald") == [pytest.approx(expected, abs=1e-6)]


def test_vectors_of_different_lengths(make, refused):
    row = {"first": says("a", probabilities=[0.5, 0.3, 0.2]), "second": says("b", probabilities=[0.5, 0.5])}
    dataset = made_of(make, row)
    sentence = (
        "label_fields must have probabilities of the same classes. Got vectors of 3 and, in 'second', of 2 instead."
    )
    with refused(dataset, sentence):
        score_disagreement(dataset, ["first", "second"])


@pytest.mark.parametrize(
    ("passes", "problem"),
    [
        (
            [[0.5, 0.9], [0.5, 0.5]],
            "passes must be numbers >= 0 that sum to 1 in every pass. Got a sum of 1.4 instead. Of logits, store the softmax.",
        ),
        ([[[0.5, 0.5]] * 2] * 2, "the probabilities of two or more classes. Got shape (2, 2, 2) instead."),
        ([[0.5, 0.5], None], "passes must be an array or a list of two or more passes"),
        (
            [0.5, 0.5],
            "passes must be an array or a list of two or more passes with the probabilities of two or more classes",
        ),
        ([[0.5, 0.5]], "passes must be an array or a list of two or more passes"),
        ([[0.5, 0.5], [1.0]], "passes must be an array or a list of two or more passes"),
        ("many", "passes must be an array or a list of two or more passes"),
        ([[0.2, 0.3, 0.5]] * 2, "passes must be probabilities of 2 classes, one for each. Got shape (2, 3) instead."),
    ],
)
def test_passes_that_are_none(make, snapshot, passes, problem):
    dataset = made_of(make, {"first": says("a", passes=[[0.5, 0.5]] * 2)}, {"first": says("a", passes=passes)})
    before = snapshot(dataset)
    with pytest.raises(ValueError, match=r"^sample ") as caught:
        score_disagreement(dataset, ["first"], passes_attribute="passes")
    assert str(caught.value).startswith(f"sample {dataset.last().id}, field 'first': ")
    assert problem in str(caught.value)
    assert snapshot(dataset) == before


@pytest.mark.parametrize("box", [[], [0.1, 0.1, 0.2], [0.1, 0.1, 0.2, float("nan")]])
def test_an_object_without_a_box(make, refused, box):
    wrong = fo.Detections(detections=[fo.Detection(label="a", bounding_box=box)])
    dataset = made_of(make, {"first": wrong, "second": sees()})
    sentence = (
        f"sample {dataset.first().id}, field 'first': bounding_box must be four finite numbers (x, y, width, height)."
    )
    with refused(dataset, f"{sentence} Got {box} instead."):
        score_disagreement(dataset, ["first", "second"])


def test_passes_that_no_label_has(make, refused):
    dataset = made_of(make, {"first": says("a", passes=[[0.5, 0.5]] * 2), "boxes": sees(("a", *A))}, {})
    sentence = (
        "passes_attribute must be an attribute of the labels in 'first'. Got 'pases' instead. Did you mean 'passes'?"
    )
    with refused(dataset, sentence):
        score_disagreement(dataset, ["first"], passes_attribute="pases")
    with pytest.raises(
        ValueError, match=r"^passes_attribute must be an attribute of the labels in 'boxes'. Got 'mc' inst"
    ):
        score_disagreement(dataset, ["boxes"], passes_attribute="mc")


def test_what_reading_passes_may_hold_is_bounded(make, monkeypatch):
    """Twelve labels of 4 x 3 numbers, in batches of at most 24 numbers."""
    passes = np.random.default_rng(0).dirichlet(np.ones(3), (12, 4))
    dataset = made_of(make, *({"dropout": says("a", passes=one.tolist())} for one in passes))
    score_disagreement(dataset, ["dropout"], passes_attribute="passes")
    monkeypatch.setattr("shortlist.dataset.committee_passes._VALUES", 24)
    told = []
    score_disagreement(
        dataset, ["dropout"], passes_attribute="passes", name="small", progress=lambda *step: told.append(step[0])
    )
    assert told == [2, 4, 6, 8, 10, 12]
    for name in VOTES:
        assert dataset.values(f"small_{name}") == dataset.values(f"disagreement_{name}")


def test_a_label_outside_the_declared_classes(make, refused):
    dataset = made_of(make, {"first": sees(("cat", *A)), "second": sees(("cta", *A))}, default_classes=["cat", "dog"])
    sentence = (
        f"sample {dataset.first().id}, field 'second': label must be one of the 2 classes that the dataset declares. "
        f"Got 'cta' instead. Did you mean 'cat'?"
    )
    with refused(dataset, sentence):
        score_disagreement(dataset, ["first", "second"])


def test_probability_files_of_different_classes(make, save, snapshot):
    two = np.full((2, 4, 4), 0.5, np.float32)
    row = {
        "first": fo.Segmentation(mask=FIRST, probabilities=save(planes(0), "three.npy")),
        "second": fo.Segmentation(mask=FIRST, probabilities=save(two, "two.npy")),
    }
    dataset = made_of(make, row)
    before = snapshot(dataset)
    with pytest.raises(
        ValueError,
        match=r"^sample .*, masks of 'first', 'second': probabilities must be of the same classes. Got \[3, 2\] of them inst",
    ):
        score_disagreement(dataset, list(row))
    np.save(row["second"].probabilities, np.full((3, 4, 4), 0.5, np.float32))
    with pytest.raises(ValueError, match=r"^sample .*, masks of 'first', 'second': probabilities must be numbers >= 0"):
        score_disagreement(dataset, list(row))
    assert snapshot(dataset) == before


# The user's own, and runs that stop -----------------------------------------------------------------------------------


def test_a_field_of_the_user_s_own_is_never_replaced(mixed, refused):
    mixed.set_values("disagreement_bald", [5.0])
    sentence = (
        "the result field 'disagreement_bald' must be new or Shortlist's own. Got a field of yours instead; nothing was "
        "written. Rename it with dataset.rename_sample_field('disagreement_bald', ...) and run again."
    )
    with refused(mixed, sentence):
        score_disagreement(mixed, ["first", "second"])
    score_disagreement(mixed, ["first", "second"], name="committee")
    assert mixed.values("disagreement_bald") == [5]


def test_an_attribute_of_the_user_s_own_is_never_replaced_even_undeclared(make, snapshot):
    dataset = made_of(make, {"first": sees(("a", *A), disagreement="mine"), "second": sees(("a", *A))})
    before = snapshot(dataset)
    with pytest.raises(ValueError, match=r"^the result field 'first\.detections\.disagreement' must be new"):
        score_disagreement(dataset, ["first", "second"])
    assert snapshot(dataset) == before


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()], ids=["cancelled", "Ctrl+C"])
@pytest.mark.parametrize("kind", ["classes", "boxes", "masks"])
def test_stopped_before_the_end_nothing_is_written(make, snapshot, error, kind):
    label = {"classes": says, "boxes": lambda: sees(("a", *A)), "masks": lambda: fo.Segmentation(mask=FIRST)}[kind]
    dataset = made_of(make, {"first": label(), "second": label()})
    before = snapshot(dataset)

    def stop(done, total, label=""):
        raise error

    with pytest.raises(type(error)):
        score_disagreement(dataset, ["first", "second"], progress=stop)
    assert snapshot(dataset) == before
    score_disagreement(dataset, ["first", "second"])


def test_a_crash_while_writing_is_mended_by_the_next_run(opinions, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Staging, "merge", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            score_disagreement(opinions, FIELDS, scores=["bald"])
    opinions.reload()
    assert not is_complete(opinions, "disagreement_bald")
    assert not [name for name in odm.get_db_conn().list_collection_names() if name.startswith("shortlist.staging.")]
    score_disagreement(opinions, FIELDS, scores=["bald"])
    assert is_complete(opinions, "disagreement_bald")
    assert None not in opinions.values("disagreement_bald")


def test_of_two_runs_at_once_the_second_is_told(opinions):
    second = []

    def start_another(*_):
        if not second:
            with pytest.raises(ValueError, match=r"^'scores disagreement' is being written by another run") as refused:
                score_disagreement(opinions, FIELDS[:2])
            second.append(refused)

    score_disagreement(opinions, FIELDS, progress=start_another)
    assert second
    assert mark_of(opinions, "disagreement_bald")["parameters"]["label_fields"] == FIELDS


def test_samples_that_go_while_they_are_read_are_said(opinions, refused, monkeypatch):
    """Each field is read on its own, and a sample that one has and another has not must not shift the rest."""
    read = predictions.read

    def without_the_first(samples, field):
        return read(samples[1:] if field.path == "model_1" else samples, field)

    monkeypatch.setattr(predictions, "read", without_the_first)
    with refused(opinions, "the samples must stay the same while they are read. Some came or went; run again."):
        score_disagreement(opinions, FIELDS)


def test_the_fields_say_how_they_were_made_and_nothing_else(make):
    split = [[1.0, 0.0], [0.0, 1.0]]
    boxes = sees(("a", *A), passes=split)
    dataset = made_of(make, {"first": says("a"), "second": says("b"), "dropout": boxes, "boxes": sees(("a", *A))})
    score_disagreement(dataset, ["first", "second"], scores=["vote_entropy"])
    score_disagreement(dataset, ["dropout", "boxes"], scores=["unmatched"], name="boxes_differ")
    score_disagreement(
        dataset, ["dropout"], passes_attribute="passes", aggregation="top_m", scores=["bald"], name="passes"
    )
    always = {"probabilities_attribute": "probabilities"}
    for path, parameters in {
        "disagreement_vote_entropy": {"label_fields": ["first", "second"]},
        "boxes_differ_unmatched": {"label_fields": ["dropout", "boxes"], "iou": 0.5},
        "passes_bald": {"label_fields": ["dropout"], "passes_attribute": "passes", "aggregation": "top_m", "top_m": 3},
    }.items():
        assert mark_of(dataset, path)["parameters"] == {**parameters, **always}
        assert mark_of(dataset, path)["status"] == "complete"
    described = [dataset.get_field(path).description for path in ("boxes_differ_unmatched", "passes_bald")]
    assert described[0].endswith("Compared: dropout, boxes.")
    assert "(mean of the 3 highest over the objects)" in described[1]
    assert described[1].endswith("Compared: the passes passes of dropout.")


def test_other_fields_are_left_alone(make, documents):
    dataset = made_of(make, {"first": sees(("a", *A), note=[1]), "second": sees(("b", *A)), "hour": 3})
    own = ["last_modified_at", *(f"disagreement_{name}" for name in OBJECTS)]
    own += [f"{path}.detections.disagreement" for path in ("first", "second")]
    before = documents(dataset, own)
    score_disagreement(dataset, ["first", "second"])
    assert documents(dataset, own) == before
