"""Settings: environment variables that begin with `DPA_KG_`, or lines of a `.env` file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from dpa_kg.resources import checkout

_HTTP = r"^https?://[^\s?#@]+$"  # a user name in an address would stand in logs


def _default_home() -> Path:
    """`.dpa-kg` in a checkout, else the user's data directory (XDG Base Directory Specification)."""
    if root := checkout():
        return root / ".dpa-kg"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "dpa-kg"


class Settings(BaseSettings):
    """One attribute per setting; the environment variable is `DPA_KG_` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="DPA_KG_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default_factory=_default_home, description="where the versions of the graph live")
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen on")
    public_url: str | None = Field(default=None, description="address that readers see, when it differs from host and port")

    default_graph: Literal["merged", "own"] = Field(
        default="merged", description="what queries see without naming a graph: the merge of all graphs, or what was put there (no gate)"
    )
    write_token: SecretStr | None = Field(default=None, description="a token that may write and administer; without any token nobody may")
    serve_unvalidated: bool = Field(
        default=False, description="serve versions that have not passed the gate (`dpa-kg build --unvalidated`)"
    )
    write_timeout: float = Field(default=300.0, gt=0, description="seconds that one write may take, the gate included")
    write_memory: int = Field(default=4096, ge=64, description="MiB of memory that one write may take on top of an idle writer")

    keep_versions: int = Field(default=20, ge=1, description="newest versions that are kept whatever their age")
    keep_days: float = Field(default=30.0, ge=0, description="days that older versions are kept too, counted from when they were made")

    web_workers: int = Field(default=1, ge=1, le=64, description="web processes that share the address and the published version")
    query_timeout: float = Field(default=30.0, gt=0, description="seconds that one query may take")
    query_workers: int = Field(default=2, ge=1, description="processes that evaluate SPARQL texts sent by callers")
    question_workers: int = Field(default=2, ge=1, description="processes that answer named queries, pages and search")
    query_memory: int = Field(default=1024, ge=64, description="MiB of memory that one query may take on top of an idle worker")
    query_queue: int = Field(default=64, ge=0, description="requests that may wait for a worker")
    query_length: int = Field(default=65536, ge=1, description="bytes of the longest SPARQL text")
    query_nesting: int = Field(default=64, ge=1, description="deepest nesting of brackets in a SPARQL text")
    result_rows: int = Field(default=1_000_000, ge=1, description="rows of the largest answer")
    result_bytes: int = Field(default=1_073_741_824, ge=1024, description="bytes of the largest answer")
    page_rows: int = Field(default=100, ge=1, description="rows of a named query's answer when no limit is asked for")

    store: str | None = Field(
        default=None, pattern=_HTTP, description="query endpoint of a remote engine that `dpa-kg push` has loaded; reads are sent there"
    )
    store_update: str | None = Field(default=None, pattern=_HTTP, description="update endpoint of that engine, for `dpa-kg push`")
    store_graphs: str | None = Field(default=None, pattern=_HTTP, description="Graph Store address of that engine, for `dpa-kg push`")
    store_user: str | None = Field(default=None, description="user name at that engine (Basic or Digest, as it asks for)")
    store_password: SecretStr | None = Field(default=None, description="password at that engine")
    store_token: SecretStr | None = Field(default=None, description="bearer token at that engine, instead of a user name")

    job_timeout: float = Field(default=600.0, gt=0, description="seconds that a dump, a difference or the counts of a version may take")
    job_memory: int = Field(default=2048, ge=64, description="MiB of memory that such work, or a validation, may take")
    validate_bytes: int = Field(default=4_194_304, ge=1024, description="bytes of the data that are validated for a caller")
    validate_timeout: float = Field(default=60.0, gt=0, description="seconds that the validation of a caller's data may take")
    validations: int = Field(default=4, ge=1, description="validations of callers' data at work or waiting")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severity of what is logged; info has a line for each request"
    )
    shutdown_timeout: int = Field(default=30, ge=0, description="seconds that answers in flight have to end when the service is stopped")

    address_length: int = Field(default=16_384, ge=256, description="bytes of the longest address: its path and what follows `?`")
    header_bytes: int = Field(default=32_768, ge=1024, description="bytes of the headers of a request")
    header_timeout: float = Field(default=10.0, gt=0, description="seconds that the headers of a request may take to arrive")
    request_bytes: int = Field(default=33_554_432, ge=1024, description="bytes of the body of a request")
    body_timeout: float = Field(default=60.0, gt=0, description="seconds that the body of a request may take to arrive")
    multipart_parts: int = Field(default=16, ge=1, description="parts of a multipart body")
    connections: int = Field(default=512, ge=1, description="connections that are open at the same time")
    client_queries: int = Field(default=8, ge=1, description="SPARQL texts that one client may have running or waiting")
    trusted_proxies: str = Field(
        default="127.0.0.1,::1", description="reverse proxies (addresses, networks) whose X-Forwarded-For is believed"
    )
    report_url: str = Field(
        default="",
        pattern=r"^((https?://[^\s\"'<>\\#]+|mailto:[^\s\"'<>\\#@?]+@[^\s\"'<>\\#]+))?$",
        description="where readers report errors: `mailto:…`, or the form of an issue tracker (`https://…/issues/new`)",
    )
    root_path: str = Field(default="", pattern=r"^(/[A-Za-z0-9._~-]+)*$", description="path under which a reverse proxy shows the service")
