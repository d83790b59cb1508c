"""Who may write: tokens with scopes, of which only hashes are kept (HOME/tokens.json), and the one of DPA_KG_WRITE_TOKEN.

A token is 256 random bits, so that one SHA-256 is a safe way to keep it; no guess at a password is to be slowed down.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, get_args

from dpa_kg.errors import BuildError, Forbidden, InputError, NotFound, Unauthorized
from dpa_kg.settings import Settings

Scope = Literal["write", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
SETTING: Final = "DPA_KG_WRITE_TOKEN"  # who wrote, when the token of the settings did
_NAME: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_PREFIX: Final = "dpakg_"


@dataclass(frozen=True)
class Token:
    """A token as it is kept: a name, the SHA-256 of its text, what it allows, when it was made and when it ends (ISO 8601, UTC)."""

    name: str
    hash: str
    scopes: tuple[str, ...]
    created: str
    expires: str | None = None

    def is_expired(self, now: datetime) -> bool:
        """Whether the token has ended."""
        return self.expires is not None and datetime.fromisoformat(self.expires) <= now


class Tokens:
    """The tokens in HOME/tokens.json."""

    def __init__(self, home: Path) -> None:
        self._path = home / "tokens.json"

    def all(self) -> list[Token]:
        """Every token, also those that have ended, by name. Raises BuildError where the file is damaged."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return [Token(**{**entry, "scopes": tuple(entry["scopes"])}) for entry in content["tokens"]]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise BuildError(f"{self._path} is damaged: {error!r}", hint="Remove it, and make new tokens.") from error

    def create(self, name: str, scopes: Iterable[str] = ("write",), days: int | None = None) -> str:
        """Makes a token and returns its text, which is kept nowhere. Raises InputError for a name that is taken or no name."""
        known, wanted, now = self.all(), tuple(sorted(set(scopes))), datetime.now(UTC)
        if not _NAME.fullmatch(name) or name == SETTING:
            raise InputError(f"“{name}” is no name for a token.", hint="Use up to 64 letters, digits, and . _ @ -")
        if any(token.name == name for token in known):
            raise InputError(f"There is a token named “{name}” already.", hint="Revoke it, or choose another name.")
        if not wanted or set(wanted) - set(SCOPES):
            raise InputError("A token has the scopes write, admin, or both.")
        text = _PREFIX + secrets.token_urlsafe(32)
        expires = (now + timedelta(days=days)).isoformat(timespec="seconds") if days is not None else None
        self._write([*known, Token(name, _hash(text), wanted, now.isoformat(timespec="seconds"), expires)])
        return text

    def revoke(self, name: str) -> None:
        """Removes a token. Raises NotFound where there is none of that name."""
        known = self.all()
        if all(token.name != name for token in known):
            raise NotFound(f"There is no token named “{name}”.", hint="`dpa-kg token list` shows which there are.")
        self._write([token for token in known if token.name != name])

    def _write(self, tokens: Iterable[Token]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        content = {"tokens": [asdict(token) for token in sorted(tokens, key=lambda token: token.name)]}
        part.write_text(json.dumps(content, indent=1), encoding="utf-8")
        part.replace(self._path)


def authorize(settings: Settings, authorization: str | None, scope: Scope) -> str:
    """The name of the token in an Authorization header (RFC 6750, section 2.1), if it allows `scope`.

    Raises Forbidden where no token is configured at all, or where this one lacks the scope; Unauthorized where there is none
    in the header, an unknown one, or one that has ended. Every known token is compared, in constant time.
    """
    known = [*_configured(settings), *Tokens(settings.home).all()]
    if not known:
        hint = f"Set {SETTING}, or make a token with `dpa-kg token create`, and send it as “Authorization: Bearer …”."
        raise Forbidden("Writing is off: no token is configured.", hint=hint)
    scheme, _, text = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unauthorized("Writing needs a token.", hint="Send it as “Authorization: Bearer …”.")
    sent = _hash(text.strip())
    matching = [token for token in known if hmac.compare_digest(token.hash, sent)]
    if not matching or matching[0].is_expired(datetime.now(UTC)):
        raise Unauthorized("The token is not known here, or has ended.", hint="`dpa-kg token create` makes a new one.")
    if scope not in matching[0].scopes:
        raise Forbidden(f"The token does not allow this: it lacks the scope “{scope}”.", hint=f"Use a token with the scope “{scope}”.")
    return matching[0].name


def _configured(settings: Settings) -> list[Token]:
    secret = settings.write_token.get_secret_value() if settings.write_token else ""
    return [Token(SETTING, _hash(secret), SCOPES, "")] if secret else []


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
