"""Twirp over HTTP as pure functions: responses, headers, errors, redaction, URLs."""
