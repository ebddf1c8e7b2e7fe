"""The verdict in words and numbers, on cases with known answers."""

from __future__ import annotations

import pytest

from shortlist.core.analysis.report import Distances, Distribution, Interval, RandomShares, RandomSpread, Shares, Spread
from shortlist.report.shares import missing, most_changed, worst_class
from shortlist.report.verdict import compared, headline, sentences, side_of


def interval(*draws: float) -> Interval:
    """Of draws in order; the interval is from the first to the last."""
    return Interval(mean=sum(draws) / len(draws), low=draws[0], high=draws[-1], draws=list(draws))


def spread(mean: float | None, count: int = 5) -> Spread:
    return Spread(count=count, mean=mean, std=mean, min=mean, median=mean, p95=mean, max=mean, histogram=[count])


def drawn(*draws: float) -> RandomSpread:
    one = interval(*draws)
    return RandomSpread(count=5, mean=one, std=one, min=one, median=one, p95=one, max=one, histogram=[5])


def distances(selected: float | None, *draws: float, both: float | None = None, with_pool: tuple[float, ...] = ()):
    sets = {"selected": spread(selected)}
    random = {"random": drawn(*draws)} if draws else {}
    if both is not None:
        sets["datapool_and_selected"] = spread(both)
        random["datapool_and_random"] = drawn(*with_pool)
    return Distances(edges=[0, 1], sets=sets, random=random)


def shares(*counts: float, present: int | None = None) -> Shares:
    measures = dict.fromkeys(("entropy", "effective", "imbalance"), 1.0)
    measures |= dict.fromkeys(("distance_to_input", "distance_to_uniform", "distance_to_target"), 0.0)
    there = sum(count > 0 for count in counts) if present is None else present
    return Shares(total=sum(counts), counts=list(counts), present=there, **measures)


def distribution(given: Shares, selected: Shares, low: list[float] | None, **more) -> Distribution:
    random = None
    if low is not None:
        one = interval(0.1, 0.2)
        random = RandomShares(
            shares=[Interval(mean=0.5, low=value, high=0.9, draws=[value]) for value in low],
            present=interval(2, 3),
            entropy=one,
            distance_to_input=one,
            distance_to_uniform=one,
        )
    names = [f"class {row}" for row in range(len(given.counts))]
    facts = {"source": "labels", "kind": "classes", "categories": names, "target": None, "left_out": 0}
    return Distribution(**{**facts, "sets": {"input": given, "selected": selected}, "random": random, **more})


def with_distances(report, coverage: Distances, diversity: Distances | None = None, **more):
    analysis = report.embeddings[0].model_copy(
        update={"coverage": coverage, "diversity": diversity or coverage, **more}
    )
    return report.model_copy(update={"embeddings": [analysis], "distributions": []})


class TestCompared:
    def test_change_and_its_interval_are_relative_to_the_draws(self):
        found = compared(distances(0.5, 0.8, 1.0, 1.2))

        assert found.change == pytest.approx(-0.5)
        low, high = found.change_span
        # From the greatest of these few draws to the least.
        assert (low, high) == (pytest.approx(0.5 / 1.2 - 1), pytest.approx(0.5 / 0.8 - 1))

    def test_with_a_datapool_both_are_taken_with_it(self):
        found = compared(distances(0.5, 1.0, 1.2, both=0.3, with_pool=(0.4, 0.5)))

        assert found.with_datapool
        assert (found.value, found.random.mean) == (0.3, pytest.approx(0.45))

    def test_of_an_empty_selection_there_is_nothing(self):
        assert compared(distances(None, 1.0, 1.2)) is None
        assert compared(distances(0.5)) is None

    def test_where_all_are_alike_no_share_can_be_said(self):
        found = compared(distances(0.0, 0.0, 0.0))

        assert found.change is None
        assert found.change_span is None

    @pytest.mark.parametrize(
        ("value", "side"),
        [(0.79, -1), (0.8, 0), (1.0, 0), (1.2, 0), (1.21, 1), (0.8 * (1 - 1e-12), 0), (1.2 * (1 + 1e-12), 0)],
    )
    def test_sides(self, value, side):
        assert side_of(value, interval(0.8, 1.0, 1.2)) == side


class TestHeadline:
    @pytest.mark.parametrize(
        ("selected", "sentence"),
        [
            (0.69, "Better than chance: the input is 31 % nearer to this selection than to random ones."),
            (1.25, "Worse than chance: the input is 25 % farther from this selection than from random ones."),
            (0.9, "No better than chance: the input is about as near to random selections as to this one."),
        ],
    )
    def test_without_a_datapool(self, report_of, selected, sentence):
        report = with_distances(report_of(90, 9), distances(selected, 0.8, 1.0, 1.2))
        assert headline(report) == sentence

    @pytest.mark.parametrize(
        ("both", "sentence"),
        [
            (0.7, "Better than chance: {} comes 30 % nearer to the input than random ones do."),
            (1.3, "Worse than chance: {} stays 30 % farther from the input than random ones do."),
            (1.1, "No better than chance: {} covers the input about as well as random ones do."),
        ],
    )
    def test_with_a_datapool(self, report_of, both, sentence):
        report = with_distances(report_of(90, 9), distances(9.0, 8.0, 8.0, both=both, with_pool=(0.8, 1.0, 1.2)))
        assert headline(report) == sentence.format("beside the datapool, this selection")

    def test_where_nothing_can_be_said(self, report_of):
        assert headline(report_of(90, 0)).startswith("The selection is empty")
        measured = "Coverage and diversity were not measured"
        assert headline(report_of(90, 9, embeddings=0)) == f"{measured}; the notes say why."
        assert headline(report_of(90, 9, embeddings=0, notes=[])) == f"{measured}."
        assert headline(report_of(20, 20)).startswith("The selection is the whole input")
        unknown = with_distances(report_of(90, 9), distances(None))
        assert headline(unknown).startswith("Coverage and diversity were not measured: nothing that was selected")
        alike = with_distances(report_of(90, 9), distances(0.0, 0.0, 0.0))
        assert headline(alike) == (
            "No better than chance: all samples of the input have a copy in this selection, and in random ones."
        )
        missed = with_distances(report_of(90, 9), distances(0.5, 0.0, 0.0))
        assert headline(missed) == (
            "Worse than chance: all samples of the input have a copy in random selections, but not all have one in this "
            "selection."
        )


def test_the_sentences_hold_the_numbers(report_of):
    coverage, diversity = distances(0.69, 0.8, 1.0, 1.2), distances(2.5, 1.9, 2.0, 2.1)
    report = with_distances(report_of(90, 9), coverage, diversity)

    assert list(sentences(report)) == [
        "On average a sample of the input is 0.69 away from its nearest selected one; with random selections of the same size "
        "1 (95 % of them: 0.8 to 1.2).",
        "The selected samples are 25 % farther apart than random ones: 2.5 to the nearest other one, random 2 (1.9 to 2.1).",
        "9 selected samples form 3 groups of near duplicates (at most 0.05 apart): 6 could go at little loss.",
        "The worst-covered region holds 30 samples; adding its centre alone would lower the mean coverage distance by 5.0 %.",
    ]


def test_where_only_objects_have_embeddings_the_verdict_is_of_them(report_of):
    report = report_of(90, 9, embeddings=2, classes=None)
    objects = report.model_copy(update={"embeddings": report.embeddings[1:]})

    assert headline(objects) == headline(report)
    assert next(sentences(objects)).startswith("On average an object of the input is")
    assert "9 selected objects form 3 groups" in " ".join(sentences(objects))


class TestWorstClass:
    def test_it_is_the_one_with_the_least_part_of_its_share_among_those_below_chance(self):
        # Of their shares in the input the classes keep 1.6, 0.5, 0.2 and none; chance explains the last.
        found = distribution(shares(50, 20, 20, 10), shares(80, 10, 4, 0), [0.4, 0.15, 0.15, 0.0])
        worst = worst_class(found)

        assert (worst.name, worst.aimed) == ("class 2", False)
        assert (worst.share, worst.expected) == (pytest.approx(4 / 94), 0.2)

    def test_there_is_none_where_chance_explains_all(self):
        assert worst_class(distribution(shares(5, 5), shares(3, 2), [0.3, 0.3])) is None

    def test_without_random_selections_nothing_is_said(self):
        assert worst_class(distribution(shares(5, 5), shares(3, 0), None)) is None

    def test_of_a_target_it_is_the_one_farthest_below(self):
        found = distribution(shares(50, 30, 20), shares(50, 40, 10), [0.0] * 3, target=[0.2, 0.5, 0.3])
        worst = worst_class(found)

        assert (worst.name, worst.share, worst.expected, worst.aimed) == ("class 2", 0.1, 0.3, True)

    def test_labels_of_the_datapool_count_too_as_they_do_for_balance(self, report_of):
        # What is selected fills what the datapool lacks; together they miss the last class alone.
        both = {
            "input": shares(50, 30, 20),
            "selected": shares(0, 40, 10),
            "datapool": shares(50, 0, 0),
            "datapool_and_selected": shares(50, 40, 10),
        }
        found = distribution(both["input"], both["selected"], [0.0] * 3, target=[0.4, 0.4, 0.2], sets=both)
        worst = worst_class(found)
        assert (worst.name, worst.share, worst.expected) == ("class 2", 0.1, 0.2)
        said = list(sentences(report_of(90, 9, embeddings=0).model_copy(update={"distributions": [found]})))
        assert said[0] == (
            "The class of labels that falls most short is class 2: 10 % of the labels that are selected or in the datapool, "
            "its target is 20 %."
        )
        assert worst_class(found.model_copy(update={"target": [0.5, 0.4, 0.1]})) is None

    def test_less_than_one_label_below_a_target_is_none_below(self):
        assert worst_class(distribution(shares(5, 5), shares(2, 1), [0, 0], target=[0.5, 0.5])) is None

    def test_an_empty_selection_has_none(self):
        assert worst_class(distribution(shares(5, 5), shares(0, 0), [0.3, 0.3])) is None

    def test_what_stands_for_many_others_is_not_one(self):
        found = distribution(shares(50, 50), shares(9, 0), [0.4, 0.4], pooled=40)
        assert worst_class(found) is None


class TestMissing:
    def test_the_most_frequent_come_first(self):
        found = distribution(shares(5, 4, 3, 0), shares(2, 0, 0, 0), None)
        assert missing(found) == (2, ["class 1", "class 2"])

    def test_those_without_a_name_of_their_own_are_counted(self):
        found = distribution(shares(50, 4, 60, present=42), shares(9, 0, 8, present=8), None, pooled=40)
        assert missing(found) == (34, ["class 1"])

    def test_of_an_empty_selection_nothing_is_said(self):
        assert missing(distribution(shares(5, 5), shares(0, 0), None)) == (0, [])


def test_the_most_changed_keep_their_order():
    found = distribution(shares(40, 30, 20, 10), shares(10, 30, 38, 22), None)

    assert most_changed(found, 2) == [0, 2]
    assert most_changed(found, 9) == [0, 1, 2, 3]
    assert most_changed(found.model_copy(update={"pooled": 7}), 9) == [0, 1, 2]
