"""Call the hat shop with both clients, and say what each call did."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "generated"))

from server import TOKEN, new_app

from hats_twirp import AsyncHatsAPI, AuthError, HatsAPI, NotFoundError
from hats_twirp.server import TwirpApp

URL = "http://localhost"  # the clients' requests go to the application in this process, and not to a socket


def sync_calls(app: TwirpApp) -> None:
    """Use the sync client, as a script does."""
    with HatsAPI(URL, token=TOKEN, transport=app.transport()) as api:
        for size in (21, 22, 23):
            hat = api.hats.make_hat(shop="Bond Street", size=size, tags=["felt"])
            print(f"HatsAPI       make_hat   {hat.id}, {hat.size} inches")
        print("HatsAPI       iter_hats ", ", ".join(hat.id for hat in api.hats.iter_hats(shop="Bond Street")))
        try:
            api.hats.get_hat(id="H9")
        except NotFoundError as error:
            print(f"HatsAPI       get_hat    {error.code}: {error.message}")


async def async_calls(app: TwirpApp) -> None:
    """Use the async client, as a server does: with the same names, arguments and errors."""
    async with AsyncHatsAPI(URL, token=TOKEN, transport=app.async_transport()) as api:
        hat = await api.hats.make_hat(shop="Bond Street")
        print(f"AsyncHatsAPI  make_hat   {hat.id}, {hat.size} inches")
        print("AsyncHatsAPI  iter_hats ", ", ".join([hat.id async for hat in api.hats.iter_hats(shop="Bond Street")]))
    stranger = AsyncHatsAPI(URL, token="a stranger's", transport=app.async_transport())  # noqa: S106  # that is the point
    async with stranger as api:
        try:
            await api.hats.get_hat(id="H1")
        except AuthError as error:
            print(f"AsyncHatsAPI  get_hat    {error.code}: {error.message}")


def main() -> None:
    """Open the shop and call it."""
    app = new_app()
    sync_calls(app)
    asyncio.run(async_calls(app))


if __name__ == "__main__":
    main()
