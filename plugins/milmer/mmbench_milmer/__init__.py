"""Milmer for mmbench: EEG and face video, multiple-instance learning and a transformer."""
