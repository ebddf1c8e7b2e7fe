"""The tabs of the panel, in their order."""

from __future__ import annotations

from .back_test_tab import BackTestTab
from .compare_tab import CompareTab
from .overview_tab import OverviewTab
from .selection_tab import SelectionTab
from .tab import Tab

TABS: list[Tab] = [
    OverviewTab(),
    SelectionTab(),
    CompareTab(),
    BackTestTab(),
]
