"""Presentation of suites: tables for the terminal, a critical-difference diagram, and a page."""
