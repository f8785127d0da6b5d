"""Protobuf: descriptors to classes, keywords and mappings to messages, messages to token claims."""
