"""FiftyOne documents to arrays and back. No formulas, no forms."""
