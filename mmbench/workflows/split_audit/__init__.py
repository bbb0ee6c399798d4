"""Audit of a published split: what its CSV file of ids and parts says, without the data."""
