"""The model rendered to files: the package, its docstrings, and the reference pages."""
