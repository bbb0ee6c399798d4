"""Plans and jobs: which fold, method and seed is missing, where it runs, and its outcome.

Other rooms use the names of ``__init__.pyi``, which load when they are used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
