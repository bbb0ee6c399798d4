"""Static HTML pages of results, which work offline and without a server.

The names of ``__init__.pyi`` load when they are used: a page of leaderboards needs less than a report.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
