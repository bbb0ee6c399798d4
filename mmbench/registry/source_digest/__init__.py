"""Digest of the code of a component: all source and data files that it uses.

`component_code` computes the digest, `source_files` follows imports between files, `imports` finds those of a module,
`module_locations` says where a module is and whether it is installed, `string_values` evaluates paths in expressions,
`data_files` finds the files that they name, `opened_files` records which files a module reads while it is imported,
`stale_bytecode` finds outdated compiled copies.
"""

from mmbench.registry.source_digest.module_locations import is_installed_file as is_installed_file
from mmbench.registry.source_digest.module_locations import is_system_file as is_system_file
from mmbench.registry.source_digest.opened_files import opens_for_reading as opens_for_reading
from mmbench.registry.source_digest.opened_files import record_opened_files as record_opened_files
from mmbench.registry.source_digest.source_files import Sources as Sources
from mmbench.registry.source_digest.source_files import find_sources as find_sources

__all__ = ["Sources", "find_sources", "hearing_imports", "is_installed", "is_of_system", "is_read"]
