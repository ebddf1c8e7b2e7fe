"""The pages of reports with missing parts, odd names and very many classes."""

from __future__ import annotations

import pytest

from shortlist.core.analysis.report import Analyzed
from shortlist.report.summary import config_in_words


@pytest.fixture
def pages_of(report_of, opened, tmp_path):
    return lambda *size, **parts: opened(report_of(*size, **parts), tmp_path / "report.pdf")


class TestMissingParts:
    def test_nothing_but_sizes(self, pages_of):
        pages = pages_of(embeddings=0, classes=None, scores=(), notes=[], versions={}, parameters={})
        assert len(pages.texts) == 1
        assert "Coverage and diversity were not measured" in pages.words

    def test_an_empty_selection(self, pages_of):
        pages = pages_of(90, selected=0, scores=())
        assert "The selection is empty: there is nothing to measure." in pages.words
        assert "0 samples selected of an input of 90 (0 %)" in pages.words
        assert "There are no distances to show." in pages.words

    def test_no_scatter_regions_or_duplicates(self, report_of, opened, tmp_path):
        report = report_of(90, 9, classes=None, scores=())
        none = {"threshold": 0.05, "n_pairs": 0, "n_items": 0, "n_groups": 0, "groups": []}
        duplicates = report.embeddings[0].near_duplicates.model_copy(update=none)
        analysis = report.embeddings[0].model_copy(
            update={"scatter": None, "regions": [], "near_duplicates": duplicates}
        )
        pages = opened(report.model_copy(update={"embeddings": [analysis]}), tmp_path / "report.pdf")
        assert "No two selected samples are near duplicates (at most 0.05 apart)." in pages.words
        assert "What is not covered" not in pages.words

    def test_a_tag_has_no_config(self, pages_of):
        tag = Analyzed(name="to label", kind="tag", config=None, datapool=None)
        pages = pages_of(analyzed=tag, embeddings=0, classes=None, scores=())
        assert "what this tag is worth" in pages.words
        assert "config" not in pages.words


class TestNames:
    ODD = (
        "$x_1^2$",
        "\\frac{1}{2}",
        "a_b^c",
        "100 %",
        "ÅÄÖ ß Ελλάδα Москва",
        "日本語",
        "#{<&>}",
        "n" * 400,
        "😀",
        "two\nlines",
    )

    UNDRAWN = "$$ \N{CAT}\N{ZERO WIDTH JOINER}\N{BLACK LARGE SQUARE}\n\x07"

    @pytest.fixture(scope="class")
    def odd(self, report_of, opened, tmp_path_factory):
        report = report_of(
            150,
            15,
            classes=self.ODD,
            scores=("$\\sum_i$ of " + "s" * 300,),
            dataset="Straße $\\alpha$ " + "d" * 500,
            by="Zoë_$1$",
            notes=["50 % of $x_i$ \\left( are unknown: " + "w" * 300],
            parameters={"run_key": self.UNDRAWN, "fields": ["\\beta", "é"] * 60, "seed": 51, "threshold": 0.25},
            analyzed=Analyzed(name="$run^1$ " + "r" * 200, kind="view", config=None, datapool="a_$b$"),
        )
        return opened(report, tmp_path_factory.mktemp("odd") / "report.pdf")

    @pytest.mark.parametrize("name", ["$x_1^2$", "\\frac{1}{2}", "a_b^c", "100 %", "Ελλάδα Москва", "#{<&>}", "😀"])
    def test_names_stand_as_they_are(self, odd, name):
        assert name in odd.words

    @pytest.mark.parametrize(
        "text", ["Straße $\\alpha$ ddd", "by Zoë_$1$", "$\\sum_i$ of sss", "$run^1$ rrr", "\\left( are unknown"]
    )
    def test_so_do_other_texts_of_the_data(self, odd, text):
        assert text in odd.words

    def test_long_names_are_shortened(self, odd):
        assert "nnn" in odd.text
        assert "n" * 100 not in odd.text
        assert "r" * 150 not in odd.text

    def test_what_no_font_has_is_a_square(self, odd):
        assert "日" in odd.text or "□" in odd.text

    def test_nothing_is_drawn_beyond_the_margins(self, odd):
        for picture in odd.pictures:
            ink = picture < 250
            assert not ink[:, :45].any()
            assert not ink[:, -45:].any()


class TestMany:
    @pytest.fixture(scope="class")
    def many(self, report_of, opened, tmp_path_factory):
        sentence = "a rather long sentence on what was left out and why it was left out. " * 3
        config = {"strategies": [{"strategy": {"type": "LOST", "row": row}} for row in range(2000)]}
        report = report_of(
            300,
            30,
            embeddings=0,
            classes=[f"class {row}" for row in range(1000)],
            scores=[f"score {row}" for row in range(5)],
            notes=[f"Note {row}: {sentence}" for row in range(40)],
            analyzed=Analyzed(name="x", kind="selection", config=config, datapool=None),
        )
        return report, opened(report, tmp_path_factory.mktemp("many") / "report.pdf")

    def test_thirty_classes_are_shown_and_the_rest_counted(self, many):
        report, pages = many
        page = next(text for text in pages.texts if "Classes of ground_truth" in text)
        rest = page.split("Shown are the 30 whose share changed most.")[1]

        assert "The other 970 classes make up" in " ".join(rest.split())
        shown = [line for line in page.split("\n") if line.startswith("class ") and len(line.split()) == 2]
        assert len(set(shown)) == 30
        found = report.distributions[0]
        absent = found.sets["input"].present - found.sets["selected"].present
        assert f"Not in the selection: {absent} classes (" in " ".join(page.split())

    def test_what_is_long_goes_on_on_the_next_page(self, many):
        _, pages = many
        for row in range(40):
            assert f"Note {row}: a rather" in pages.words
        assert "score 4" in pages.words
        assert "1,941 more lines are in report.json" in pages.words
        assert all(not (picture[-57:-45] < 250).any() for picture in pages.pictures)

    def test_no_page_holds_just_a_few_lines(self, many):
        _, pages = many
        assert min(len(text.splitlines()) for text in pages.texts) > 5


UNREAD = "Its config is one that this version does not read."


@pytest.mark.parametrize(
    ("strategies", "words"),
    [
        ([{"strategy": {"type": "OLD"}}, {"strategy": {"type": "OLDER"}}], "Picked by OLD, OLDER."),
        ("none", UNREAD),
        ([None, {"strategy": 3}, {"strategy": {}}], UNREAD),
    ],
)
def test_a_config_that_is_not_read_any_more_is_named(strategies, words):
    assert config_in_words({"n_samples": 5, "strategies": strategies}) == words


def test_categories_that_stand_for_many_are_counted_as_such(report_of, opened, tmp_path):
    report = report_of(90, 9, embeddings=0, scores=(), classes=["car", "bus", "(others)"])
    found = report.distributions[0].model_copy(update={"pooled": 40})
    pages = opened(report.model_copy(update={"distributions": [found]}), tmp_path / "report.pdf")

    assert "42 classes; labels" in pages.words
    assert "Shown are the 2 whose share changed most. The other 40 classes make up" in pages.words


def test_the_greatest_numbers_can_be_drawn(report_of, opened, tmp_path):
    report = report_of(90, 9, embeddings=0, classes=None, scores=["depth"])
    edges = [1.7e308 * (place / 15 - 1) for place in range(31)]
    found = report.numbers[0].model_copy(update={"edges": edges})
    pages = opened(report.model_copy(update={"numbers": [found]}), tmp_path / "report.pdf")

    assert "e+308" in pages.words
