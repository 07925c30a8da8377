"""How Sphinx builds the documentation: `sphinx-build -W -b html docs docs/_build`."""

import re
from importlib.metadata import version as version_of

from sphinx.util import inspect

project = "kdmri_tf"
author = "The kdmri_tf developers"
copyright = "The kdmri_tf developers, Apache-2.0"
release = version = version_of("kdmri_tf")

extensions = [
    "myst_nb",  # Markdown pages and notebooks
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "jupyter_execute"]
html_theme = "furo"
html_title = "kdmri_tf"

# tests/test_notebooks.py runs the notebooks; the site shows the outputs that they are stored with.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4  # links to #headings work as on GitHub

# `Name` in a docstring links to that class or function where there is one.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False


def bars_are_magnitudes(app, what, name, obj, options, lines):
    """Escapes the bars of |x - y| in docstrings, which reStructuredText would take for a name."""
    literal = None  # indentation of the text above a literal block, while inside one
    for number, line in enumerate(lines):
        indentation = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and indentation <= literal:
            literal = None
        if literal is None:
            lines[number] = re.sub(r"(?<!\\)\|", r"\\|", line)
            if line.rstrip().endswith("::"):
                literal = indentation


def arguments_of_init(app, what, name, obj, options, signature, returns):
    """Shows the arguments of `__init__` where Keras has `__new__` take any."""
    if what == "class" and signature == "(*args, **kwargs)":
        arguments = inspect.signature(obj.__init__, bound_method=True)
        return inspect.stringify_signature(arguments, show_annotation=False), returns
    return None


def setup(app):
    """Registers the hooks above."""
    app.connect("autodoc-process-docstring", bars_are_magnitudes)
    app.connect("autodoc-process-signature", arguments_of_init)
