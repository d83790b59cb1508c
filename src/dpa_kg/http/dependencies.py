"""What routes need: the catalogue, the pools, the pages, the reader's language and the current version."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final, Literal

from fastapi import Request

from dpa_kg.errors import NotAcceptable, Overloaded, ParameterError
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.versions import Versions
from dpa_kg.http.clients import Clients, client_of
from dpa_kg.http.errors import ClientGone
from dpa_kg.http.pages.rendering import Page, Pages
from dpa_kg.query.catalogue import Catalogue
from dpa_kg.query.workers import Pool
from dpa_kg.representations.formats import HTML, Format, named
from dpa_kg.representations.negotiation import negotiate, negotiate_language
from dpa_kg.settings import Settings

_DIGITS: Final = 9
_VERSION: Final = "version"  # in the state of a request
_SHORT: Final = 0.05  # seconds; who waits no longer is not watched for hanging up


def catalogue(request: Request) -> Catalogue:
    """The named queries."""
    found: Catalogue = request.app.state.catalogue
    return found


def settings(request: Request) -> Settings:
    """The settings that the app was made with."""
    found: Settings = request.app.state.settings
    return found


def language(request: Request) -> str:
    """One of en, es, fr, pt: by `?lang=`, else by Accept-Language."""
    return negotiate_language(request.query_params.get("lang"), request.headers.get("accept-language"))


def base_url(request: Request) -> str:
    """The address of this service as readers see it, without a slash at the end."""
    return (settings(request).public_url or str(request.base_url)).rstrip("/")


def page(request: Request) -> Page:
    """What templates need to know of a request."""
    pages: Pages = request.app.state.pages
    return Page(pages, request, language(request), base_url(request))


def version(request: Request) -> Version:
    """The version that answers: the one of `?version=`, else the current one.

    It stays the same while the request lasts, whatever is published meanwhile. Raises Overloaded where none is published yet or it is
    not validated, ParameterError and NotFound for a number that is none.
    """
    state = request.scope.setdefault("state", {})
    if _VERSION not in state:
        state[_VERSION] = _version(request)
    found: Version = state[_VERSION]
    return found


def _version(request: Request) -> Version:
    versions: Versions = request.app.state.versions
    if asked := request.query_params.get("version"):
        if not (asked.isascii() and asked.isdecimal() and len(asked) < _DIGITS):
            raise ParameterError(f"“version” takes a number, not “{asked}”.", hint="Leave it out to ask the current version.")
        return _servable(request, versions.served(int(asked)))
    return _servable(request, versions.served())


def _servable(request: Request, found: Version) -> Version:
    if found.metadata.may_be_served or settings(request).serve_unvalidated:
        return found
    raise Overloaded(f"Version {found.number} has not been validated, and is not served.", hint="DPA_KG_SERVE_UNVALIDATED=1 serves it.")


def chosen(request: Request, offered: Sequence[Format]) -> Format:
    """The format that `?format=` names, or else the Accept header. Raises ParameterError or NotAcceptable."""
    if asked := request.query_params.get("format"):
        return named(asked, offered)
    return negotiate(request.headers.get("accept"), offered)


def wants_page(request: Request, offered: Sequence[Format]) -> bool:
    """Whether the caller would rather have a page than any of the offered formats, as browsers say they do."""
    try:
        return chosen(request, (*offered, HTML)) is HTML
    except (NotAcceptable, ParameterError):
        return False


async def ask(request: Request, method: str, *, pool: Literal["adhoc", "questions"] = "questions", **arguments: Any) -> Any:
    """Calls a method of the reader in a worker process, over the version that the request asks for.

    A client that hangs up cancels the call (ClientGone), which frees the worker.
    """
    if pool == "adhoc":
        clients: Clients = request.app.state.clients
        with clients.admit(client_of(request)):
            return await _ask(request, request.app.state.adhoc, method, arguments)
    return await _ask(request, request.app.state.questions, method, arguments)


async def _ask(request: Request, workers: Pool, method: str, arguments: dict[str, Any]) -> Any:
    return await cancellable(request, workers.call(method, version=version(request).number, **arguments))


async def cancellable(request: Request, work: Coroutine[Any, Any, Any]) -> Any:
    """What the work gives. A client that hangs up cancels it (ClientGone)."""
    answer = asyncio.ensure_future(work)
    try:
        await asyncio.wait({answer}, timeout=_SHORT)
        if not answer.done():
            await _or_hang_up(request, answer)
        return answer.result()
    finally:
        answer.cancel()
        answer.add_done_callback(_seen)


async def _or_hang_up(request: Request, answer: asyncio.Future[Any]) -> None:
    """Returns when the answer is there. Raises ClientGone when the client goes first."""
    gone = asyncio.ensure_future(_hang_up(request))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            gone.result()  # raises what is wrong with a body that nobody reads
            raise ClientGone
    finally:
        gone.cancel()
        gone.add_done_callback(_seen)


def _seen(task: asyncio.Future[Any]) -> None:
    """Takes note of an error that comes too late for anybody."""
    if not task.cancelled():
        task.exception()


async def _hang_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
