"""The one voice of errors."""

from __future__ import annotations

import pytest

from shortlist.core.errors import Cancelled, ShortlistError, did_you_mean, listed, must_be, shown


@pytest.mark.parametrize(
    ("hint", "sentence"),
    [
        ("", "n must be >= 0. Got -1 instead."),
        ("Did you mean 1?", "n must be >= 0. Got -1 instead. Did you mean 1?"),
    ],
)
def test_an_error_says_where_what_and_got(hint, sentence):
    assert str(must_be("n", ">= 0", -1, hint)) == sentence


def test_every_error_is_a_value_error_that_people_may_catch():
    assert isinstance(must_be("n", "one", 2), ShortlistError)
    assert issubclass(ShortlistError, ValueError)
    assert issubclass(Cancelled, ShortlistError)


def test_cancelled_says_that_nothing_was_written():
    assert str(Cancelled()) == "Cancelled. Nothing was written."


def test_a_value_is_shown_as_typed():
    assert shown("a") == "'a'"


def test_a_long_value_is_cut():
    assert shown("x" * 200, limit=20) == "'" + "x" * 16 + "..."


@pytest.mark.parametrize("length", [18, 19])
def test_only_a_value_beyond_the_limit_is_cut(length):
    cut = shown("x" * length, limit=20)
    assert len(cut) == 20
    assert cut.endswith("...") == (length == 19)


@pytest.mark.parametrize(
    ("got", "hint"),
    [
        ("DIVERSTY", "Did you mean 'DIVERSITY'?"),
        ("diversity", "Did you mean 'DIVERSITY'?"),
        ("WEIGHT", "Did you mean 'WEIGHTS'?"),
        ("banana", ""),
        (5, ""),
    ],
)
def test_a_close_choice_is_suggested(got, hint):
    assert did_you_mean(got, ["DIVERSITY", "WEIGHTS"]) == hint


def test_nothing_is_suggested_without_choices():
    assert did_you_mean("a", []) == ""


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c"], "a, b and 1 more")],
)
def test_a_list_counts_what_it_leaves_out(names, text):
    assert listed(iter(names), limit=2) == text
