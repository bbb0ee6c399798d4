"""Datasets for mmbench, one folder each."""
