"""A Twirp application beside a Django project, in its ``wsgi.py``: ``gunicorn with_django:app``."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from hat_shop import new_app


def home(request: HttpRequest) -> HttpResponse:
    """Return the shop's own page."""
    return HttpResponse("hats")


urlpatterns = [path("", home)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
django.setup()
project, twirp = WSGIHandler(), new_app()


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Give what is for the shop's services to them, and the rest to Django."""
    inner = twirp.wsgi if environ["PATH_INFO"].startswith("/twirp/") else project
    return inner(environ, start_response)
