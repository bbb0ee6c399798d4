"""Encoders of brain signals for mmbench: networks of braindecode, covariances in tangent space."""
