"""Audit of protocols: what test samples share with training samples, and whether a model can exploit it.

Others use the names of ``__init__.pyi``, which load when they are used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
