"""The site: what Sphinx needs to know. Pages of reference are written from the code before each build."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import reference_pages  # noqa: E402  # beside this file
from pygments.lexers.special import TextLexer  # noqa: E402
from sphinx.highlighting import lexers  # noqa: E402

import mmbench  # noqa: E402

reference_pages.write_pages(HERE / "reference" / "generated")

project = "mmbench"
version = release = mmbench.__version__
author = "the authors of mmbench"
copyright = author
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "mmbench"
html_static_path = ["_static"]
html_css_files = ["mmbench.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"sidebar_hide_name": False}

# Docstrings name things in single backticks; nothing is looked up, so that none of them can be a broken link.
default_role = "code"
smartquotes = False  # "--tune" would be shown with a dash that no shell takes
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_merge_streams = True
nb_execution_timeout = 300
nb_execution_in_temp = True  # its records are none of the site
nb_execution_raise_on_error = True

# The options of a shell line are none of a shell's assignments, and would be coloured as such.
lexers["sh"] = TextLexer()
