"""The pages of report.pdf: what stands on them, read and looked at as a viewer does."""

from __future__ import annotations

import numpy as np
import pytest

from shortlist.report.text import number, percent

A4 = (210 / 25.4 * 72, 297 / 25.4 * 72)


@pytest.fixture(scope="module")
def full(report, opened, tmp_path_factory):
    picture = np.full((30, 40, 3), 90, np.uint8)
    shown = {region.sample_id: picture for region in report.embeddings[0].regions}
    shown |= dict.fromkeys(report.embeddings[0].near_duplicates.groups[0], picture)
    return opened(report, tmp_path_factory.mktemp("full") / "report.pdf", shown)


class TestEveryPart:
    def test_the_pages_are_a4_and_a_handful(self, full):
        assert full.sizes == [pytest.approx(A4, abs=0.1)] * 7

    def test_each_page_says_what_it_is_of_and_its_number(self, full):
        for place, text in enumerate(full.texts, 1):
            assert "streets · round_1 · 2024-05-06 07:08 UTC" in text
            assert f"{place} / 7" in text

    def test_no_page_holds_just_a_few_lines(self, full):
        assert min(len(text.splitlines()) for text in full.texts) > 15

    def test_nothing_is_drawn_beyond_the_margins(self, full):
        for picture in full.pictures:
            ink = picture < 250
            assert not ink[:, :45].any()
            assert not ink[:, -45:].any()
            assert not ink[:40].any()
            assert not ink[-20:].any()

    def test_the_first_page_holds_the_verdict_and_its_figures(self, full, report):
        page = " ".join(full.texts[0].split())
        coverage, diversity = report.embeddings[0].coverage, report.embeddings[0].diversity
        both, random = coverage.sets["datapool_and_selected"], coverage.random["datapool_and_random"]

        assert "No better than chance: beside the datapool, this selection" in page
        assert f"{number(both.mean)} away from its nearest selected or datapool one" in page
        assert (
            f"{number(random.mean.mean)} (95 % of them: {number(random.mean.low)} to {number(random.mean.high)})"
            in page
        )
        assert number(diversity.sets["datapool_and_selected"].mean) in page
        assert "4 groups of near duplicates (at most 0.05 apart): 8 could go at little loss" in page
        assert "Picks 40 samples: covers clip." in page
        assert "40 samples selected of an input of 340 (12 %), beside a datapool of 60 samples (labelled)" in page

    def test_the_first_page_compares_the_sets(self, full, report):
        rows = full.texts[0].split("The sets side by side")[1].splitlines()
        coverage = report.embeddings[0].coverage
        line = next(row for row in rows if row.startswith("coverage, mean"))

        for name in ("selected", "datapool", "datapool_and_selected"):
            assert number(coverage.sets[name].mean) in line
        assert "samples 340 40 - 60 100 -" in rows

    def test_the_worst_class_is_named_with_its_shares(self, full, report):
        found = report.distributions[0]
        both = found.sets["datapool_and_selected"]
        # The target is the same for all, so the rarest is the farthest below.
        least = min(both.counts)
        name, share = found.categories[both.counts.index(least)], least / both.total

        assert (
            f"The class of ground_truth that falls most short is {name}: {percent(share)} of the labels that are "
            f"selected or in the datapool, its target is 20 %."
        ) in full.words

    def test_the_tables_hold_every_distance(self, full, report):
        for word, found in (
            ("Diversity", report.embeddings[0].diversity),
            ("Coverage", report.embeddings[0].coverage),
        ):
            table = full.texts[1].split(f"{word}\nThe distance")[1]
            for spread in found.sets.values():
                line = " ".join(
                    number(getattr(spread, key)) for key in ("count", "mean", "std", "min", "median", "p95", "max")
                )
                assert line in table

    def test_regions_and_groups_are_named_with_their_numbers(self, full, report):
        for region in report.embeddings[0].regions:
            assert region.sample_id in full.texts[2]
            assert f"{region.n_items} items" in full.texts[2]
        assert "Group 4: 3 items" in full.texts[2]
        # All regions have pictures, and of the groups the first.
        assert full.images[2] == 13
        assert full.texts[2].count("no image") == 9

    def test_objects_have_pages_of_their_own(self, full):
        assert "How the objects lie in the embedding space" in full.texts[3]
        assert "What is not covered (objects)" in full.text

    def test_distributions_hold_shares_and_measures(self, full, report):
        page = next(text for text in full.texts if "Classes of ground_truth" in text)
        found = report.distributions[0]
        for row, name in enumerate(found.categories):
            assert name in page
            assert percent(found.sets["input"].counts[row] / found.sets["input"].total) in page
        for shares in found.sets.values():
            assert f"{number(shares.entropy)} {number(shares.effective)} {number(shares.imbalance)}" in page
        assert "Categories of weather" in page

    def test_scores_notes_and_parameters_are_at_the_end(self, full, report):
        last = " ".join(full.texts[-1].split())
        entropy = report.numbers[0]

        assert f"selected {number(entropy.sets['selected'].mean)}" in last
        assert f"random {number(entropy.random.mean.mean)}" in last
        assert report.notes[0] in last
        assert "random_draws 20" in last
        assert "shortlist 0.1.0, fiftyone 1.22.1" in last
        assert '"type": "COVERAGE"' in last

    def test_each_metric_is_explained(self, full):
        for sentence in (
            "Coverage: the distance of every item of the input to the nearest one of the set",
            "Diversity: the distance of every item of a set to the nearest other one of the set",
            "Entropy: the entropy of the shares over its greatest value",
            "Gain: by which share the centre would lower the mean coverage distance",
        ):
            assert sentence in full.words

    def test_viewers_are_told_what_it_is(self, full):
        assert full.metadata["Title"] == "round_1 · streets"
        assert full.metadata["Author"] == "ada"
        assert full.metadata["Creator"] == "Shortlist 0.1.0"
        assert full.metadata["CreationDate"].startswith("D:20240506070809")

    def test_sets_differ_in_lightness(self):
        from matplotlib.colors import to_rgb

        from shortlist.report.charts import DARK, LIGHT, MIDDLE

        light = [float(np.dot(to_rgb(color), [0.299, 0.587, 0.114])) for color in (DARK, MIDDLE, LIGHT)]
        assert np.diff(light).min() > 0.25
