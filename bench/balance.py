"""BALANCE beside lightly-mundig and beside one sparse matrix-vector product a step; and the distributions they reach."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.balance import Balance
from shortlist.core.selection.strategy import Pool
from shortlist.core.selection.values import Amounts, Values

from .common import Timing, aim, has, least, table, timed

CLASSES = 80
AIMED_FROM = 1_000_000
SIZES = ("one", "1 to 4", "geometric")
# A target far from the pool is what BALANCE is for; as many picks as this show what it reaches.
REACHED = 500


def objects(n: int, sizes: str, seed: int = 0) -> Amounts:
    """Counts of objects in images: classes in a long tail, and as many objects an image as ``sizes`` says.

    Args:
        n: images
        sizes: of ``SIZES``; geometric has 4 an image on the average
        seed: of the draw
    """
    rng = np.random.default_rng(seed)
    common = 1 / np.arange(1, CLASSES + 1) ** 1.1
    how_many = {
        "one": lambda: np.ones(n, int),
        "1 to 4": lambda: rng.integers(1, 5, n),
        "geometric": lambda: np.minimum(rng.geometric(0.25, n), 30),
    }[sizes]()
    drawn = rng.choice(CLASSES, how_many.sum(), p=common / common.sum())
    rows = np.repeat(np.arange(n), how_many)
    matrix = sparse.csr_array((np.ones(len(rows)), (rows, drawn)), shape=(n, CLASSES))
    matrix.sum_duplicates()
    return Amounts(tuple(f"class {number}" for number in range(CLASSES)), matrix)


def run(size: int | None = None) -> None:
    """Runs the bench at 100 000 and 1 000 000 images, or at one size."""
    for n in (100_000, 1_000_000) if size is None else (size,):
        _speed(n)
    _reached(20_000 if size is None else min(size, 20_000))


def _speed(n: int) -> None:
    rows = []
    for sizes in SIZES:
        amounts = objects(n, sizes)
        name, theirs = _peer(amounts)
        for k in (1000, 10_000):
            if k > n // 2:
                continue
            for distribution in ("UNIFORM", "INPUT") if k == 1000 else ("UNIFORM",):
                ours = least([timed(partial(_greedy, amounts, k, distribution))[1] for _ in range(2)])
                aimed = distribution == "UNIFORM" and n >= AIMED_FROM and sizes != "one"
                a_pick = 1000 * ours.cpu / k
                verdict = aim(a_pick, high=1.2, unit=" ms") if aimed else ("-", "-")
                per_pick = "-" if theirs is None else f"{1000 * theirs.cpu:.1f}"
                rows.append([sizes, distribution, k, f"{ours.cpu:.2f}", f"{a_pick:.2f}", name, per_pick, *verdict])
    columns = ("objects an image", "target", "k", "CPU s", "ms a pick", "peer", "peer ms a pick", "aim", "met")
    table(f"balance alone: {n:,} images x {CLASSES} classes, gains and merging included", columns, rows)


def _greedy(amounts: Amounts, k: int, distribution: str = "UNIFORM") -> NDArray[np.int64]:
    """The picks alone, as a peer returns them."""
    everyone = np.arange(len(amounts))
    model = Balance.model_validate({"type": "BALANCE", "distribution": distribution})
    return greedy([Term(model.gains(amounts, Pool(everyone, n=k)))], everyone, k).rows


def _peer(amounts: Amounts) -> tuple[str, Timing | None]:
    """The peer's name, and its time for one pick."""
    if len(amounts) > 100_000:
        return "one sparse product a step", timed(lambda: plain(amounts, 12))[1].times(1 / 12)
    if not has("lightly_mundig"):
        return "lightly-mundig", None
    return "lightly-mundig", timed(lambda: mundig(amounts, 25))[1].times(1 / 25)


def mundig(amounts: Amounts, k: int, target: NDArray[np.float64] | None = None) -> list[int]:
    """LightlyStudio's engine."""
    import lightly_mundig

    selection = lightly_mundig.Selection()
    shares = np.full(CLASSES, 1 / CLASSES) if target is None else target
    selection.add_balancing_strategy(amounts.matrix.toarray().astype(np.float32), shares.tolist(), 1.0)
    return selection.run_selection([], len(amounts), k)


def plain(amounts: Amounts, k: int, target: NDArray[np.float64] | None = None) -> list[int]:
    """The least ``|held / sum(held) - target|`` after each pick, by one sparse product a step."""
    matrix = amounts.matrix
    shares = np.full(CLASSES, 1 / CLASSES) if target is None else target
    sizes = np.asarray(matrix.sum(axis=1)).ravel()
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel() - 2 * sizes * (matrix @ shares)
    squares += sizes**2 * (shares @ shares)
    error, total, picks = np.zeros(CLASSES), 0.0, []
    gone = np.where(sizes > 0, 0.0, np.inf)
    for _ in range(k):
        worth = 2 * (matrix @ error - sizes * (error @ shares)) + squares + error @ error
        worth /= np.maximum(total + sizes, 1e-9) ** 2
        worth += gone
        row = int(worth.argmin())
        picks.append(row)
        gone[row] = np.inf
        span = slice(*matrix.indptr[row : row + 2])
        error[matrix.indices[span]] += matrix.data[span]
        error -= sizes[row] * shares
        total += sizes[row]
    return picks


def _targets(amounts: Amounts) -> Iterator[tuple[str, NDArray[np.float64]]]:
    held = np.asarray(amounts.matrix.sum(axis=0)).ravel()
    yield "UNIFORM", np.full(CLASSES, 1 / CLASSES)
    yield "INPUT", held / held.sum()
    few = np.zeros(CLASSES)
    few[:3] = 0.5, 0.3, 0.2
    yield "50, 30 and 20 %", few


def _reached(n: int) -> None:
    """How far the shares lie from the target in the end, how big the images are that were picked, and how many are empty."""
    rows = []
    for sizes in SIZES:
        amounts = objects(n, sizes, seed=1)
        empty = np.random.default_rng(2).random(n) < 0.05
        matrix = sparse.csr_array(sparse.diags_array(1.0 * ~empty) @ amounts.matrix)
        matrix.eliminate_zeros()
        amounts = Amounts(amounts.names, matrix)
        for name, target in _targets(amounts):
            named = dict(zip(amounts.names, (target / target.sum()).tolist(), strict=True))
            entry = Values("BALANCE", Balance(type="BALANCE", target=named), amounts, np.ones(n, bool))
            chosen = [select([entry], REACHED).rows, plain(amounts, REACHED, target)]
            if has("lightly_mundig"):
                chosen.append(np.array(mundig(amounts, REACHED, target)))
            errors = [_off(matrix, picks, target) for picks in chosen]
            pool_size = matrix.sum() / (~empty).sum()
            size = "/".join(f"{matrix[picks].sum() / len(picks):.1f}" for picks in chosen)
            empties = "/".join(str(int(empty[picks].sum())) for picks in chosen)
            # How near shares can come to a target is a matter of one object more or less.
            no_worse = aim((errors[0] - errors[1]) * matrix[chosen[0]].sum(), high=1.0, unit=" object")
            rows.append([sizes, name, *[f"{e:.2g}" for e in errors], f"{size} of {pool_size:.1f}", empties, *no_worse])
    title = f"balance: distance of {REACHED} picks' shares from the target, {n:,} images of which 5 % are empty"
    peers = ("ours", "plain greedy", "lightly-mundig")[: len(chosen)]
    columns = ("objects an image", "target", *peers, "objects a pick", "empty picks", "aim (over plain)", "met")
    table(title, columns, rows)


def _off(matrix: sparse.csr_array, picks: NDArray[np.int64] | list[int], target: NDArray[np.float64]) -> float:
    held = np.asarray(matrix[np.asarray(picks)].sum(axis=0)).ravel()
    return float(np.linalg.norm(held / max(held.sum(), 1e-9) - target))
