"""The code of a component: every file of its own that it runs or reads beside it, and what of it cannot be known.

`finding` follows imports from file to file, `imports` reads them in a module, `places` says where a module lies and
whether it is installed, `constants` reads the paths in an expression, `datafiles` finds the files that they name,
`opened` hears which files a module reads while it is imported, `bytecode` finds outdated compiled copies.
"""

from mmbench.registry.source_digest.finding import Sources as Sources
from mmbench.registry.source_digest.finding import find_sources as find_sources
from mmbench.registry.source_digest.opened import hearing_imports as hearing_imports
from mmbench.registry.source_digest.opened import is_read as is_read
from mmbench.registry.source_digest.places import is_installed as is_installed
from mmbench.registry.source_digest.places import is_of_system as is_of_system

__all__ = ["Sources", "find_sources", "hearing_imports", "is_installed", "is_of_system", "is_read"]
