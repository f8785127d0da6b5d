"""One module a service, as in generated packages."""
