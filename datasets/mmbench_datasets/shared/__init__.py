"""Readers of file formats, detection of faces, parts of simulations, and rules that several datasets share."""
