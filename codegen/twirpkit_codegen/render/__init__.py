"""Rendering: the model becomes the files of a package and the pages of its reference."""
