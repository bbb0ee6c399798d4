"""What `calibration.py` is made of: simulated people, many small networks trained at once, simulated records, rates."""
