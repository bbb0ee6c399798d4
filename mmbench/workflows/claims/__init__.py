"""Claim cards: published results of a method, and the runs that reproduce or test them."""
