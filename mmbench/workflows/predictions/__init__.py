"""Predictions made elsewhere: the folds to make them for, and the records of their scores."""
