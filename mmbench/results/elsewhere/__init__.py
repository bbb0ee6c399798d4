"""Predictions that were made elsewhere: what their records hold, and signs that they are not what they seem."""
