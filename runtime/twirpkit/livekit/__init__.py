"""What is LiveKit's own: the one part of the runtime that knows a service by name."""
