"""The names of what a selection writes."""

from __future__ import annotations

import pytest

from shortlist.dataset.selection_fields import names_of_gains


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["DIVERSITY of clip", "WEIGHTS of a b.c"], ["gain_diversity_clip", "gain_weights_a_b_c"]),
        (["WEIGHTS of n", "WEIGHTS of n"], ["gain_weights_n", "gain_weights_n_2"]),
        (["X of a", "X of a_3", "X of a"], ["gain_x_a", "gain_x_a_3", "gain_x_a_4"]),
        (["X of ü", "X of é", "X of ü"], ["gain_x", "gain_x_2", "gain_x_3"]),
    ],
)
def test_every_gain_has_a_name_of_its_own(labels, expected):
    assert names_of_gains(labels) == expected
