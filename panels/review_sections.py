"""The parts of the tab Review, as they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..api.review.deciding import ToReview
from ..api.review.editing import Record
from ..api.review.picturing import ItemPicture, Scene
from ..core.review.queue import QueueState
from . import review_facts as facts
from .charts import item_plot
from .page import Page, plain
from .review_choice import NOBODY, OTHER, reviewers_of

if TYPE_CHECKING:
    from .review_tab import ReviewTab

_HEIGHT = 400


def nothing_yet(page: Page) -> None:
    """How to begin, where there is no review."""
    page.text("empty", "**There is no review yet.**")
    page.text(
        "how",
        "A review is an ordered list of suspected label errors, labels or samples that you decide one by one, alone or with "
        "others. Labels stay as they are until the review is applied, and that can be undone.",
    )
    page.row("begin").offer("start", "Start a review", "start_review", icon="rate_review")


def choices(
    page: Page,
    tab: ReviewTab,
    records: Sequence[Record],
    record: Record,
    name: str,
    *,
    typing: bool,
    keys: tuple[int, str] | None,
) -> None:
    """Which review it is, who decides, and where keys go.

    What keys go to is here and nowhere else: the browser scrolls to what has the focus, and the picture must stay in sight.

    Args:
        page: what is drawn on
        tab: whose events are called
        records: the reviews
        record: the one that is looked at
        name: who decides
        typing: whether they type their name
        keys: the turn and what can be pressed; None where nothing can
    """
    places = page.columns("choices", 3, least=150)
    shown = {one.run_key: f"{one.run_key} ({one.label_field or 'samples'}, {one.n_items:,} items)" for one in records}
    places[0].choice("run", "Review", shown, record.run_key, tab.run_chosen)
    among = reviewers_of(record)
    if among and not typing and (not name or name in among):
        known = {**({} if name else {NOBODY: "Who are you?"}), **{one: one for one in among}, OTHER: "somebody else"}
        places[1].choice(f"who_{record.run_key}", "You are", known, name or NOBODY, tab.named)
    else:
        places[1].text_field(
            "name", "You are", name, hint="your name", on_change=tab.named, when_left=True, width="100%"
        )
    if keys is not None:
        turn, hint = keys
        places[2].text_field(f"keys{turn}", "Keys", hint=hint, on_change=tab.pressed, width="100%", focused=True)


def asked(page: Page, found: ToReview, total: int) -> None:
    """The question."""
    page.text("question", f"**{plain(found.question)}**")
    page.text("facts", facts.about(found, total), quiet=True)


def pictured(page: Page, found: ToReview, shown: ItemPicture) -> None:
    """The picture of the item, with the labels on it."""
    if shown.data is None:
        page.notice("no_picture", f"There is no picture of it: {shown.problem}.", "info")
        return
    words = {"suggested": "missing?"} if found.item.kind == "missing" else {}
    # What has no place of its own is said in words.
    suggested = shown.suggested
    if suggested is not None and suggested.box is None:
        suggested = None
    given = shown.given if shown.given is not None and shown.given.box is not None else None
    page.figure(
        "picture",
        item_plot(
            shown.data,
            shown.frame,
            (shown.width, shown.height),
            given=given,
            suggested=suggested,
            others=shown.others,
            words=words,
            key=f"{found.number} {shown.is_part}",
            height=_HEIGHT,
        ),
    )


def buttons(page: Page, tab: ReviewTab, found: ToReview) -> None:
    """The decisions; each is always at the same place."""
    row = page.row("decide")
    for one in facts.BUTTONS:
        fits = one in found.choices
        # What a person does next stands out, and is not what the finder thinks: it would be pressed unseen.
        row.button(
            one,
            facts.label_of(one),
            tab.decided,
            hint=facts.hint_of(one, found.item) if fits else "This does not fit here.",
            key=facts.KEYS[one],
            disabled=not fits,
            decision=one,
            item=found.number,
        )
    undo(row, tab)
    page.text("meaning", facts.meaning(found), quiet=True)


def classes(page: Page, tab: ReviewTab, found: ToReview, digits: Sequence[str]) -> None:
    """The classes that have a digit, to say that it is one of these."""
    if not digits or "relabel" not in found.choices:
        return
    row = page.row("classes")
    for number, name in enumerate(digits, start=1):
        row.button(
            f"class{number}",
            f"{name} ({number})",
            tab.decided,
            hint=f"It is {name!r}.",
            key=str(number),
            disabled=name == found.item.given,
            decision="relabel",
            chosen=name,
            item=found.number,
        )


def undo(row: Page, tab: ReviewTab) -> None:
    """The way back."""
    hint = "Take your last verdict back."
    row.button("undo", f"Undo ({facts.UNDO_KEY})", tab.undone, icon="undo", hint=hint, key=facts.UNDO_KEY)


def typing(page: Page, tab: ReviewTab, found: ToReview, digits: Sequence[str], turn: int) -> None:
    """A comment, and any class."""
    searched = "relabel" in found.choices and (len(found.classes) > len(digits) or not found.classes)
    places = page.columns(f"typed{turn}", 1 + searched, least=200)
    places[0].text_field("comment", "Comment", hint="kept with your verdict", width="100%")
    if searched:
        places[1].search("class", found.classes, "Another class", tab.classed)


def conflict(page: Page, tab: ReviewTab, text: str) -> None:
    """What somebody else decided meanwhile."""
    page.notice("conflict", text, "warning")
    row = page.row("after_conflict")
    row.button("next", "Next item", tab.passed, icon="skip_next", main=True)
    row.button("insist", "Decide nevertheless", tab.insisted, icon="gavel")


def more(page: Page, tab: ReviewTab, record: Record, found: ToReview, scene: Scene | None, *, whole: bool) -> None:
    """What is seldom needed."""
    told = facts.changed(scene.state) if scene is not None else None
    if told is not None:
        page.notice("changed", told, "info")
        page.row("by_hand").button(
            "corrected", "I corrected it", tab.decided, icon="edit", main=True, decision="edited", item=found.number
        )
    row = page.row("more")
    row.button("open", "Open the sample", tab.opened, icon="open_in_full")
    if record.label_field is not None:
        row.button("edit", "Edit in the App", tab.edited, icon="edit", hint="Correct the label by hand.")
    row.button(
        "whole",
        "Show the part" if whole else "Show the whole image",
        tab.widened,
        icon="zoom_in" if whole else "zoom_out",
    )
    page.text("reason", plain(found.reason), quiet=True)


def settling(page: Page, tab: ReviewTab, state: QueueState, *, settles: bool) -> None:
    """The way to what people disagree on, and back."""
    count = state.disputed + state.unsure
    if settles:
        page.row("settling").button("queue", "Back to the queue", tab.settled, icon="undo")
    elif count:
        label = f"Settle {count:,} on which people disagree or are unsure"
        page.row("settling").button("settle", label, tab.settled, icon="gavel", hint="Your verdict on them is final.")


def nothing_left(page: Page, tab: ReviewTab, record: Record, state: QueueState, *, settles: bool) -> None:
    """What to do where nothing is left for this person."""
    if settles:
        page.notice("settled", "There is nothing left that people disagree on.", "success")
    elif state.open:
        page.notice(
            "mine_done", f"You have decided all that is for you; {state.open:,} items wait for others.", "success"
        )
    else:
        page.notice("all_done", "All items have the opinions that they need.", "success")
    row = page.row("then")
    row.offer(
        "apply",
        "Apply what was decided",
        "apply_review",
        icon="published_with_changes",
        main=not settles,
        run_key=record.run_key,
    )
    undo(row, tab)
