"""Tables and texts for the terminal, and the words and numbers that pages and plots share with them.

The names of ``__init__.pyi`` load when they are used: showing a comparison imports no workflow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
