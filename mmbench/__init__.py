"""Fair comparison of multimodal models: datasets, encoders and fusions as plugins, under common protocols.

Every public name of ``__init__.pyi`` is importable from here, and loads when it is used: ``import mmbench`` does not
import torch.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
