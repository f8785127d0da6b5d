"""A signal's handler that raises, for the tests of this folder."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator


class Woken(BaseException):
    """What the handler raises."""


Alarm = Callable[[type[BaseException]], None]


def alarms() -> Iterator[Alarm]:
    """Yield a function that has the handler of SIGALRM raise; afterwards, everything is as before.

    No garbage is collected meanwhile: what a handler raises during a callback of that is lost.
    """

    def raising(kind: type[BaseException]) -> None:
        def wake(*_: object) -> None:
            raise kind

        signal.signal(signal.SIGALRM, wake)

    before, collects = signal.getsignal(signal.SIGALRM), gc.isenabled()
    gc.disable()
    yield raising
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    if collects:
        gc.enable()
