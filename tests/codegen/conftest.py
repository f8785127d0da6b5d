"""Fixtures of the generator's tests: the odd protos, generated once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from generating import GOOD, Made, generate, odd


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what waits for all odd protos to be generated."""
    for item in items:
        if "made" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Every odd proto that is not refused, generated into one folder."""
    folder = tmp_path_factory.mktemp("odd")

    def make(name: str) -> str:
        return generate(odd(name, folder / "in" / name), folder / "out")

    with ThreadPoolExecutor(4) as pool:
        return Made(folder / "out", dict(zip(GOOD, pool.map(make, GOOD), strict=True)))
