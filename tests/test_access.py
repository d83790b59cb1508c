"""Tokens: who may write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpa_kg.access import SETTING, Scope, Tokens, authorize
from dpa_kg.errors import DpaKgError, Forbidden, InputError, NotFound, Unauthorized
from dpa_kg.settings import Settings


def settings(home: Path, token: str | None = None) -> Settings:
    return Settings.model_validate({"home": home, "write_token": token})


def test_without_a_token_nobody_may_write_and_is_told_how(tmp_path: Path) -> None:
    for configured in (None, ""):
        with pytest.raises(Forbidden) as caught:
            authorize(settings(tmp_path, configured), "Bearer ", "write")
        assert SETTING in str(caught.value.hint)


def test_the_token_of_the_settings_writes_and_administers(tmp_path: Path) -> None:
    both: tuple[Scope, ...] = ("write", "admin")
    for scope in both:
        assert authorize(settings(tmp_path, "s3cret"), "Bearer s3cret", scope) == SETTING
        assert authorize(settings(tmp_path, "s3cret"), "bearer  s3cret ", scope) == SETTING


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic s3cret", "s3cret", "Bearer s3cret2", "Bearer \udcff"])
def test_no_token_or_a_wrong_one_is_unauthorized(tmp_path: Path, header: str | None) -> None:
    with pytest.raises(Unauthorized):
        authorize(settings(tmp_path, "s3cret"), header, "write")


def test_a_token_that_was_made_is_known_by_its_name_and_kept_as_a_hash(tmp_path: Path) -> None:
    text = Tokens(tmp_path).create("ana", days=3)
    assert authorize(settings(tmp_path), f"Bearer {text}", "write") == "ana"
    kept = tmp_path / "tokens.json"
    assert text not in kept.read_text("utf-8")
    assert kept.stat().st_mode & 0o077 == 0
    assert len(json.loads(kept.read_text("utf-8"))["tokens"][0]["hash"]) == 64


def test_a_token_without_the_scope_is_forbidden(tmp_path: Path) -> None:
    text = Tokens(tmp_path).create("ana")
    with pytest.raises(Forbidden, match="admin"):
        authorize(settings(tmp_path), f"Bearer {text}", "admin")


def test_a_token_that_has_ended_is_unauthorized(tmp_path: Path) -> None:
    text = Tokens(tmp_path).create("ana", days=0)
    with pytest.raises(Unauthorized):
        authorize(settings(tmp_path), f"Bearer {text}", "write")


def test_a_revoked_token_is_unauthorized(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    text = tokens.create("ana")
    tokens.create("ben")
    tokens.revoke("ana")
    with pytest.raises(Unauthorized):
        authorize(settings(tmp_path), f"Bearer {text}", "write")
    assert [token.name for token in tokens.all()] == ["ben"]


def test_names_and_scopes_are_checked(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    tokens.create("ana")
    wrong: list[tuple[type[DpaKgError], str, tuple[str, ...]]] = [
        (InputError, "ana", ("write",)),
        (InputError, "a b", ("write",)),
        (InputError, SETTING, ("write",)),
        (InputError, "ben", ("read",)),
        (InputError, "ben", ()),
    ]
    for error, name, scopes in wrong:
        with pytest.raises(error):
            tokens.create(name, scopes)
    with pytest.raises(NotFound):
        tokens.revoke("nobody")


def test_the_token_is_not_shown_among_the_settings(tmp_path: Path) -> None:
    assert "s3cret" not in f"{settings(tmp_path, 's3cret')} {settings(tmp_path, 's3cret').write_token}"
