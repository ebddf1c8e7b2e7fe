"""One writer for one result, among threads and among processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import fiftyone.core.odm as odm
import pytest
from fiftyone.operators.store import ExecutionStore

from shortlist import ShortlistError
from shortlist.dataset.reservation import reserved

HOLDER = """
import sys, time
import fiftyone as fo
from shortlist.dataset.reservation import reserved
with reserved(fo.load_dataset(sys.argv[1]), "round_1"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_and_a_third_may_follow(make):
    dataset = make()
    with reserved(dataset, "round_1"), pytest.raises(ShortlistError, match="'round_1' is being written"):  # noqa: SIM117
        with reserved(dataset, "round_1"):
            pass
    with reserved(dataset, "round_1"):
        pass


def test_an_error_inside_frees_the_name(make):
    dataset = make()
    with pytest.raises(ZeroDivisionError), reserved(dataset, "round_1"):
        raise ZeroDivisionError
    with reserved(dataset, "round_1"):
        pass


def test_names_and_datasets_are_apart(make):
    first, second = make(), make()
    with reserved(first, "round_1"), reserved(first, "round_2"), reserved(second, "round_1"):
        pass


def test_among_threads_only_one_gets_in(make):
    dataset = make()
    inside, refused, ready = [], [], threading.Barrier(5)

    def work():
        ready.wait()
        try:
            with reserved(dataset, "round_1"):
                inside.append(1)
                time.sleep(0.5)
        except ShortlistError:
            refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(inside), len(refused)) == (1, 4)


def test_waiting_for_a_short_writer(make):
    dataset = make()
    order = []

    def work():
        with reserved(dataset, "the schema", wait=10):
            order.append("second")

    with reserved(dataset, "the schema"):
        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_killed_process_s_reservation_is_taken_over(make):
    dataset = make()
    dataset.persistent = True
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, dataset.name], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline().strip() == "held"
        with pytest.raises(ShortlistError, match=f"process {holder.pid} on "), reserved(dataset, "round_1"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        with reserved(dataset, "round_1"):
            pass
    finally:
        holder.kill()


def test_another_machine_s_reservation_stands_until_it_ends(make):
    dataset = make()
    store = ExecutionStore.create("shortlist:reservations", dataset_id=dataset._doc.id)
    store.set("round_1", {"host": "elsewhere", "process": 1, "since": time.time()}, ttl=600)
    with pytest.raises(ShortlistError, match="process 1 on elsewhere"), reserved(dataset, "round_1"):
        pass
    store.delete("round_1")
    with reserved(dataset, "round_1"):
        assert store.get("round_1")["process"] == os.getpid()
        assert store.get("round_1")["host"] == socket.gethostname()
    assert store.get("round_1") is None


def test_a_long_run_gives_signs_of_life(make, monkeypatch):
    monkeypatch.setattr("shortlist.dataset.reservation._LIFETIME", 2)
    dataset = make()

    def ends_at():
        found = {"store_name": "shortlist:reservations", "dataset_id": dataset._doc.id, "key": "round_1"}
        return odm.get_db_conn().execution_store.find_one(found)["expires_at"]

    with reserved(dataset, "round_1"):
        first = ends_at()
        time.sleep(1.2)
        assert ends_at() > first
