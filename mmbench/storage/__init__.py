"""Files, checksums, locks and processes: what every room stands on.

Nothing here knows of models or datasets; a file is written whole or not at all.
Other rooms use the names of ``__init__.pyi``, which load when they are used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
