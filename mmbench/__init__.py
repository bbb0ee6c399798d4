"""Fair comparison of multimodal models: datasets, encoders and fusions as plugins, under common protocols.

Every public name of ``__init__.pyi`` is importable from here, and loads when it is used: ``import mmbench`` does not
import torch.
"""

import lazy_loader

from mmbench.results import Renderer as _Renderer
from mmbench.results import use_renderer as _use_renderer

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]


def _render_text(result: object) -> str:
    from mmbench.reporting import render_text

    return render_text(result)


def _render_html(result: object) -> str:
    from mmbench.reporting import render_html

    return render_html(result)


_use_renderer(_Renderer(_render_text, _render_html))
