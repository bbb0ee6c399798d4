"""Simulated recordings in DEAP's file formats, and the dataset ``deap-sim`` made of them."""
