"""One race a module: ``NAME``, ``TITLE``, ``GOALS``, ``available()`` and ``enter(folder, quick)``."""
