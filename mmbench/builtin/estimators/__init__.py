"""Estimators that are part of mmbench."""
