"""Fuzzing of readers: valid files, mutations, and a judge of the outcome."""
