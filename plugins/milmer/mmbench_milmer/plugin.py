"""Registers Milmer's parts; the module mmbench's entry point names."""

from mmbench import hookimpl

__all__ = ["hookimpl"]
