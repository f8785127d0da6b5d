"""Protos and a manifest, read and checked, as the model that everything is rendered from."""
