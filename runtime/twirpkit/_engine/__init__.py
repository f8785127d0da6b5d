"""One logical call without I/O: attempts, deadlines, retries and their decisions."""
