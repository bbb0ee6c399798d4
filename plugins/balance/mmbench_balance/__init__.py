"""Trainers that balance the modalities of a network."""
