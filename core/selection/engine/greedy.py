"""The engine: a greedy loop over the gains of any mixture of strategies, exact and lazy.

At each step the candidate with the greatest ``sum of strength * scaled gain`` is picked.

**The common scale.** A distance, an entropy and a kernel sum cannot be added as they are. Each strategy is therefore
run alone on the same pool with the same budget, and its gains are measured on the way from a random pick (0) to its own
(1). Strength 1 beside strength 1 then means: to give up all that one strategy gains over chance is worth as much as to
give up all that the other does. Units and offsets of a score cancel; so do the dimension of embeddings and the width of
a kernel. How the worth bends in between is each strategy's own (see ``gains.Linear`` and ``gains.Repulsion``). The scale
is fixed for the run, so the worth is a monotone function of the gain, and

**Laziness** stays exact: gains only fall as items are picked, so an old gain is an upper bound of the new one. The engine
keeps bounds for all rows, makes only the best of them exact (a window), and picks inside the window for as long as the
winner beats every bound outside. Where gains rise too, as a class is wanted again (``drifting``), what is outside is
bounded by groups of rows that rise about alike (``window``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...progress import Progress, silent
from .gains import Picks, Rows
from .limits import Limit
from .run import Run, Term


def calibrated(terms: Sequence[Term], eligible: Rows, n: int, seed: int = 0, progress: Progress = silent) -> list[Term]:
    """The terms with the common scale of this pool and budget.

    Args:
        terms: the strategies; one alone needs no scale
        eligible: rows that may be picked, ascending
        n: the budget
        seed: of the random picks that mark the scale's zero
        progress: told the picks done
    """
    if len(terms) < 2 or not n:
        return list(terms)
    rng = np.random.default_rng(seed)
    random = np.sort(rng.choice(eligible, size=n, replace=False))

    def scaled(term: Term) -> Term:
        # What a static gain attains when inverted is the other end of its values; of a moving one the way is the same.
        sign = float(np.sign(term.strength)) if term.gains.static else 1.0
        enough = len(eligible) if term.gains.rows_a_pick is None else n * term.gains.rows_a_pick
        some = eligible if enough >= len(eligible) else np.sort(rng.choice(eligible, size=enough, replace=False))
        solo = greedy([Term(term.gains.alone(), sign)], some, n, progress, "calibrating")
        return Term(term.gains, term.strength, term.gains.scale(solo, random, eligible))

    return [scaled(term) for term in terms]


def greedy(
    terms: Sequence[Term],
    eligible: Rows,
    n: int,
    progress: Progress = silent,
    label: str = "selecting",
    limits: Sequence[Limit] = (),
) -> Picks:
    """Picks ``n`` of the eligible rows, one after the other, each with the greatest value given those before.

    A row that a limit refuses, or that is worth minus infinity, is passed over; there are fewer picks than ``n`` only
    where no other row is left.

    Args:
        terms: the strategies with their scales; their gains are used up
        eligible: rows that may be picked, ascending; among equals the first is picked
        n: at most ``len(eligible)``
        progress: told the picks done
        label: what the progress is of
        limits: the rules that picks must keep; they are used up
    """
    run = Run(terms, eligible, n, lambda done, total: progress(done, total, label), limits)
    if not limits and all(term.gains.static for term in terms):
        run.sort()
    elif run.sweeps:
        run.sweep()
    else:
        while run.done < n and not run.stuck:
            run.epoch()
    return run.picks()
