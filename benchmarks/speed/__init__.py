"""Speed benchmarks, one per module: ``NAME``, ``TITLE``, ``GOALS``, ``available()`` and ``setup(folder, quick)``."""
