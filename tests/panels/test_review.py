"""The Review panel as the App calls it: one item, a click or a key that decides it, and the next."""

from __future__ import annotations

import base64
import json

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from shortlist.api.review.deciding import give_verdict, to_review
from shortlist.core.review.items import Item
from shortlist.dataset.review import kept
from shortlist.panels import ahead, cache, page, review, shell

CLASSES = ["cat", "dog", "bird <b>*x*</b>"]
ME = "Ana"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing is kept from one test to the next, and the App is run by one person."""
    cache.forget()
    ahead.forget()
    shell._DRAWN.clear()
    monkeypatch.setattr("shortlist.panels.review_choice.person", lambda: ME)


@pytest.fixture
def pictures(tmp_path):
    """Five images of 400 by 200 pixels, each of another grey."""
    paths = []
    for row in range(5):
        path = tmp_path / f"{row}.png"
        cv2.imwrite(str(path), np.full((200, 400, 3), 40 * row + 20, np.uint8))
        paths.append(str(path))
    return paths


@pytest.fixture
def dataset(make, pictures):
    """Five samples with one label each."""
    samples = [
        fo.Sample(
            path,
            gt=fo.Detections(detections=[fo.Detection(label=CLASSES[row % 3], bounding_box=[0.1, 0.2, 0.2, 0.4])]),
        )
        for row, path in enumerate(pictures)
    ]
    return make(samples)


@pytest.fixture
def start(dataset):
    """Starts a review of five items, one of each sort."""

    def started(run_key="review_1", opinions=1, reviewers=(), **parameters):
        ids, labels = dataset.values("id"), [one[0] for one in dataset.values("gt.detections.id")]
        box, more = (0.1, 0.2, 0.2, 0.4), {"opinions": opinions, "reviewers": tuple(reviewers)}
        items = [
            Item(ids[0], "wrong_class", 0.03, labels[0], given="cat", suggested="dog", box=box, **more),
            Item(ids[1], "missing", 0.1, suggested="cat", suggested_box=(0.6, 0.2, 0.2, 0.4), **more),
            Item(ids[2], "spurious", 0.2, labels[2], given=CLASSES[2], box=box, **more),
            Item(ids[3], "bad_location", 0.3, labels[3], given="cat", box=box, suggested_box=(0.1, 0.2, 0.3, 0.4), **more),
            Item(ids[4], None, None, labels[4], given="dog", box=box, **more),
        ]  # fmt: skip
        kept.write(
            dataset, run_key, items, label_field="gt", subject="issues", classes=CLASSES,
            parameters={"reviewers": list(reviewers) or None, **parameters}, facts={},
        )  # fmt: skip
        return run_key

    return started


@pytest.fixture
def window(dataset, start, open_panel):
    start()
    return open_panel(review.Review(), dataset, "review")


def question(window):
    return window.page["review.question"]["default"]


def keys(window):
    """The path of what keys go to."""
    return next(path for path in window.page if ".keys" in path)


def click(window, button, **params):
    """Presses a button that is drawn and can be pressed."""
    found = next(one for path, one in window.page.items() if path.endswith(f".{button}"))
    assert not found["view"]["disabled"]
    method = found["view"]["operator"].split("#")[1]
    return window.tells(method, **found["view"]["params"], **params)


def press(window, key):
    path = keys(window)
    # The App has put into the state what was typed.
    node = window.state
    for part in path.split(".")[:-1]:
        node = node.setdefault(part, {})
    node[path.split(".")[-1]] = key
    return window.tells("review__pressed", value=key, path=path)


def verdicts(dataset, number, run_key="review_1"):
    return [(one.reviewer, one.decision, one.label) for one in to_review(dataset, run_key, number).verdicts]


def figure(window):
    view = window.page["review.picture"]["view"]
    return view["data"], view["layout"]


def test_the_plugin_offers_the_panel_on_the_grid_and_beside_a_sample():
    found = foo.OperatorRegistry().get_operator(page.uri_of(review.PANEL))
    assert (found.config.label, found.config.surfaces) == ("Review", "grid modal")


def test_a_dataset_without_a_review_is_offered_one(make, open_panel):
    window = open_panel(review.Review(), make([fo.Sample("/nowhere/1.png")]), "review")
    assert window.page["review.begin.start"]["view"]["params"]["verb"] == "start_review"


def test_shows_the_first_item_in_words_and_as_a_picture(window):
    assert "cat" in question(window)
    assert "dog" in question(window)
    facts = window.page["review.facts"]["default"]
    assert "**cat** \N{RIGHTWARDS ARROW} **dog**" in facts
    assert "item 1 of 5" in facts
    assert "quality 0\\.03" in facts
    data, layout = figure(window)
    # A box of 80 by 80 pixels is shown with 48 more on each side, moved to where the image begins.
    assert (layout["xaxis"]["range"], layout["yaxis"]["range"]) == ([0, 176], [176, 0])
    assert [note["text"] for note in layout["annotations"]] == ["given: cat"]
    assert (min(data[-1]["x"][:-1]), max(data[-1]["x"][:-1])) == (40, 120)
    shown = base64.b64decode(layout["images"][0]["source"].split(",")[1])
    pixels = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (176, 176, 3)
    assert np.abs(pixels.astype(int) - 20).max() <= 3


def test_buttons_stay_where_they_are_and_those_that_do_not_fit_cannot_be_pressed(window):
    def states():
        drawn = {path: one for path, one in window.page.items() if path.startswith("review.decide.")}
        return {path.split(".")[-1]: one["view"]["disabled"] for path, one in drawn.items()}

    assert states() == {
        "keep": False,
        "accept": False,
        "remove": False,
        "not_sure": False,
        "skip": False,
        "undo": False,
    }
    click(window, "keep")
    assert states() == {"keep": False, "accept": False, "remove": True, "not_sure": False, "skip": False, "undo": False}
    assert list(states()) == ["keep", "accept", "remove", "not_sure", "skip", "undo"]


def test_a_click_decides_and_shows_the_next_at_once(window, dataset):
    told = click(window, "accept")
    assert verdicts(dataset, 1) == [(ME, "accept", None)]
    assert "item 2 of 5" in window.page["review.facts"]["default"]
    # The App draws the panel anew whenever it is told of a state: once is enough.
    assert list(told) == ["patch_panel_state", "show_panel_output"]


def test_a_second_click_on_the_same_button_decides_nothing_more(window, dataset):
    stale = window.page["review.decide.keep"]["view"]["params"]
    click(window, "keep")
    window.tells("review__decided", **stale)
    assert "item 2 of 5" in window.page["review.facts"]["default"]
    assert verdicts(dataset, 2) == []


def test_a_key_decides(window, dataset):
    press(window, "K")
    press(window, "a")
    assert verdicts(dataset, 1) == [(ME, "keep", None)]
    assert verdicts(dataset, 2) == [(ME, "accept", None)]
    assert "item 3 of 5" in window.page["review.facts"]["default"]


def test_of_keys_that_come_together_the_first_counts(window, dataset):
    press(window, "kaaa")
    assert verdicts(dataset, 1) == [(ME, "keep", None)]
    assert verdicts(dataset, 2) == []


def test_keys_that_were_typed_for_the_item_before_decide_nothing(window, dataset):
    before = keys(window)
    press(window, "k")
    assert keys(window) != before
    window.tells("review__pressed", value="ka", path=before)
    assert verdicts(dataset, 2) == []


def test_a_key_that_is_told_of_twice_counts_once(window, dataset):
    click(window, "keep")
    click(window, "keep")
    before, path = json.loads(json.dumps(window.state)), keys(window)
    press(window, "u")
    # The App may tell of it again, as of before it was answered.
    after, window.state = window.state, before
    assert window.tells("review__pressed", value="u", path=path) == {}
    window.state = after
    assert [bool(verdicts(dataset, number)) for number in (1, 2)] == [True, False]


def test_a_key_that_means_nothing_says_what_can_be_pressed(window, dataset):
    told = press(window, "x")
    assert told["notify"]["message"].startswith("Press one of: k keep, a accept")
    assert verdicts(dataset, 1) == []
    press(window, "k")
    assert verdicts(dataset, 1) == [(ME, "keep", None)]


def test_what_is_typed_into_is_empty_again_and_leaves_nothing_in_the_state(window):
    for _ in range(3):
        press(window, "k")
    assert "k" not in [value for part in window.state["review"]["choices"]["c2"].values() for value in [part]], (
        window.state
    )


def test_a_digit_gives_a_class(window, dataset):
    press(window, "3")
    assert verdicts(dataset, 1) == [(ME, "relabel", CLASSES[2])]
    # To relabel as what was suggested is to accept.
    press(window, "1")
    assert verdicts(dataset, 2) == [(ME, "accept", None)]


def test_many_classes_are_searched_and_those_chosen_get_a_digit(make, pictures, open_panel):
    dataset = make([fo.Sample(path, gt=fo.Classification(label="c0")) for path in pictures])
    names = [f"c{number}" for number in range(30)]
    items = [Item(one.id, "wrong_class", 0.1, one.gt.id, given="c0", suggested="c1") for one in dataset]
    kept.write(dataset, "r", items, label_field="gt", subject="issues", classes=names, parameters={}, facts={})
    window = open_panel(review.Review(), dataset, "review")
    path = next(one for one in window.page if one.endswith(".class"))
    assert [one["value"] for one in window.page[path]["view"]["choices"]] == names
    window.tells("review__classed", value="c17", path=path)
    assert verdicts(dataset, 1, "r") == [(ME, "relabel", "c17")]
    # What the App tells of the field that is gone is no choice.
    window.tells("review__classed", value="c18", path=path)
    assert verdicts(dataset, 2, "r") == []
    press(window, "1")
    assert verdicts(dataset, 2, "r") == [(ME, "relabel", "c17")]
    # Of a classification the whole image is shown, and nothing is drawn on it.
    assert figure(window)[1]["xaxis"]["range"] == [0, 400]
    assert figure(window)[1]["annotations"] == []


def test_a_comment_goes_with_the_verdict(window, dataset):
    path = next(one for one in window.page if one.endswith(".comment"))
    first, second, last = path.removeprefix("review.").split(".")
    window.state.setdefault("review", {})[first] = {second: {last: "  schön <b>é</b> 🙂 "}}
    click(window, "not_sure")
    assert to_review(dataset, "review_1", 1).verdicts[0].comment == "schön <b>é</b> 🙂"
    click(window, "keep")
    assert to_review(dataset, "review_1", 2).verdicts[0].comment == ""


def test_undo_takes_the_last_verdict_back_and_shows_its_item(window, dataset):
    click(window, "keep")
    click(window, "accept")
    click(window, "undo")
    assert "item 2 of 5" in window.page["review.facts"]["default"]
    press(window, "u")
    assert "item 1 of 5" in window.page["review.facts"]["default"]
    assert [verdicts(dataset, number) for number in (1, 2)] == [[], []]
    assert "notify" in click(window, "undo")


def test_who_decides_second_is_told_and_can_decide_nevertheless(window, dataset):
    give_verdict(dataset, "review_1", 1, "relabel", reviewer="Zoë", label=CLASSES[2], comment="*look*")
    click(window, "keep")
    told = window.page["review.conflict"]["view"]["label"]
    # The App takes it for Markdown.
    assert "Zoë says that it is 'bird \\<b\\>\\*x\\*\\</b\\>' (\\*look\\*)" in told
    assert verdicts(dataset, 1) == [("Zoë", "relabel", CLASSES[2])]
    # A key is for an item, not for this question.
    press(window, "a")
    assert len(verdicts(dataset, 1)) == 1
    click(window, "insist")
    assert sorted(verdicts(dataset, 1)) == [(ME, "keep", None), ("Zoë", "relabel", CLASSES[2])]
    assert "item 2 of 5" in window.page["review.facts"]["default"]


def test_who_decides_second_can_go_on(window, dataset):
    give_verdict(dataset, "review_1", 1, "accept", reviewer="Zoë")
    click(window, "keep")
    click(window, "next")
    assert "item 2 of 5" in window.page["review.facts"]["default"]
    assert verdicts(dataset, 1) == [("Zoë", "accept", None)]


def test_two_people_decide_the_overlap_apart(dataset, start, open_panel):
    start(opinions=2)
    give_verdict(dataset, "review_1", 1, "accept", reviewer="Zoë", comment="clearly")
    window = open_panel(review.Review(), dataset, "review")
    assert "item 1 of 5" in window.page["review.facts"]["default"]
    assert "review.said" not in window.page
    click(window, "keep")
    assert sorted(verdicts(dataset, 1)) == [(ME, "keep", None), ("Zoë", "accept", None)]


def test_what_people_disagree_on_is_settled_by_a_verdict_that_is_final(dataset, start, open_panel):
    start(opinions=2)
    for who, what in (("Zoë", "accept"), ("Max", "keep")):
        give_verdict(dataset, "review_1", 3, what, reviewer=who, comment="so")
    window = open_panel(review.Review(), dataset, "review")
    assert "1 disputed" in window.page["review.done"]["view"]["label"]
    click(window, "settle")
    assert "item 3 of 5" in window.page["review.facts"]["default"]
    assert "**Zoë**" in window.page["review.said"]["default"]
    click(window, "keep")
    assert to_review(dataset, "review_1", 3).outcome.decision == "keep"
    assert "disagree" in window.page["review.settled"]["view"]["label"]
    click(window, "queue")
    assert "item 1 of 5" in window.page["review.facts"]["default"]


def test_a_sample_that_is_deleted_meanwhile_is_passed_over(window, dataset):
    click(window, "keep")
    dataset.delete_samples([dataset.values("id")[1]])
    told = click(window, "keep")
    assert "deleted sample" in told["notify"]["message"]
    assert "item 3 of 5" in window.page["review.facts"]["default"]


def test_the_end_says_what_to_do_with_the_verdicts(window):
    for _ in range(5):
        click(window, "keep")
    assert "review.question" not in window.page
    offer = window.page["review.then.apply"]["view"]
    assert offer["params"] == {"verb": "apply_review", "given": {"run_key": "review_1"}}
    assert offer["operator"] == f"{page.uri_of(review.PANEL)}#on_offer"
    click(window, "undo")
    assert "item 5 of 5" in window.page["review.facts"]["default"]


def test_a_file_that_cannot_be_read_is_said_and_can_be_decided(window, dataset):
    dataset.set_values("filepath", ["/nowhere/0.png", *dataset.values("filepath")[1:]])
    window.tells("on_load")
    assert "no such file" in window.page["review.no_picture"]["view"]["label"]
    click(window, "keep")
    assert verdicts(dataset, 1) == [(ME, "keep", None)]


def test_reviewers_say_who_they_are(dataset, start, open_panel):
    start(reviewers=["Zoë", "Max"])
    window = open_panel(review.Review(), dataset, "review")
    path = next(one for one in window.page if ".who_" in one)
    assert "review.question" not in window.page
    assert [one["value"] for one in window.page[path]["view"]["choices"]][1:3] == ["Zoë", "Max"]
    window.tells("review__named", value="Zoë")
    click(window, "keep")
    assert verdicts(dataset, 1) == [("Zoë", "keep", None)]
    window.tells("review__named", value="\N{HORIZONTAL ELLIPSIS}")
    assert any(one.endswith(".name") for one in window.page)
    window.tells("review__named", value="  Someone   Else ")
    assert "nothing left for you" in window.page["review.done"]["view"]["label"]


def test_what_the_app_reports_as_chosen_when_it_opens_changes_nothing(window):
    before = dict(window.state["review_at"])
    window.tells("review__run_chosen", value="review_1")
    window.tells("review__named", value=ME)
    window.tells("review__classed", value=None, path="review.typed1.c1.class")
    assert window.state["review_at"] == before


def test_the_echo_of_an_event_is_not_worked_on(window):
    click(window, "keep")
    assert window.tells("on_change_view") == {}


def test_the_whole_image_is_shown_on_demand(window):
    assert figure(window)[1]["xaxis"]["range"] == [0, 176]
    click(window, "whole")
    assert figure(window)[1]["xaxis"]["range"] == [0, 400]


def test_follows_the_sample_that_is_open_and_opens_the_next(window, dataset):
    ids = dataset.values("id")
    window.shown["current_sample"] = ids[2]
    window.tells("on_change_current_sample")
    assert "item 3 of 5" in window.page["review.facts"]["default"]
    told = click(window, "keep")
    assert told["open_sample"]["id"] == ids[3]
    window.shown["current_sample"] = ids[3]
    window.tells("on_change_current_sample")
    assert "item 4 of 5" in window.page["review.facts"]["default"]
    # A view of patches opens labels.
    window.shown["current_sample"] = dataset.values("gt.detections.id")[4][0]
    window.tells("on_change_current_sample")
    assert "item 5 of 5" in window.page["review.facts"]["default"]


def test_on_the_grid_no_sample_opens_unasked(window, dataset):
    assert "open_sample" not in click(window, "keep")
    assert click(window, "open")["open_sample"]["id"] == dataset.values("id")[1]


def test_a_label_can_be_corrected_by_hand(window, dataset):
    told = click(window, "edit")
    assert told["open_sample"]["id"] == dataset.first().id
    dataset.reload()
    assert dataset.active_label_schemas == ["gt"]
    assert "review.changed" not in window.page
    sample = dataset.first()
    sample.gt.detections[0].label = "dog"
    sample.save()
    window.tells("on_load")
    assert "changed" in window.page["review.changed"]["view"]["label"]
    click(window, "corrected")
    assert verdicts(dataset, 1) == [(ME, "edited", None)]


def test_a_label_that_is_gone_is_told(window, dataset):
    sample = dataset.first()
    sample.gt.detections = []
    sample.save()
    window.tells("on_load")
    assert "no longer there" in window.page["review.changed"]["view"]["label"]


def test_names_are_shown_as_they_are(window):
    click(window, "keep")
    click(window, "keep")
    # Item 3 is of the class with markup in its name.
    assert "\\<b\\>" in question(window)
    assert figure(window)[1]["annotations"][0]["text"] == "given: bird &lt;b&gt;*x*&lt;/b&gt;"
    assert "<b>" not in question(window).replace("\\<b\\>", "")


def test_another_review_is_chosen(window, start):
    start("review_2")
    window.tells("on_load")
    assert window.page["review.choices.c0.run"]["default"] == "review_2"
    window.tells("review__run_chosen", value="review_1")
    click(window, "keep")
    assert "item 2 of 5" in window.page["review.facts"]["default"]


def test_what_goes_to_the_browser_is_small(window):
    assert len(str(window.tells("on_load")["show_panel_output"])) < 60_000


def test_progress_tells_who_did_what_and_offers_what_is_next(window, dataset):
    give_verdict(dataset, "review_1", 1, "accept", reviewer="Zoë")
    give_verdict(dataset, "review_1", 2, "keep", reviewer="Zoë")
    window.state["tab"] = "progress"
    window.tells("on_tab", value="progress")
    assert "2 of 5 items decided, 1 error found" in window.page["progress.headline"]["default"]
    people = window.page["progress.people_table"]["default"]
    assert [(one["name"], one["done"], one["wrong"], one["kept"]) for one in people] == [("Zoë", "2", "1", "1")]
    kinds = {one["kind"]: one["wrong"] for one in window.page["progress.precision_table"]["default"]}
    assert kinds == {"wrong class": "1", "missing": "0", "all": "1"}
    assert window.page["progress.actions.apply"]["view"]["params"]["given"] == {"run_key": "review_1"}
    told = window.tells("progress__shown")
    assert told["set_view"]["name"] == "review_1"


def test_progress_leads_to_what_is_disputed(dataset, start, open_panel):
    start(opinions=2)
    for who, what in (("Zoë", "accept"), ("Max", "keep")):
        give_verdict(dataset, "review_1", 2, what, reviewer=who)
    window = open_panel(review.Review(), dataset, "progress")
    stages = window.tells("progress__disputed_shown")["set_view"]["view"]
    assert fo.DatasetView._build(dataset, stages).values("id") == [dataset.values("id")[1]]
    assert "Max and Zoë" in str(window.page["progress.agreement_table"]["default"])
    click(window, "settle")
    assert "item 2 of 5" in window.page["review.facts"]["default"]
