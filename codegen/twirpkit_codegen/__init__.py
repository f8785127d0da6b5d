"""The generator: protos, a manifest and templates in; a typed Python SDK out. Never needed at run time."""
