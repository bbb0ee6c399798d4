"""Readers of file formats and rules that several datasets share."""
