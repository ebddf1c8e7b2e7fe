"""Work on many items at once: in order, few ahead, and nothing goes on when nobody waits for it."""

from __future__ import annotations

import threading
import time
from itertools import count, islice

import pytest

from shortlist.core.parallel import mapped


@pytest.fixture(autouse=True)
def _no_thread_stays():
    before = workers()
    yield
    assert workers() <= before


def workers() -> set[threading.Thread]:
    """The threads of pools."""
    return {one for one in threading.enumerate() if one.name.startswith("ThreadPoolExecutor")}


def test_results_come_in_the_order_of_the_items_whichever_is_ready_first():
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item % 4 == 0 else 0)
        return item * item

    assert list(mapped(slow_first, range(20), workers=4)) == [item * item for item in range(20)]


@pytest.mark.parametrize("workers", [1, 2, 7, None])
def test_any_number_of_workers_gives_the_same(workers):
    assert list(mapped(str, range(9), workers)) == [str(item) for item in range(9)]


def test_no_items_give_no_results():
    assert list(mapped(str, [])) == []


def test_items_are_worked_on_at_the_same_time():
    together = threading.Barrier(2)
    assert sorted(mapped(lambda _: together.wait(timeout=20), range(4), workers=2)) == [0, 0, 1, 1]


def test_a_stream_without_end_is_taken_only_a_few_ahead():
    taken = []
    endless = (taken.append(item) or item for item in count())
    results = mapped(lambda item: item, endless, workers=2)
    assert list(islice(results, 10)) == list(range(10))
    assert len(taken) <= 10 + 2 * 2 + 1
    results.close()


def test_leaving_early_forgets_what_has_not_begun():
    worked = []
    results = mapped(lambda item: worked.append(item) or time.sleep(0.01), range(1000), workers=1)
    next(results)
    results.close()
    done = len(worked)
    time.sleep(0.05)
    assert len(worked) == done <= 4


def test_an_error_of_the_work_comes_out_where_its_result_would_and_ends_it():
    def work(item: int) -> int:
        if item == 3:
            raise ZeroDivisionError("item 3")
        return item

    got = []
    with pytest.raises(ZeroDivisionError, match="item 3"):
        got.extend(mapped(work, range(1000), workers=2))
    assert got == [0, 1, 2]


def test_an_error_of_the_items_comes_out_too():
    def items():
        yield 1
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        list(mapped(str, items(), workers=2))
