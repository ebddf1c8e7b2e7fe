"""Words on paper: every text of the data is one line that fits and that the fonts can show."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.analysis.report import Interval, Shares
from shortlist.report import explained, text
from shortlist.report.explained import glossary, meaning
from shortlist.report.text import clean, number, percent, short_span, shortened, width, wrapped

anything = st.text(st.characters(blacklist_categories=["Cs"]), max_size=80)


@pytest.mark.parametrize("module", [text, explained])
def test_the_examples_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Straße Ελλάδα Москва שלום", "Straße Ελλάδα Москва שלום"),
        ("a\x00b\tc\nd\r\n  e", "ab c d e"),
        ("cafe\u0301", "café"),
        ("abc\u202edef\u200b", "abcdef"),
        ("\U0001f9ff\ud800", "□□"),
        ("$x_1$ \\frac{1}{2} 100%", "$x_1$ \\frac{1}{2} 100%"),
        (None, "None"),
    ],
)
def test_texts_are_cleaned(given, shown):
    assert clean(given) == shown


@given(anything, st.floats(3, 60))
def test_shortened_texts_fit(line, room):
    found = shortened(line, room, 8)
    assert width(found, 8) <= room
    assert "\n" not in found
    if width(clean(line), 8) <= room:
        assert found == clean(line)


@given(st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), max_size=20))
def test_wrapped_lines_fit_and_lose_nothing(words):
    lines = wrapped(" ".join(words), 25, 9)
    assert all(width(line, 9) <= 25 for line in lines)
    assert "".join("".join(lines).split()) == "".join(words)


def test_names_keep_both_ends():
    name = f"first {'x' * 200} last"
    found = shortened(name, 40, 8)
    assert found.startswith("first xx")
    assert found.endswith("x last")
    assert "…" in found


def test_widths_are_those_that_matplotlib_draws():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(dpi=72)
    canvas = FigureCanvasAgg(figure)
    drawn = figure.text(0, 0, "Wide words, with figures 0123", fontsize=100, family="DejaVu Sans")
    box = drawn.get_window_extent(canvas.get_renderer())
    assert width(drawn.get_text(), 100) == pytest.approx(box.width * 25.4 / 72, rel=0.02)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (-3.0, "-3"), (1e20, "1e+20"), (1234567, "1,234,567"), (0.00012345, "0.0001234"), (99999.4, "99,999")],
)
def test_numbers(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(("share", "shown"), [(1, "100 %"), (0.0996, "10 %"), (-0.12, "-12 %"), (1e-9, "<0.1 %")])
def test_percentages(share, shown):
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(0.123456, 0.4, "0.123 0.4"), (0.00123, 0.00456, "0.0012 0.0046"), (1234.5, 2e6, "1,234 2,000,000")],
)
def test_intervals_with_little_room(low, high, shown):
    assert short_span(Interval(mean=low, low=low, high=high, draws=[])) == shown.replace(" ", "\N{EN DASH}")


def test_meanings_are_the_descriptions_of_the_keys():
    assert meaning(Shares, "distance_to_uniform") == "Total variation distance to equal shares."
    assert "null" not in "".join(meaning(Shares, key) for key in Shares.model_fields)
    assert (
        glossary(("To uniform", Shares, "distance_to_uniform"))
        == "To uniform: total variation distance to equal shares."
    )
