"""The thread that takes runs from the spool to the service, so that no training waits for it."""

from __future__ import annotations

import atexit
import logging
import os
import random
import threading

import httpx

from forerun_client import calls
from forerun_client.calls import BATCH
from forerun_client.connection import Address, connect
from forerun_client.errors import Busy, Refused
from forerun_client.generated.models import BatchReceipt
from forerun_client.spool import Rejection, Spool

log = logging.getLogger("forerun_client.courier")

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


class Courier:
    """Drains one spool in the background, for ever, and once more at the end.

    A fork inherits neither its thread nor its connections: the child gets its own when it first needs them.
    """

    def __init__(self, spool: Spool, address: Address, linger_seconds: float) -> None:
        self._spool = spool
        self._address = address
        self._connection: tuple[int, httpx.Client] | None = None
        self._linger_seconds = linger_seconds
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """There is something to deliver."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._awake, self._stopping = threading.Event(), threading.Event()
                self._thread = threading.Thread(target=self._work, name="forerun-courier", daemon=True)
                self._thread.start()
                atexit.register(self.stop)
        self._awake.set()

    def stop(self) -> None:
        """One last try, for as long as was allowed; what is left stays in the spool."""
        atexit.unregister(self.stop)
        thread = self._thread
        if thread is None or not thread.is_alive():
            return
        self._stopping.set()
        self._awake.set()
        thread.join(self._linger_seconds)
        if left := self._spool.pending_bytes():
            log.warning("%d bytes of runs stay in %s; the next process delivers them", left, self._spool.directory)

    def close(self) -> None:
        self.stop()
        if self._connection is not None and self._connection[0] == os.getpid():
            self._connection[1].close()
            self._connection = None

    def deliver(self, wait_seconds: float = 0.0) -> int:
        """Post all that is spooled, in this thread. Raises Busy, Refused, httpx.TransportError."""
        return self._spool.drain(self._post, wait_seconds)

    def _work(self) -> None:
        pause, told = FIRST_PAUSE_SECONDS, False
        while True:
            self._awake.wait()
            self._awake.clear()
            is_last = self._stopping.is_set()  # after the clearing: whoever sets it later wakes this thread again
            try:
                self.deliver()
                pause, told = FIRST_PAUSE_SECONDS, False
            except (Busy, Refused, httpx.HTTPError) as error:
                if not told and not isinstance(error, Busy):
                    log.warning("runs wait in %s: %s", self._spool.directory, error)
                    told = True
                self._awake.set()
                self._stopping.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311  # jitter, no secret
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            if is_last:
                return

    def _post(self, lines: list[bytes]) -> list[Rejection]:
        """Raises Refused if the service takes none of them for now: no key, no database."""
        rejected: list[Rejection] = []
        for start in range(0, len(lines), BATCH):
            receipt = self._send(lines[start : start + BATCH])
            rejected += [(start + result.index, result.to_dict().get("error")) for result in receipt.results]
        return rejected

    def _send(self, lines: list[bytes]) -> BatchReceipt:
        call = calls.post_lines(lines)
        return call.read(self._http().request(call.method, call.path, **call.arguments()).json())

    def _http(self) -> httpx.Client:
        """Without retries: the courier has its own patience."""
        if self._connection is None or self._connection[0] != os.getpid():
            self._connection = os.getpid(), connect(self._address, None)
        return self._connection[1]
