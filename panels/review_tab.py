"""The tab Review: one item, its picture, and a click that decides it and shows the next."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import fiftyone.operators as foo

from ..api.review.deciding import (
    ToReview,
    give_verdict,
    next_to_review,
    queue_of,
    to_review,
    undo_verdict,
)
from ..api.review.editing import Record, make_editable
from ..api.review.picturing import items_at, look
from ..core.errors import Conflict, ShortlistError
from ..core.review.verdicts import Decision, Verdict
from . import review_facts as facts
from . import review_sections as sections
from .ahead import begin
from .page import Page
from .review_choice import NOBODY, OTHER, chosen, get, keep, name_of, put, reviews_of
from .review_pictures import picture
from .tab import IGNORED, Tab, event

# The fields that a person types into get new names again and again, a few in turn, so that they are empty each time.
_TURNS = 4
# The keys that were told of last, by window.
_MOST_PRESSED = 1024
_pressed: OrderedDict[tuple[str, int], bool] = OrderedDict()
_lock = threading.Lock()


class ReviewTab(Tab):
    """One item after the other."""

    name = "review"
    label = "Review"

    def draw(self, ctx: foo.ExecutionContext, page: Page) -> None:
        try:
            self._draw(ctx, page)
        finally:
            keep(ctx)

    def _draw(self, ctx: foo.ExecutionContext, page: Page) -> None:
        records = reviews_of(ctx)
        if not records:
            sections.nothing_yet(page)
            return
        record = chosen(ctx, records)
        name = name_of(ctx, record)
        found = None
        if name:
            self._follow(ctx, record)
            found = self._current(ctx, record, name)
        keys = (self._place(ctx), facts.letters(found, self._digits(ctx, found))) if found is not None else None
        sections.choices(page, self, records, record, name, typing=bool(get(ctx, "typing")), keys=keys)
        if not name:
            page.text("who", "Say who you are, to decide items under your name.")
            return
        state = queue_of(ctx.dataset, record.run_key, name)
        if found is None:
            sections.nothing_left(page, self, record, state, settles=_settles(ctx))
        else:
            self._item(ctx, page, record, found)
            self._ahead(ctx, record, name, found.number)
        page.progress("done", facts.share(state), facts.progress(state))
        sections.settling(page, self, state, settles=_settles(ctx))

    def _item(self, ctx: foo.ExecutionContext, page: Page, record: Record, found: ToReview) -> None:
        """The item, and what can be done with it."""
        conflict, whole = self._conflict(ctx, found.number), bool(get(ctx, "whole"))
        scene = look(ctx.dataset, record.label_field, found.item)
        sections.asked(page, found, record.n_items)
        if scene is not None:
            sections.pictured(page, found, picture(ctx.dataset.name, record, found.number, scene, whole))
        if conflict is not None:
            sections.conflict(page, self, facts.conflict([Verdict(**one) for one in conflict["others"]]))
        else:
            digits = self._digits(ctx, found)
            sections.buttons(page, self, found)
            sections.classes(page, self, found, digits)
            sections.typing(page, self, found, digits, self._place(ctx))
        if found.verdicts and (found.outcome.state != "open" or _settles(ctx) or found.item.opinions == 1):
            page.text("said", facts.said(found.verdicts), quiet=True)
        sections.more(page, self, record, found, scene, whole=whole)

    @staticmethod
    def _digits(ctx: foo.ExecutionContext, found: ToReview) -> list[str]:
        """The classes that have a digit."""
        return facts.quick(found.classes, json.loads(get(ctx, "used", "[]")))

    # Which item it is

    def _current(self, ctx: foo.ExecutionContext, record: Record, name: str) -> ToReview | None:
        """The item that is looked at, or the next one; None where nothing is left for this person."""
        number = get(ctx, "number")
        if number:
            try:
                found = to_review(ctx.dataset, record.run_key, int(number))
            except ShortlistError:
                # Its sample was deleted.
                return self._next(ctx, record, name, 0)
            if found.review_id == get(ctx, "review"):
                return found
        return self._next(ctx, record, name, 0)

    def _next(self, ctx: foo.ExecutionContext, record: Record, name: str, after: int) -> ToReview | None:
        """Goes on to the next item."""
        found = next_to_review(ctx.dataset, record.run_key, name, after=after, disputed=_settles(ctx))
        self._show(ctx, found)
        return found

    def _show(self, ctx: foo.ExecutionContext, found: ToReview | None) -> None:
        """Turns to an item; the sample that is open in the App goes along."""
        put(ctx, "number", found.number if found else 0)
        put(ctx, "seen", json.dumps([asdict(one) for one in found.verdicts] if found else []))
        put(ctx, "review", found.review_id if found else "")
        put(ctx, "conflict", "")
        # What was typed was typed for the item before.
        self._forget_keys(ctx)
        if found is not None and ctx.current_sample and get(ctx, "opened") != found.sample_id:
            put(ctx, "opened", found.sample_id)
            ctx.ops.open_sample(id=found.sample_id)

    def _follow(self, ctx: foo.ExecutionContext, record: Record) -> None:
        """Goes to the item of the sample that a person opened in the App."""
        opened = ctx.current_sample or ""
        if opened == get(ctx, "opened", ""):
            return
        put(ctx, "opened", opened)
        numbers = items_at(ctx.dataset, record.run_key, opened) if opened else []
        if numbers and get(ctx, "number") not in numbers:
            items = [to_review(ctx.dataset, record.run_key, number) for number in numbers[:20]]
            found = next((one for one in items if one.outcome.state == "open"), items[0])
            # It is open already.
            put(ctx, "opened", found.sample_id if found.sample_id == opened else opened)
            put(ctx, "number", found.number)
            put(ctx, "seen", json.dumps([asdict(one) for one in found.verdicts]))
            put(ctx, "review", found.review_id)
            put(ctx, "turn", self._turn(ctx) + 1)

    def _ahead(self, ctx: foo.ExecutionContext, record: Record, name: str, number: int) -> None:
        """Makes the picture of the next item while a person looks at this one."""
        dataset, whole, settles = ctx.dataset, bool(get(ctx, "whole")), _settles(ctx)

        def work() -> None:
            after = number
            for _ in range(2):
                found = next_to_review(dataset, record.run_key, name, after=after, disputed=settles, claim=False)
                if found is None or found.number == number:
                    return
                scene = look(dataset, record.label_field, found.item)
                if scene is not None:
                    picture(dataset.name, record, found.number, scene, whole)
                after = found.number

        begin(work)

    # What a person decides

    @event
    def decided(self, ctx: foo.ExecutionContext) -> None:
        """A button, or a class that has one."""
        self._decide(ctx, ctx.params.get("decision"), ctx.params.get("item"), label=ctx.params.get("chosen"))

    @event
    def classed(self, ctx: foo.ExecutionContext) -> None:
        """A class was chosen among all."""
        name = ctx.params.get("value")
        if name and self._is_current(ctx):
            self._decide(ctx, "relabel", get(ctx, "number"), label=name)

    @event
    def pressed(self, ctx: foo.ExecutionContext) -> object:
        """A key, where keys go: of several that were pressed at once the first counts, the others were meant for no item."""
        key = str(ctx.params.get("value") or "").strip()[:1].lower()
        if not key or not str(ctx.params.get("path") or "").endswith(f".keys{self._place(ctx)}"):
            return None
        if not _is_new((str(ctx.panel.get_state("window")), self._turn(ctx))):
            return IGNORED
        if self._conflict(ctx, get(ctx, "number")) is not None:
            self._forget_keys(ctx)
        elif key == facts.UNDO_KEY:
            self.undone(ctx)
        else:
            self._press(ctx, key)
        return None

    def _press(self, ctx: foo.ExecutionContext, key: str) -> None:
        """Decides the item by a key."""
        decision = next((one for one, its in facts.KEYS.items() if its == key), None)
        number = get(ctx, "number")
        found = to_review(ctx.dataset, self._record(ctx).run_key, int(number)) if number else None
        if found is None:
            return
        digits = self._digits(ctx, found)
        if key.isdigit() and 0 < int(key) <= len(digits):
            self._decide(ctx, "relabel", found.number, label=digits[int(key) - 1])
        elif decision in found.choices:
            self._decide(ctx, decision, found.number)
        else:
            self._forget_keys(ctx)
            ctx.ops.notify(f"Press one of: {facts.keys(found, digits)}.", variant="info")

    @event
    def insisted(self, ctx: foo.ExecutionContext) -> None:
        """What somebody else decided meanwhile is decided nevertheless."""
        conflict = self._conflict(ctx, get(ctx, "number"))
        if conflict is not None:
            put(ctx, "seen", json.dumps(conflict["seen"]))
            put(ctx, "conflict", "")
            self._decide(ctx, conflict["decision"], get(ctx, "number"), label=conflict["label"])

    @event
    def passed(self, ctx: foo.ExecutionContext) -> None:
        """The next item, without deciding this one."""
        record = self._record(ctx)
        self._next(ctx, record, name_of(ctx, record), int(get(ctx, "number", 0)))

    @event
    def undone(self, ctx: foo.ExecutionContext) -> None:
        """The person's last verdict is taken back, and its item shown."""
        record = self._record(ctx)
        try:
            number = undo_verdict(ctx.dataset, record.run_key, name_of(ctx, record))
            if number is None:
                self._forget_keys(ctx)
                ctx.ops.notify("There is no verdict of yours to take back.", variant="info")
            else:
                self._show(ctx, to_review(ctx.dataset, record.run_key, number))
        except ShortlistError as error:
            ctx.ops.notify(str(error), variant="warning")

    def _decide(
        self, ctx: foo.ExecutionContext, decision: Decision | None, number: Any, label: str | None = None
    ) -> None:
        """Writes a verdict and turns to the next item."""
        if decision is None or not number or number != get(ctx, "number"):
            # A second click that was meant for the same item.
            return
        record = self._record(ctx)
        name = name_of(ctx, record)
        seen = [Verdict(**one) for one in json.loads(get(ctx, "seen", "[]"))]
        try:
            give_verdict(
                ctx.dataset,
                record.run_key,
                int(number),
                decision,
                reviewer=name,
                label=label,
                comment=self._typed(ctx),
                seen=seen,
                is_final=_settles(ctx),
                is_new_class=decision == "relabel",
                review_id=get(ctx, "review"),
            )
        except Conflict as error:
            told = {
                "item": number,
                "decision": decision,
                "label": label,
                "seen": [asdict(one) for one in error.verdicts],
            }
            others = [one for one in told["seen"] if one["reviewer"] != name]
            put(ctx, "conflict", json.dumps({**told, "others": others}))
            self._forget_keys(ctx)
            return
        except ShortlistError as error:
            self._forget_keys(ctx)
            ctx.ops.notify(str(error), variant="warning")
            return
        if decision == "relabel" and label:
            self._remember_class(ctx, label)
        self._next(ctx, record, name, int(number))

    # What a person chooses

    @event
    def run_chosen(self, ctx: foo.ExecutionContext) -> None:
        """Another review."""
        value = ctx.params.get("value")
        if value and value != self._record(ctx).run_key:
            put(ctx, "run", value)
            put(ctx, "number", 0)
            put(ctx, "conflict", "")

    @event
    def named(self, ctx: foo.ExecutionContext) -> None:
        """Who decides."""
        value = " ".join(str(ctx.params.get("value") or "").split())
        if value == OTHER:
            put(ctx, "typing", True)
        elif value not in ("", NOBODY) and value != name_of(ctx, self._record(ctx)):
            put(ctx, "name", value)
            put(ctx, "number", 0)
            put(ctx, "conflict", "")

    @event
    def settled(self, ctx: foo.ExecutionContext) -> None:
        """Only what people disagree on, or the queue again."""
        put(ctx, "settles", not _settles(ctx))
        put(ctx, "number", 0)
        put(ctx, "conflict", "")

    @event
    def widened(self, ctx: foo.ExecutionContext) -> None:
        """The whole image, or the part again."""
        put(ctx, "whole", not get(ctx, "whole"))

    @event
    def opened(self, ctx: foo.ExecutionContext) -> None:
        """The sample of the item."""
        self._open(ctx)

    @event
    def edited(self, ctx: foo.ExecutionContext) -> None:
        """The sample, in which labels can be corrected."""
        record = self._record(ctx)
        try:
            if make_editable(ctx.dataset, str(record.label_field)):
                # An open sample would not learn of it.
                if ctx.current_sample:
                    ctx.ops.close_sample()
                ctx.ops.reload_dataset()
        except (ShortlistError, ValueError) as error:
            ctx.ops.notify(str(error), variant="warning")
            return
        self._open(ctx)
        ctx.ops.notify("Correct the label in the tab Annotate of the sample, then come back here.", variant="info")

    def _open(self, ctx: foo.ExecutionContext) -> None:
        found = to_review(ctx.dataset, self._record(ctx).run_key, int(get(ctx, "number")))
        put(ctx, "opened", found.sample_id)
        ctx.ops.open_sample(id=found.sample_id)

    # What is kept

    def _record(self, ctx: foo.ExecutionContext) -> Record:
        return chosen(ctx, reviews_of(ctx))

    @staticmethod
    def _turn(ctx: foo.ExecutionContext) -> int:
        """How often the fields that are typed into have been emptied."""
        return int(get(ctx, "turn", 0))

    def _place(self, ctx: foo.ExecutionContext) -> int:
        """Which of the names in turn the fields have that are typed into."""
        return self._turn(ctx) % _TURNS

    def _typed(self, ctx: foo.ExecutionContext) -> str:
        """What the person typed as a comment."""
        typed = ctx.panel.get_state(f"{self.name}.typed{self._place(ctx)}.c0.comment")
        return typed.strip() if isinstance(typed, str) else ""

    def _is_current(self, ctx: foo.ExecutionContext) -> bool:
        """Whether an event is of the fields that are shown for this item, rather than of those of one before."""
        return f".typed{self._place(ctx)}." in str(ctx.params.get("path") or "")

    def _forget_keys(self, ctx: foo.ExecutionContext) -> None:
        """Empties the fields that are typed into: they get other names."""
        turn = self._place(ctx)
        for path in (f"{self.name}.typed{turn}", f"{self.name}.choices.c2.keys{turn}"):
            if ctx.panel.get_state(path):
                ctx.panel.set_state(path, None)
        put(ctx, "turn", self._turn(ctx) + 1)

    @staticmethod
    def _conflict(ctx: foo.ExecutionContext, number: Any) -> dict[str, Any] | None:
        """What somebody else decided while the person looked at an item."""
        kept = get(ctx, "conflict", "")
        found: dict[str, Any] | None = json.loads(kept) if kept else None
        return found if found is not None and found["item"] == number else None

    @staticmethod
    def _remember_class(ctx: foo.ExecutionContext, label: str) -> None:
        """Gives a class a digit, once it was chosen."""
        used: Sequence[str] = json.loads(get(ctx, "used", "[]"))
        if label not in used:
            put(ctx, "used", json.dumps([*used, label][: facts.DIGITS]))


def _is_new(pressed: tuple[str, int]) -> bool:
    """Whether a key is told of for the first time: the App may tell of it twice, both times as of before it."""
    with _lock:
        if pressed in _pressed:
            return False
        _pressed[pressed] = True
        while len(_pressed) > _MOST_PRESSED:
            _pressed.popitem(last=False)
    return True


def _settles(ctx: foo.ExecutionContext) -> bool:
    """Whether the person settles what others disagree on."""
    return bool(get(ctx, "settles"))
