"""The generator: it makes a typed Python SDK from protos, a manifest and templates. No SDK needs it at run time."""
