"""Folders, tables and arrays of the user as a dataset, described by ``dataset.toml`` beside them."""
