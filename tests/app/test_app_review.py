"""What a person does in the Review panel. One App serves all tests, in order."""

from __future__ import annotations

import re

import cv2
import fiftyone as fo
import numpy as np
import pytest
from driver import App, serving
from playwright.sync_api import Locator, expect, sync_playwright

from shortlist.api.review.deciding import give_verdict, to_review
from shortlist.core.review.items import Item
from shortlist.dataset.review import kept

pytestmark = pytest.mark.browser

NAME = "Prüfung é"
PANEL = "shortlist_review"
_CLASSES = ["disk", "square", "cross"]
_COLORS = [(60, 160, 240), (200, 120, 60), (90, 200, 90)]
_COUNT = 30
#: what is wrong with the labels of which samples
_WRONG_CLASS, _MISSING, _SPURIOUS = (3, 9, 14), (5, 20), (11, 25)


def _drawn(path, places, chance):
    """An image with a shape at each place."""
    pixels = np.uint8(chance.normal(215, 8, (300, 400, 3)).clip(0, 255))
    for kind, (x, y) in places:
        middle = int(400 * (x + 0.1)), int(300 * (y + 0.13))
        if kind == 0:
            cv2.circle(pixels, middle, 36, _COLORS[0], -1)
        elif kind == 1:
            cv2.rectangle(pixels, (middle[0] - 34, middle[1] - 34), (middle[0] + 34, middle[1] + 34), _COLORS[1], -1)
        else:
            cv2.drawMarker(pixels, middle, _COLORS[2], cv2.MARKER_TILTED_CROSS, 72, 16)
    cv2.imwrite(str(path), pixels)


def _items(samples, truths):
    """What is asked about: what is wrong, in an order that never changes, then three labels that are right."""
    found = []
    for row in (3, 5, 9, 14, 20, 11, 25, 0, 1, 2):
        labels = samples[row].ground_truth.detections
        label = labels[-1] if row in _SPURIOUS else labels[0]
        about = {"label": label.id, "given": label.label, "box": tuple(label.bounding_box)}
        if row in _WRONG_CLASS:
            about |= {"kind": "wrong_class", "quality": 0.02, "suggested": truths[row][0]}
        elif row in _MISSING:
            about = {
                "kind": "missing",
                "quality": 0.1,
                "suggested": truths[row][1],
                "suggested_box": (0.6, 0.5, 0.2, 0.26),
            }
        elif row in _SPURIOUS:
            about |= {"kind": "spurious", "quality": 0.2}
        found.append(Item(samples[row].id, **about))
    return found


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Shapes with labels of which some are wrong, and a review of these."""
    folder, chance = tmp_path_factory.mktemp("shapes"), np.random.default_rng(5)
    samples, truths = [], []
    for row in range(_COUNT):
        places = [
            (int(kind), (x, y)) for kind, x, y in zip(chance.integers(0, 3, 2), (0.1, 0.6), (0.15, 0.5), strict=True)
        ]
        path = folder / f"{row:02d}.png"
        _drawn(path, places, chance)
        boxes = [([x, y, 0.2, 0.26], kind) for kind, (x, y) in places]
        labels = [fo.Detection(label=_CLASSES[kind], bounding_box=box) for box, kind in boxes]
        if row in _WRONG_CLASS:
            labels[0].label = _CLASSES[(places[0][0] + 1) % 3]
        if row in _MISSING:
            labels.pop()
        if row in _SPURIOUS:
            labels.append(fo.Detection(label="cross", bounding_box=[0.7, 0.05, 0.15, 0.2]))
        samples.append(fo.Sample(str(path), ground_truth=fo.Detections(detections=labels)))
        truths.append([_CLASSES[kind] for _, kind in boxes])
    dataset = fo.Dataset(NAME, persistent=True)
    dataset.default_classes = _CLASSES
    dataset.add_samples(samples, progress=False)
    dataset.app_config.active_fields = fo.ActiveFields(paths=["ground_truth"])
    dataset.save()
    items = _items(samples, truths)
    kept.write(
        dataset,
        "review_1",
        items,
        label_field="ground_truth",
        subject="issues",
        classes=_CLASSES,
        parameters={},
        facts={},
    )
    yield dataset
    fo.delete_dataset(NAME)


@pytest.fixture(scope="module")
def app(dataset):
    """The App, open on the dataset with the panel; everything below happens in this one session, in order."""
    with serving(dataset.name) as address, sync_playwright() as playwright:
        app = App(playwright, address, dataset.name)
        app.open_panel(PANEL)
        app.see("item 1 of")
        yield app
        app.browser.close()


@pytest.fixture(scope="module")
def panel(app) -> Locator:
    """The panel on the grid."""
    return app.page.get_by_test_id("dataset-page").get_by_test_id(f"panel-content-{PANEL}")


def at_item(place: Locator, number: int) -> None:
    """Waits until an item is shown, with its picture."""
    expect(place.get_by_text(re.compile(rf"item {number} of "))).to_be_visible(timeout=20_000)
    expect(place.locator(".js-plotly-plot image").first).to_be_attached(timeout=20_000)


def press(app: App, key: str) -> None:
    """Presses a key where keys go, once they do."""
    expect(app.page.locator("input:focus")).to_have_attribute("placeholder", re.compile("^k "), timeout=10_000)
    app.page.keyboard.press(key)


def press_with_alt(app: App, letter: str) -> None:
    """Presses Alt and a letter as a keyboard does: with the letter that it is without Alt."""
    browser = app.page.context.new_cdp_session(app.page)
    key = {"modifiers": 1, "key": letter, "unmodifiedText": letter, "windowsVirtualKeyCode": ord(letter.upper())}
    for event in ({"type": "rawKeyDown"}, {"type": "char", "text": letter}, {"type": "keyUp"}):
        browser.send("Input.dispatchKeyEvent", {**key, **event})


def decision(dataset, number: int) -> list:
    return [(one.reviewer, one.decision, one.label) for one in to_review(dataset, "review_1", number).verdicts]


def test_shows_an_item_with_its_picture(app, panel, dataset):
    found = to_review(dataset, "review_1", 1)
    expect(panel.get_by_text(found.question)).to_be_visible()
    at_item(panel, 1)
    shown = panel.locator(".js-plotly-plot").evaluate("e => e.layout.images[0].source.slice(0, 22)")
    assert shown == "data:image/jpeg;base64"
    # What it is about is in sight, and so are the buttons.
    expect(panel.get_by_role("button", name="Keep (k)")).to_be_in_viewport()
    app.settle(1500)
    app.shot("review_item")


def test_a_click_decides_and_shows_the_next(app, panel, dataset):
    panel.get_by_role("button", name="Accept (a)").click()
    at_item(panel, 2)
    assert [one[1] for one in decision(dataset, 1)] == ["accept"]


def test_a_key_decides_and_the_next_key_too(app, panel, dataset):
    press(app, "a")
    at_item(panel, 3)
    press(app, "k")
    at_item(panel, 4)
    assert [decision(dataset, number)[0][1] for number in (2, 3)] == ["accept", "keep"]
    # Alt and a letter press a button wherever the keyboard is; with the next item keys are where they belong.
    panel.get_by_placeholder("kept with your verdict").focus()
    press_with_alt(app, "n")
    at_item(panel, 5)
    press(app, "s")
    at_item(panel, 6)
    press(app, "u")
    at_item(panel, 5)
    assert decision(dataset, 4)[0][1] == "not_sure"


def test_undo_goes_back(app, panel, dataset):
    press(app, "u")
    at_item(panel, 4)
    panel.get_by_role("button", name="Undo (u)").click()
    at_item(panel, 3)
    assert [decision(dataset, number) for number in (3, 4)] == [[], []]


def test_a_comment_goes_with_the_verdict(app, panel, dataset):
    panel.get_by_placeholder("kept with your verdict").fill("Größe <b>?</b> ✓")
    panel.get_by_role("button", name="Not sure (n)").click()
    at_item(panel, 4)
    assert to_review(dataset, "review_1", 3).verdicts[0].comment == "Größe <b>?</b> ✓"
    expect(panel.get_by_placeholder("kept with your verdict")).to_have_value("")


def test_a_class_is_chosen_with_one_key(app, panel, dataset):
    item = to_review(dataset, "review_1", 4).item
    wanted = next(name for name in _CLASSES if name not in (item.given, item.suggested))
    press(app, str(_CLASSES.index(wanted) + 1))
    at_item(panel, 5)
    assert decision(dataset, 4)[0][1:] == ("relabel", wanted)


def test_who_comes_second_is_told(app, panel, dataset):
    give_verdict(dataset, "review_1", 5, "not_sure", reviewer="Zoë", comment="zu *klein*")
    panel.get_by_role("button", name="Keep (k)").click()
    expect(panel.get_by_text("Zoë says that it cannot be told (zu *klein*)")).to_be_visible(timeout=15_000)
    assert len(decision(dataset, 5)) == 1
    app.settle(800)
    app.shot("review_conflict")
    panel.get_by_role("button", name="Decide nevertheless").click()
    at_item(panel, 6)
    assert len(decision(dataset, 5)) == 2


def test_the_whole_image_is_shown_on_demand(app, panel):
    before = panel.locator(".js-plotly-plot").evaluate("e => e.layout.xaxis.range[1]")
    panel.get_by_role("button", name="Show the whole image").click()
    expect(panel.get_by_role("button", name="Show the part")).to_be_visible(timeout=15_000)
    assert before < panel.locator(".js-plotly-plot").evaluate("e => e.layout.xaxis.range[1]") == 400
    panel.get_by_role("button", name="Show the part").click()
    expect(panel.get_by_role("button", name="Show the whole image")).to_be_visible(timeout=15_000)


def test_beside_a_sample_the_next_sample_opens(app, panel, dataset):
    panel.get_by_role("button", name="Open the sample").click()
    modal = app.page.get_by_test_id("modal")
    modal.get_by_test_id(f"panel-tab-{PANEL}").click(timeout=20_000)
    inside = modal.get_by_test_id(f"panel-content-{PANEL}")
    at_item(inside, 6)
    app.settle(1000)
    app.shot("review_modal")
    inside.get_by_role("button", name="Keep (k)").click()
    at_item(inside, 7)
    modal.get_by_text("Sample", exact=True).first.click()
    expected = dataset[to_review(dataset, "review_1", 7).sample_id]
    app.settle(2000)
    expect(app.page).to_have_url(re.compile(expected.id), timeout=15_000)


def test_labels_are_corrected_in_the_app(app, panel, dataset):
    modal = app.page.get_by_test_id("modal")
    modal.get_by_test_id(f"panel-tab-{PANEL}").click()
    inside = modal.get_by_test_id(f"panel-content-{PANEL}")
    at_item(inside, 7)
    inside.get_by_role("button", name="Edit in the App").click()
    expect(app.page.get_by_text("Correct the label in the tab Annotate")).to_be_visible(timeout=20_000)
    dataset.reload()
    assert dataset.active_label_schemas == ["ground_truth"]
    modal.get_by_text("Annotate", exact=True).first.click()
    app.settle(2500)
    app.shot("review_annotate")
    expect(modal.get_by_text("Add schema")).to_have_count(0)
    expect(modal.get_by_text("Labels", exact=True)).to_be_visible(timeout=20_000)
    app.page.mouse.click(6, 500)
    expect(modal).to_have_count(0, timeout=10_000)


def test_progress_says_who_did_what(app, panel):
    panel.get_by_role("tab", name="Progress").click()
    expect(panel.get_by_role("row", name=re.compile("^Zoë"))).to_be_visible(timeout=20_000)
    expect(panel.get_by_text(re.compile(r"\d+ of \d+ items decided"))).to_be_visible()
    app.settle(800)
    app.shot("review_progress")


def test_what_was_decided_is_applied_and_taken_back_from_here(app, panel, dataset):
    before = [label.to_dict() for sample in dataset for label in sample.ground_truth.detections]
    panel.get_by_role("button", name=re.compile(r"^Apply \d+ decided")).click()
    app.form.wait_for(timeout=15_000)
    app.settle(1500)
    app.execute()
    app.see("Changed 3 labels of 3 samples in 'ground_truth'")
    app.close()
    dataset.reload()
    assert [label.to_dict() for sample in dataset.iter_samples() for label in sample.ground_truth.detections] != before
    panel.get_by_role("button", name="Undo what was applied").click(timeout=20_000)
    app.form.wait_for(timeout=15_000)
    app.settle(1500)
    app.execute()
    app.page.get_by_role("button", name="Done", exact=True).wait_for(timeout=30_000)
    app.close()
    dataset.reload()
    assert [label.to_dict() for sample in dataset.iter_samples() for label in sample.ground_truth.detections] == before


def test_looks_at_home_in_the_light_theme_too(app, panel):
    panel.get_by_role("tab", name="Review", exact=True).click()
    at_item(panel, 7)
    app.page.locator("[data-testid='LightModeIcon']").first.click()
    app.settle(1500)
    app.shot("review_light")
    app.page.locator("[data-testid='DarkModeIcon']").first.click()
    app.settle(800)


def test_nothing_went_wrong_in_the_browser(app):
    assert [error for error in app.errors if "entry is loading" not in error] == []
