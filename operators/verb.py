"""What all operators are: a form drawn from a model, one call of a verb, live or delegated, and a result to read."""

from __future__ import annotations

import logging
import queue
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionRunState

from ..api.summary import Summary
from ..core.errors import Cancelled, ShortlistError
from ..core.progress import Progress
from ..core.schema import Schema, first_sentence, parse
from . import forms

logger = logging.getLogger(__name__)

# What the App adds to the parameters where a panel opened the form.
_OF_PANELS = ("panel_id", "panel_state")


class Verb(foo.Operator):
    """Base of the operators."""

    #: the parameters: form, checks and documentation
    model: ClassVar[type[Schema]]
    #: the operator's name, the verb
    verb: ClassVar[str]
    #: its name for people
    label: ClassVar[str]
    icon: ClassVar[str]
    risk: ClassVar[types.RiskLevel] = types.RiskLevel.MEDIUM
    #: where the App offers it besides the operator browser
    place: ClassVar[types.Places | None] = None
    #: whether it may take long enough to be queued
    delegable: ClassVar[bool] = True
    #: whether it works on a view rather than on the dataset
    has_target: ClassVar[bool] = True

    @abstractmethod
    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> Summary:
        """The one call of the verb."""

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        """What the App shows when the verb is done."""
        yield ctx.ops.reload_dataset()

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name=self.verb,
            label=self.label,
            description=first_sentence(self.model),
            icon=self.icon,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=self.delegable,
            risk_level=self.risk,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        _without_panel(ctx)
        inputs = types.Object()
        if ctx.dataset is None:
            forms.problem(inputs, "Open a dataset first.")
        else:
            self.draw(ctx, inputs, self.target(ctx))
        view = types.PromptView(label=self.label, caption=first_sentence(self.model))
        return types.Property(inputs, view=view)

    def draw(self, ctx: foo.ExecutionContext, inputs: types.Object, samples: Any) -> None:
        """Draws the form, with what is wrong with what it holds so far."""
        forms.draw(self.model, inputs, samples, ctx.params)
        forms.check(self.model, inputs, ctx.params)

    def submitted(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """The parameters of a call, from the form or from a script."""
        return forms.submitted(self.model, ctx.params)

    def resolve_placement(self, ctx: foo.ExecutionContext) -> types.Placement | None:
        if self.place is None:
            return None
        return types.Placement(self.place, types.Button(label=self.label, icon=self.icon, prompt=True))

    def resolve_output(self, ctx: foo.ExecutionContext) -> types.Property:
        return self._shown(getattr(ctx, "results", None) or {})

    def told(self, summary: Summary) -> dict[str, Any]:
        """A summary as JSON for the App."""
        return _told(summary)

    def outputs(self, told: Mapping[str, Any]) -> types.Object:
        """What the App shows of what was told."""
        return _outputs()

    def _shown(self, told: Mapping[str, Any]) -> types.Property:
        return types.Property(self.outputs(told), view=types.View(label=self.label))

    def target(self, ctx: foo.ExecutionContext) -> Any:
        """The samples that the person chose: the dataset, the view or the selected ones."""
        return ctx.target_view() if self.has_target else ctx.dataset

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        _without_panel(ctx)
        if ctx.delegated:
            return self.told(self._run(ctx, _Delegated(ctx)))
        return self._live(ctx)

    def _run(self, ctx: foo.ExecutionContext, progress: Progress) -> Summary:
        given = parse(self.model, self.submitted(ctx))
        return self.call(self.target(ctx), given.model_dump(mode="json", exclude_none=True), progress)

    def _live(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        """Runs the verb in a thread and shows its progress; what goes wrong is shown too, which the App would not do."""
        work = _Work(lambda progress: self._run(ctx, progress))
        try:
            for done, label in work.steps():
                yield ctx.ops.set_progress(progress=done, label=label)
        except GeneratorExit:
            work.cancel()
            raise
        if work.error is not None:
            sentence = str(work.error)
            if not isinstance(work.error, ShortlistError):
                logger.error("%s failed", self.verb, exc_info=work.error)
                sentence = f"{self.label} failed: {type(work.error).__name__}: {work.error}"
            outputs = types.Object()
            outputs.view("error", types.Error(label=sentence))
            yield ctx.ops.notify(sentence, variant="error")
            yield ctx.ops.show_output(types.Property(outputs, view=types.View(label=self.label)).to_json(), {})
            # The App has shown it; a script that called the operator by its name has not seen it yet.
            raise work.error
        assert work.summary is not None
        yield from self.afterwards(ctx, work.summary)
        yield ctx.ops.notify(work.summary.headline, variant="success")
        told = self.told(work.summary)
        yield ctx.ops.show_output(self._shown(told).to_json(), told)

    def _called(self, samples: Any, parameters: dict[str, Any], delegate: bool, run: Callable[[], Any]) -> Any:
        """A call from Python: at once, with the verb's own result and errors, or delegated."""
        if not delegate:
            return run()
        parameters = parse(self.model, parameters).model_dump(mode="json", exclude_none=True)
        ctx = {"view": samples} if isinstance(samples, fo.DatasetView) else {"dataset": samples}
        return foo.execute_operator(self.uri, ctx, params=parameters, request_delegation=True)


def _without_panel(ctx: foo.ExecutionContext) -> None:
    """Leaves the parameters of the verb alone."""
    for name in _OF_PANELS:
        ctx.params.pop(name, None)


def opened(ctx: foo.ExecutionContext, name: str, view: Any) -> Iterator[Any]:
    """Opens a saved view.

    The App learns of a new saved view only while it reloads the dataset, and says nothing when it has; until then it knows
    the view by its stages alone, and afterwards by its name too.
    """
    yield ctx.ops.set_view(view=view)
    time.sleep(1.5)
    yield ctx.ops.set_view(name=name)


class _Work:
    """A verb at work in a thread of its own."""

    def __init__(self, run: Callable[[Progress], Summary]):
        self.summary: Summary | None = None
        self.error: Exception | None = None
        self._cancelled = threading.Event()
        self._steps: queue.Queue[tuple[float, str] | None] = queue.Queue()
        self._pace = _Pace(0.25)
        self._thread = threading.Thread(target=self._work, args=(run,), daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Stops the work at its next step; nothing is written."""
        self._cancelled.set()

    def steps(self) -> Iterator[tuple[float, str]]:
        """The steps of the work until it is done."""
        while (step := self._steps.get()) is not None:
            yield step

    def _work(self, run: Callable[[Progress], Summary]) -> None:
        try:
            self.summary = run(self._progress)
        except Exception as error:
            self.error = error
        self._steps.put(None)

    def _progress(self, done: int, total: int, label: str = "") -> None:
        if self._cancelled.is_set():
            raise Cancelled
        step = self._pace.step(done, total, label)
        if step is not None:
            self._steps.put(step)


class _Delegated:
    """The progress of a delegated run; one that was marked as failed meanwhile is cancelled."""

    def __init__(self, ctx: foo.ExecutionContext):
        self._ctx, self._pace = ctx, _Pace(2)

    def __call__(self, done: int, total: int, label: str = "") -> None:
        step = self._pace.step(done, total, label)
        if step is None:
            return
        operation = getattr(self._ctx, "_delegated_operation_id", None)
        if operation is not None:
            state = DelegatedOperationService().get(operation).run_state
            if state == ExecutionRunState.FAILED:
                raise Cancelled
        self._ctx.set_progress(progress=step[0], label=step[1])


class _Pace:
    """Lets a step of work be shown once in a while, and says how long the rest will take.

    Args:
        interval: seconds between two shown steps
    """

    def __init__(self, interval: float):
        self._interval = interval
        self._shown, self._label, self._since = 0.0, "", 0.0

    def step(self, done: int, total: int, label: str) -> tuple[float, str] | None:
        """The share that is done and the words for it; None where the last were shown just now."""
        now = time.monotonic()
        if label != self._label:
            self._label, self._since = label, now
        if now - self._shown < self._interval:
            return None
        self._shown = now
        return done / max(total, 1), _said(done, total, label, now - self._since)


def _said(done: int, total: int, label: str, seconds: float) -> str:
    """How far work is, and how long it will still take once that can be told."""
    text = f"{label}: {done} of {total}"
    if done and seconds > 1:
        text += f", about {seconds * (total - done) / done:.0f} s left"
    return text


def _told(summary: Summary) -> dict[str, Any]:
    """A summary as JSON for the App's table."""
    return {
        "headline": summary.headline,
        "details": [{"what": what, "value": value} for what, value in summary.rows()],
    }


def _outputs() -> types.Object:
    outputs = types.Object()
    outputs.str("headline", view=types.LabelValueView(label="Done"))
    row = types.Object()
    row.str("what")
    row.str("value")
    table = types.TableView()
    table.add_column("what", label="What")
    table.add_column("value", label="Value")
    outputs.list("details", row, view=table)
    return outputs
