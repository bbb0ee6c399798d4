"""The contract of a plugin: what its author implements, and the values that it exchanges with the host.

It imports nothing of the host above files and errors.
Other rooms use the names of ``__init__.pyi``, which load when they are used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
