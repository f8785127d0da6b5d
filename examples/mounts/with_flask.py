"""A Twirp application below a path of a Flask application: ``gunicorn with_flask:app``."""

from __future__ import annotations

from flask import Flask
from hat_shop import new_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware

app = Flask(__name__)
# The dispatcher has the prefix, so the application has none.
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/twirp": new_app(prefix="")})  # type: ignore[method-assign]  # as Flask's docs do


@app.get("/")
def home() -> str:
    """Return the shop's own page."""
    return "hats"
