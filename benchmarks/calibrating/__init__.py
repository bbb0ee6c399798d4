"""Simulated people, simulated records, many small networks trained at once, and error rates, for `calibration.py`."""
