"""Claim cards: what was published of a method, and the runs that examine it."""
