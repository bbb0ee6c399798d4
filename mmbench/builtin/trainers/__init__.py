"""The trainer of the host."""
