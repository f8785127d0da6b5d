"""Client configuration from arguments and the environment."""
