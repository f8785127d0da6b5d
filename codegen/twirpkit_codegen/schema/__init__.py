"""Reading: protos and a manifest become the model."""
