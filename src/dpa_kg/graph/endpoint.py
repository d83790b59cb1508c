"""A SPARQL engine over HTTP: SPARQL 1.1 Protocol and Graph Store HTTP Protocol, as a client. Whatever goes wrong is one of our errors."""

from __future__ import annotations

import io
import ssl
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import httpx

from dpa_kg.errors import DpaKgError, EngineFailed, EngineUnavailable, InputError, QuerySyntaxError, QueryTimeout
from dpa_kg.representations.formats import N_TRIPLES
from dpa_kg.settings import Settings

_CONNECT: Final = 5.0  # seconds that a connection may take
_ATTEMPTS: Final = 3  # for a read that met no engine, or one that asked to wait
_BROKEN: Final = 2  # for one whose connection broke before the answer: it may have been idle too long, or the query is what broke it
_PAUSE: Final = 0.2  # seconds before the second attempt; twice as long before the third
_PATIENCE: Final = 2.0  # seconds; an engine that asks to wait longer is told to be busy
_MESSAGE: Final = 300  # characters of an engine's own words
_BUSY: Final = frozenset({429, 503})
_LATE: Final = frozenset({408, 504})


@dataclass(frozen=True)
class Access:
    """Where an engine is asked and written, and by whom. Secrets are not shown."""

    query: str
    update: str | None = None
    graphs: str | None = None
    user: str | None = None
    password: str | None = None
    token: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """What the settings say. Raises InputError where they name no engine."""
        if settings.store is None:
            raise InputError("No SPARQL engine is named.", hint="Set DPA_KG_STORE to the address of its query endpoint.")
        password, token = (secret.get_secret_value() if secret else None for secret in (settings.store_password, settings.store_token))
        return cls(settings.store, settings.store_update, settings.store_graphs, settings.store_user, password, token)

    def to_json(self) -> dict[str, Any]:
        """For another process of ours; with the secrets."""
        return asdict(self)

    def __repr__(self) -> str:
        return f"Access({self.query!r})"


class _Credentials(httpx.Auth):
    """A bearer token at once; a user name when the engine asks for one, in the way that it asks for (RFC 7617, RFC 7616)."""

    def __init__(self, access: Access) -> None:
        self._token = access.token
        self._basic = httpx.BasicAuth(access.user or "", access.password or "")
        self._digest = httpx.DigestAuth(access.user or "", access.password or "")
        self._scheme: httpx.Auth | None = None
        self._has_user = access.user is not None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        if self._token or not self._has_user:
            yield request
            return
        if self._scheme is None:
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return
            asked = response.headers.get("www-authenticate", "").lower()
            self._scheme = self._digest if asked.startswith("digest") else self._basic
        yield from self._scheme.auth_flow(request)


class _Body(io.RawIOBase):
    """The body of an answer as a file that is read as it comes."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.iter_bytes(1 << 16)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        with _translated():
            while not self._rest and (chunk := next(self._chunks, None)) is not None:
                self._rest = chunk
        size = len(self._rest) if size < 0 else size
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


@dataclass(frozen=True)
class Reply:
    """An answer that has begun: its media type, its headers, and its body to be read."""

    media_type: str
    headers: httpx.Headers
    body: io.RawIOBase


class Endpoint:
    """One engine. Used by one thread at a time. `timeout` is in seconds, between two pieces of an answer."""

    def __init__(self, access: Access, timeout: float) -> None:
        self.access = access
        # The environment's proxies are not asked: a question goes where the settings say, and nowhere else.
        self._client = httpx.Client(
            auth=_Credentials(access),
            timeout=httpx.Timeout(timeout, connect=min(_CONNECT, timeout)),
            trust_env=False,
            verify=ssl.create_default_context(),
            headers={"User-Agent": "dpa-kg"},
        )
        self._open: list[httpx.Response] = []

    def close(self) -> None:
        """Ends every connection."""
        self.release()
        self._client.close()

    def release(self) -> None:
        """Ends the answers that were not read to their end."""
        while self._open:
            self._open.pop().close()

    def ask(self, text: str, accept: str) -> Reply:
        """Sends a query. Reads change nothing, so one that met no engine is sent again, as is one that was asked to wait.

        Raises QuerySyntaxError where the engine does not take the text, EngineFailed, EngineUnavailable or QueryTimeout.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._ask(text, accept)
            except _Again as again:
                if attempt == (_BROKEN if again.is_broken else _ATTEMPTS) or again.wait > _PATIENCE:
                    raise again.error from again.error.__cause__
                time.sleep(max(again.wait, _PAUSE * attempt))
        raise AssertionError("the last attempt returns or raises")

    def _ask(self, text: str, accept: str) -> Reply:
        self.release()
        request = self._client.build_request("POST", self.access.query, data={"query": text}, headers={"Accept": accept})
        try:
            with _translated():
                response = self._client.send(request, stream=True)
        except (EngineUnavailable, EngineFailed) as error:
            raise _Again(error, 0.0) from error
        self._open.append(response)
        if response.status_code in _BUSY:
            wait = response.headers.get("retry-after", "")
            raise _Again(_refusal(response), float(wait) if wait.isdecimal() else _PATIENCE + 1)
        if response.status_code != httpx.codes.OK:
            raise _refusal(response)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Reply(media_type, response.headers, _Body(response))

    def put(self, graph: str, body: bytes) -> None:
        """Makes N-Triples the content of a graph (Graph Store HTTP Protocol, section 5.3)."""
        self._write("PUT", self.access.graphs, params={"graph": graph}, content=body, headers={"Content-Type": N_TRIPLES.media_type})

    def post(self, graph: str, body: bytes) -> None:
        """Adds N-Triples to a graph (section 5.5)."""
        self._write("POST", self.access.graphs, params={"graph": graph}, content=body, headers={"Content-Type": N_TRIPLES.media_type})

    def delete(self, graph: str) -> None:
        """Removes a graph, if it is there (section 5.4)."""
        self._write("DELETE", self.access.graphs, params={"graph": graph})

    def update(self, text: str) -> None:
        """Sends an update (SPARQL 1.1 Protocol, section 2.2)."""
        self._write("POST", self.access.update, data={"update": text})

    def _write(self, method: str, address: str | None, **arguments: Any) -> None:
        """A write is sent once: whether one that broke off was done is not known."""
        if address is None:
            raise EngineFailed("There is no address to write to.", hint="Set DPA_KG_STORE_GRAPHS or DPA_KG_STORE_UPDATE.")
        with _translated():
            response = self._client.request(method, address, **arguments)
        if not response.is_success and not (method == "DELETE" and response.status_code == httpx.codes.NOT_FOUND):
            raise _refusal(response)


class _Again(Exception):
    """A read that may be sent again after `wait` seconds; `error` is what it is else."""

    def __init__(self, error: DpaKgError, wait: float) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait
        self.is_broken = isinstance(error, EngineFailed)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        detail = f"The SPARQL engine cannot be reached: {error or 'no connection in time'}."
        raise EngineUnavailable(detail, hint="Try again in a few seconds.") from error
    except httpx.TimeoutException as error:
        raise QueryTimeout("The SPARQL engine took too long.", hint="Make the query more selective, or add LIMIT.") from error
    except httpx.HTTPError as error:  # broke off, or no HTTP
        raise EngineFailed(f"The answer of the SPARQL engine broke off: {error}.", hint="Try again.") from error


def _refusal(response: httpx.Response) -> DpaKgError:
    """What an engine's status means for the one who asked."""
    with _translated():
        said = response.read() if not response.is_closed else response.content
    # Virtuoso repeats the whole query after its message
    words = " ".join(said.decode("utf-8", "replace").partition("SPARQL query:")[0].split())[:_MESSAGE]
    status = response.status_code
    if status in _BUSY:
        return EngineUnavailable(f"The SPARQL engine is busy ({status}).", hint="Try again in a few seconds.")
    if status in _LATE:
        return QueryTimeout("The SPARQL engine took too long.", hint="Make the query more selective, or add LIMIT.")
    if status == httpx.codes.BAD_REQUEST:
        return QuerySyntaxError(f"The SPARQL engine does not take the query: {words}", hint="Another engine may; see docs/engines.md.")
    if status in {401, 403}:
        return EngineFailed(f"The SPARQL engine does not let this service in ({status}).", hint="Look at DPA_KG_STORE_USER and the like.")
    return EngineFailed(f"The SPARQL engine answered {status}: {words}")
