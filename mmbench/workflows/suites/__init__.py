"""Suites: comparisons of the same methods on several datasets, as a file describes them."""
