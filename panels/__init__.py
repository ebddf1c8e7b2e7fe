"""The panels, and the charts that they and the operators show."""
