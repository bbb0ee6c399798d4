"""Baseline encoders: small ones that are trained, hand-made features, and networks of timm."""
