"""Champions are switched in every process within a second, also where nobody asks: who answers next is ready by then.

Requests read who serves, so that none is answered by an old champion while there is a database. What is kept ready here
is its unpacked bundle, for the first request after a switch, and for all of them should the database go away.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from typing import Final

from app.errors import NotFound, Unavailable
from app.flows.recommend import Bundles, Served, champion_of
from app.store import notices, projects
from app.store.database import Database

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
"""How often who serves is looked up where nothing is heard of it."""
CAREFUL_SECONDS: Final = 15.0
"""How often where it is: a notice can be lost with its connection."""


async def follow(database: Database, bundles: Bundles, listen_url: str | None) -> None:
    """Keep ready who serves the projects that this process was asked about, until cancelled."""
    heard = asyncio.Event()
    async with AsyncExitStack() as stack:
        if listen_url is not None:
            listening = asyncio.create_task(notices.listen(listen_url, heard.set), name="notices")
            stack.callback(listening.cancel)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS if listen_url is None else CAREFUL_SECONDS):
                    await heard.wait()
            heard.clear()
            try:
                await catch_up(database, bundles)
            except Unavailable:
                log.debug("who serves cannot be looked up while the database cannot be reached")
            except Exception:
                log.exception("who serves could not be made ready; the first request will have to")


async def catch_up(database: Database, bundles: Bundles) -> None:
    """Unpack the champions that this process does not know yet, of the projects that it was asked about."""
    known = bundles.served
    if not known:
        return
    async with database.snapshot() as connection:
        serving = await projects.champions(connection, known)
        unknown = [name for name, id_ in serving.items() if id_ != known[name] and id_ not in bundles.damaged]
        for name in unknown:
            with suppress(NotFound):  # deleted since
                project = await projects.get(connection, name)
                champion, learner, _ = await champion_of(connection, bundles, project)
                if champion is not None and learner is not None:
                    bundles.remember(Served(project, champion, learner))
