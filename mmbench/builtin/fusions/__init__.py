"""Baseline fusions, from the class prior to cross-modal transformers."""
