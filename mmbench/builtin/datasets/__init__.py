"""Datasets that are built in: folders and tables of the user, read without code."""
