"""Several people on one review: real processes on one database, and one that is killed in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import fiftyone as fo
import pytest

import shortlist
from shortlist.core.review.items import Item
from shortlist.dataset.review import kept
from shortlist.dataset.review.loaded import review_of
from shortlist.dataset.review.verdicts import verdicts_of

KEY = "review_1"
# One process reads the code, then becomes one of its own for each person: they talk by pipes, each line that comes in is a
# call, and each that goes out its result. It stays to take note of who dies.
TEAM = """
import json, os, sys
import fiftyone as fo
import shortlist.api
from shortlist.core.errors import Conflict

def act(lines, say, dataset, who, do, claim=True, numbers=(), sees=False):
    def give(number, seen):
        try:
            shortlist.give_verdict(dataset, "review_1", number, "keep", reviewer=who, seen=seen)
            say(decided=number)
        except Conflict as conflict:
            say(conflict=str(conflict))
    if do == "work":
        while (shown := shortlist.next_to_review(dataset, "review_1", who, claim=claim)) is not None:
            give(shown.number, shown.verdicts)
    if do == "look":
        say(looks=shortlist.next_to_review(dataset, "review_1", who).number)
    if do == "together":
        seen = shortlist.to_review(dataset, "review_1", numbers[0]).verdicts if sees else None
        say(waits=True)
        lines.readline()
        for number in numbers:
            give(number, seen)
    say(done=True)

def live(mine, theirs):
    lines, out = os.fdopen(mine), os.fdopen(theirs, "w")
    def say(**said):
        print(json.dumps(said), file=out, flush=True)
    say(process=os.getpid())
    while line := lines.readline():
        call = json.loads(line)
        try:
            act(lines, say, fo.load_dataset(call.pop("dataset")), **call)
        except shortlist.ShortlistError as error:
            say(error=str(error), done=True)

pipes = json.loads(sys.argv[1])
for pair in pipes:
    if os.fork() == 0:
        for other in pipes:
            if other != pair:
                [os.close(one) for one in other]
        live(*pair)
        os._exit(0)
[os.close(one) for pair in pipes for one in pair]
for _ in pipes:
    os.wait()
"""


class Person:
    """A reviewer in a process of their own."""

    def __init__(self, name: str):
        self.name = name
        there_in, here_out = os.pipe()
        here_in, there_out = os.pipe()
        self.there = (there_in, there_out)
        self._in, self._out = os.fdopen(here_in), os.fdopen(here_out, "w", buffering=1)

    def ask(self, dataset, do, **how):
        self.send({"dataset": dataset.name, "who": self.name, "do": do, **how})

    def send(self, value):
        self._out.write(json.dumps(value) + "\n")

    def hear(self):
        """The next thing that the person says; None when their process has ended."""
        line = self._in.readline()
        return json.loads(line) if line else None

    def said(self, until="done"):
        """What the person says, up to a word, or until their process ends."""
        found = []
        while (one := self.hear()) is not None:
            found.append(one)
            if until in one:
                break
        return found


@pytest.fixture(scope="module")
def everybody():
    people = [Person(name) for name in ("ana", "ben", "eve ü", "zoe")]
    pipes = [person.there for person in people]
    theirs = [end for pair in pipes for end in pair]
    process = subprocess.Popen([sys.executable, "-c", TEAM, json.dumps(pipes)], pass_fds=theirs)
    for end in theirs:
        os.close(end)
    for person in people:
        person.process = person.hear()["process"]
    yield people
    for person in people:
        person._out.close()
    process.wait(20)


@pytest.fixture
def team(everybody):
    """Three people who stay for all tests."""
    return everybody[:3]


@pytest.fixture
def reviewed(make):
    """A review of so many items on so many samples."""

    def started(n_items, n_samples, **parts):
        dataset = make([fo.Sample(f"/nowhere/{n}.png", gt=fo.Classification(label="cat")) for n in range(n_samples)])
        dataset.persistent = True
        write(dataset, n_items, **parts)
        return dataset

    return started


def write(dataset, n_items, **parts):
    """A review of so many items, dealt out to the samples in turn."""
    ids = dataset.values("id")
    items = [Item(ids[n % len(ids)], "wrong_class", 0.1, "0" * 24, given="cat", **parts) for n in range(n_items)]
    kept.write(dataset, KEY, items, label_field="gt", subject="issues", classes=["cat"], parameters={}, facts={})


def wait_for_the_end_of(process):
    """Until its parent has taken note of it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError("the process still runs")


def decided(said):
    return [one["decided"] for one in said if "decided" in one]


def held(dataset):
    """Who decided what, by the item, as the database has it."""
    return {n: [one.reviewer for one in found] for n, found in verdicts_of(dataset, review_of(dataset, KEY)).items()}


@pytest.mark.parametrize("claim", [True, False])
def test_each_item_is_decided_once_and_none_is_lost(team, reviewed, claim):
    dataset = reviewed(60, 7)
    for person in team:
        person.ask(dataset, "work", claim=claim)
    said = {person.name: person.said() for person in team}
    by_item = held(dataset)
    assert [len(who) for who in by_item.values()] == [1] * 60
    if claim:
        assert not any("conflict" in one for words in said.values() for one in words)
    for name, words in said.items():
        assert sorted(decided(words)) == [number for number, who in by_item.items() if who == [name]]
    state = shortlist.queue_of(dataset, KEY, "ana")
    assert (state.decided, state.open, state.claimed) == (60, 0, 0)
    assert dataset.values(f"{KEY}.n_open") == [0] * 7
    assert set(dataset.values(f"{KEY}.status")) == {"decided"}


def test_where_several_opinions_are_needed_each_person_gives_one(team, reviewed):
    dataset = reviewed(30, 4, opinions=2)
    for person in team:
        person.ask(dataset, "work", claim=True)
    for person in team:
        person.said()
    assert [len(set(who)) for who in held(dataset).values()] == [2] * 30
    assert [len(who) for who in held(dataset).values()] == [2] * 30


def test_of_those_on_one_item_at_once_one_decides_and_the_others_are_told(team, reviewed):
    dataset = reviewed(1, 1)
    for person in team:
        person.ask(dataset, "together", numbers=[1], sees=True)
    for person in team:
        person.said("waits")
    for person in team:
        person.send("go")
    said = [one for person in team for one in person.said()]
    assert len(decided(said)) == 1
    [winner] = held(dataset)[1]
    told = [one["conflict"] for one in said if "conflict" in one]
    assert len(told) == 2
    assert all(f"{winner} said keep at " in one for one in told)


def test_those_who_decide_items_of_one_sample_at_once_lose_nothing(team, reviewed):
    dataset = reviewed(30, 1)
    for place, person in enumerate(team):
        person.ask(dataset, "together", numbers=list(range(1 + place, 31, 3)), sees=False)
    for person in team:
        person.said("waits")
    for person in team:
        person.send("go")
    assert sorted(number for person in team for number in decided(person.said())) == list(range(1, 31))
    assert held(dataset) == {n: [team[(n - 1) % 3].name] for n in range(1, 31)}
    assert dataset.values(f"{KEY}.n_open") == [0]


def test_a_review_that_another_process_starts_or_deletes_is_seen(team, reviewed):
    dataset = reviewed(2, 2)
    person = team[0]
    person.ask(dataset, "look")
    assert person.said()[0] == {"looks": 1}
    kept.delete(dataset, KEY)
    person.ask(dataset, "look")
    [refused] = person.said()
    assert refused["error"].startswith("run_key must be a review of")
    write(dataset, 3)
    person.ask(dataset, "work")
    assert decided(person.said()) == [1, 2, 3]
    assert shortlist.queue_of(dataset, KEY, person.name).mine_done == 3


def test_threads_of_one_process_share_a_review_as_processes_do(reviewed):
    """As the people of one App do."""
    dataset = reviewed(40, 5)
    done: Counter[int] = Counter()

    def work(who):
        while (shown := shortlist.next_to_review(dataset, KEY, who)) is not None:
            shortlist.give_verdict(dataset, KEY, shown.number, "keep", reviewer=who, seen=shown.verdicts)
            shortlist.queue_of(dataset, KEY, who)
            done[shown.number] += 1

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, [f"person {n}" for n in range(4)])) == [None] * 4
    assert done == Counter(range(1, 41))
    assert [len(who) for who in held(dataset).values()] == [1] * 40


def test_who_is_killed_loses_nothing_decided_and_keeps_nobody_waiting(everybody, reviewed):
    dataset, other = reviewed(400, 9), reviewed(2, 1)
    person = everybody[3]
    person.ask(other, "look")
    assert person.said()[0] == {"looks": 1}
    assert shortlist.next_to_review(other, KEY, "dan", claim=False).number == 2
    assert shortlist.queue_of(other, KEY, "dan").claimed == 1
    person.ask(dataset, "work", claim=True)
    said = [person.hear() for _ in range(5)]
    time.sleep(random.uniform(0, 0.03))
    os.kill(person.process, signal.SIGKILL)
    said += person.said()
    wait_for_the_end_of(person.process)
    by_item = held(dataset)
    written = [number for number, who in by_item.items() if who == ["zoe"]]
    assert set(decided(said)) <= set(written)
    assert 5 <= len(decided(said)) <= len(written) <= len(decided(said)) + 1 < 400
    still_open = [number for number, who in by_item.items() if not who]
    assert sum(dataset.values(f"{KEY}.n_open")) == len(still_open)
    for number in still_open[:3]:
        shown = shortlist.next_to_review(dataset, KEY, "dan")
        assert shown.number == number
        shortlist.give_verdict(dataset, KEY, number, "keep", reviewer="dan", seen=shown.verdicts)
    assert shortlist.next_to_review(other, KEY, "dan", claim=False).number == 1
    assert shortlist.queue_of(other, KEY, "dan").claimed == 0
