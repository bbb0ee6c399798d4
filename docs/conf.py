"""Configuration of Sphinx. The reference pages are generated from the code before each build."""

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

# Names in docstrings have single backticks; they are shown as code and never resolved as links.
default_role = "code"
smartquotes = False  # would replace the hyphens of "--tune" by a dash
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_merge_streams = True
nb_execution_timeout = 300
nb_execution_in_temp = True  # so that its records are not part of the site
nb_execution_raise_on_error = True

# The shell lexer would colour options such as epochs=5 as assignments.
lexers["sh"] = TextLexer()
