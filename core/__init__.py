"""Arrays in, arrays out: scores, selection and analysis without FiftyOne."""
