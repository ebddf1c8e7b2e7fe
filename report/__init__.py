"""An analysis on paper: the files report.json and report.pdf. Knows the report and matplotlib, no FiftyOne."""
