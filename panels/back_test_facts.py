"""What the tab Back-test shows of a report, as rows and sentences; knows no App."""

from __future__ import annotations

import json
from typing import Any

from ..core.back_testing.metrics import WORDS
from ..core.back_testing.report import BackTestReport, Curve
from ..core.selection.presets import Has, Preset, presets
from .numbers import DASH, percent


def columns(report: BackTestReport) -> dict[str, str]:
    """The columns of the table of strategies."""
    word = WORDS[report.metric]
    found = {"name": "Strategy", "mean": f"Mean {word}", "above": "Over random", "interval": "95 % interval"}
    found |= {"most": "Pays most", "saved": "Labels saved"}
    if report.forecast is not None:
        found["next"] = f"Next {report.forecast.next_labels:,} labels"
    return found


def rows(report: BackTestReport) -> list[dict[str, str]]:
    """A row for each strategy, the best on the mean first, random picks last."""
    return [_row(curve, report) for curve in ranked(report)]


def ranked(report: BackTestReport) -> list[Curve]:
    """The curves in the order of the table."""
    return [*report.curves[1:], report.curves[0]]


def _row(curve: Curve, report: BackTestReport) -> dict[str, str]:
    above = curve.mean_difference
    found = {
        "name": curve.name,
        "mean": DASH if curve.mean is None else f"{100 * curve.mean.mean:.1f} %",
        "above": DASH if above is None else f"{100 * above.mean:+.1f}",
        "interval": DASH if above is None else f"{100 * above.low:+.1f} to {100 * above.high:+.1f}",
        "most": _most(curve, report),
        "saved": _saved(curve, report),
    }
    if report.forecast is not None:
        brings = curve.next_labels
        found["next"] = DASH if brings is None else brings.points()
    return found


def _most(curve: Curve, report: BackTestReport) -> str:
    """Where it leads random picks most, if that is shown."""
    known = [(one.mean, budget) for budget, one in _pairs(curve, report) if one.low > 0]
    return f"{100 * max(known)[0]:+.1f} at {max(known)[1]:,}" if known else DASH


def _saved(curve: Curve, report: BackTestReport) -> str:
    sure = {budget for budget, one in _pairs(curve, report) if one.low > 0}
    known = [
        (saved, budget)
        for budget, saved in zip(report.budgets, curve.saved or [], strict=False)
        if saved is not None and budget in sure
    ]
    return f"{percent(max(known)[0])} at {max(known)[1]:,}" if known else DASH


def _pairs(curve: Curve, report: BackTestReport) -> list[tuple[int, Any]]:
    pairs = zip(report.budgets, curve.difference or [], strict=False)
    return [(budget, one) for budget, one in pairs if one is not None]


def made_of(report: BackTestReport) -> str:
    """What was replayed on, in a sentence."""
    kinds = "one class a sample" if report.one_class else "several classes a sample"
    return (
        f"{report.used:,} labelled samples ({len(report.classes):,} classes, {kinds}), split {len(report.seeds)} times into a "
        f"pool of {report.pool:,} and a test of {report.test:,}"
    )


def begun(curve: Curve, report: BackTestReport, has: Has) -> dict[str, Any] | None:
    """What the form of `select_samples` begins with to use a strategy; None where it cannot be used as it is.

    Args:
        curve: the strategy
        report: the back-test
        has: what the dataset has
    """
    number = report.forecast.next_labels if report.forecast is not None else 100
    if curve.kind == "random":
        return {"start": "chance", "config": {"n_samples": number}}
    if curve.kind == "config":
        return {"start": f"saved:{curve.key}"}
    if curve.kind == "selection":
        return {"start": f"selection:{curve.key}"}
    if curve.config is None:
        return None
    preset = next((name for name, one in presets().items() if _is_preset(curve, one, has)), None)
    if preset is not None:
        return {"start": preset, "config": {"n_samples": number}}
    config = {"n_samples": number, **curve.config}
    labeled = report.parameters.get("labeled") or has.labeled
    if labeled is not None:
        config["preselected"] = labeled
    return {"start": "paste", "pasted_config": json.dumps(config, ensure_ascii=False)}


def _is_preset(curve: Curve, preset: Preset, has: Has) -> bool:
    """Whether a strategy is what the form can begin with anyway."""
    if curve.config is None or preset.lacking(has):
        return False
    return bool(preset.config(has)["strategies"] == curve.config["strategies"])
