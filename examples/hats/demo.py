"""Call the hat shop with both clients, and say what each call did."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "generated"))

from server import TOKEN, running

from hats_twirp import AsyncHatsAPI, AuthError, HatsAPI, NotFoundError


def sync_calls(url: str) -> None:
    """Use the sync client, as a script does."""
    with HatsAPI(url, token=TOKEN) as api:
        for size in (21, 22, 23):
            hat = api.hats.make_hat(shop="Bond Street", size=size, tags=["felt"])
            print(f"HatsAPI       make_hat   {hat.id}, {hat.size} inches")
        print("HatsAPI       iter_hats ", ", ".join(hat.id for hat in api.hats.iter_hats(shop="Bond Street")))
        try:
            api.hats.get_hat(id="H9")
        except NotFoundError as error:
            print(f"HatsAPI       get_hat    {error.code}: {error.message}")


async def async_calls(url: str) -> None:
    """Use the async client, as a server does: with the same names, arguments and errors."""
    async with AsyncHatsAPI(url, token=TOKEN) as api:
        hat = await api.hats.make_hat(shop="Bond Street")
        print(f"AsyncHatsAPI  make_hat   {hat.id}, {hat.size} inches")
        print("AsyncHatsAPI  iter_hats ", ", ".join([hat.id async for hat in api.hats.iter_hats(shop="Bond Street")]))
    async with AsyncHatsAPI(url, token="a stranger's") as api:  # noqa: S106  # that is the point
        try:
            await api.hats.get_hat(id="H1")
        except AuthError as error:
            print(f"AsyncHatsAPI  get_hat    {error.code}: {error.message}")


def main() -> None:
    """Open the shop, call it, close it."""
    with running() as url:
        sync_calls(url)
        asyncio.run(async_calls(url))


if __name__ == "__main__":
    main()
