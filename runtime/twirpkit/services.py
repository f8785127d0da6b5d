"""Bases of generated services, and the attribute of a facade that is one."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from twirpkit._schema.signatures import sign_method
from twirpkit._suggestion import Suggesting
from twirpkit.client import AsyncClient, Client
from twirpkit.options import ClientOptions
from twirpkit.rpc import Method

__all__ = ["AsyncService", "Service", "service_property"]


class _Service(Suggesting):
    """Everything that the two kinds of services share."""

    _methods: ClassVar[Sequence[Method[Any, Any]]] = ()
    """The RPCs of the service; a generated class has its own."""
    _client: Any

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for method in vars(cls).get("_methods", ()):
            sign_method(vars(cls)[method.py_name], method.request)
            if method.pages is not None:
                sign_method(vars(cls)[method.pages.py_name], method.request)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"<{name} {self._client._describe_target()}>" if "_client" in vars(self) else f"<{name}>"

    @classmethod
    def _of(cls, client: Any) -> Self:
        service = cls.__new__(cls)
        service._client = client._of_services()
        return service

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """Return this service with other options, over the same connections: see `Client.with_options`."""
        return self._of(self._client.with_options(**options))


class Service(_Service):
    """The base of generated sync services: each holds one client."""

    _client: Client


class AsyncService(_Service):
    """The base of generated async services: each holds one client."""

    _client: AsyncClient


if TYPE_CHECKING:
    # A user's Protocol with a property accepts a property only; pyright refuses a cached one.
    service_property = property
else:

    class service_property(functools.cached_property):
        """A facade's attribute that is a service, made when it is first read.

        Read from the class, it is the class of the service: so `unittest.mock.create_autospec` and `inspect` see what
        the facade has. The decorated function stands beside the service's module, has the module's name, and is
        annotated with the service's class.
        """

        def __get__(self, instance: object, owner: type | None = None) -> Any:
            if instance is not None:
                return super().__get__(instance, owner)
            folder = self.func.__module__.rpartition(".")[0]
            module = importlib.import_module(f"{folder}.{self.func.__name__}")
            return getattr(module, self.func.__annotations__["return"])
