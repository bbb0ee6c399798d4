"""Phosphor icons: pictures and words, several categories each; bundled."""

from mmbench_datasets.icons.dataset import Icons as Icons

__all__ = ["Icons"]
