"""The shell: parse, call, print. Nothing here computes, and nothing heavy is imported before it is needed."""

from mmbench.cli.app import main

__all__ = ["main"]
