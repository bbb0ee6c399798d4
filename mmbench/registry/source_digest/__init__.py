"""The code of a component: every file of its own that it runs or reads beside it, and what of it cannot be known.

`finding` follows imports from file to file, `imports` reads them in a module, `places` says where a module lies and
whether it is installed, `constants` reads the paths in an expression, `datafiles` finds the files that they name,
`opened` hears which files a module reads while it is imported, `bytecode` finds outdated compiled copies.
"""

from mmbench.registry.source_digest.finding import Sources as Sources
from mmbench.registry.source_digest.finding import find_sources as find_sources
from mmbench.registry.source_digest.opened import opens_for_reading as opens_for_reading
from mmbench.registry.source_digest.opened import record_opened_files as record_opened_files
from mmbench.registry.source_digest.places import is_installed_file as is_installed_file
from mmbench.registry.source_digest.places import is_system_file as is_system_file

__all__ = ["Sources", "find_sources", "hearing_imports", "is_installed", "is_of_system", "is_read"]
