"""Logs as JSON, one object a line, each with the id of the request that it is about."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, TextIO

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
FIELDS: Final = "fields"  # the attribute of a record that holds further members of its object


class JsonLines(logging.Formatter):
    """A record as one line. JSON escapes what a caller wrote, so that nobody can write lines of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line: time (UTC), level, logger, message, request id, the fields of the record, and the trace of an error."""
        members: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request": REQUEST_ID.get(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            members["trace"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in members.items() if value not in ("", None)})


def configure(level: str, stream: TextIO = sys.stderr) -> None:
    """Sends what this process logs to `stream`, from `level` (debug, info, warning, error) on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every question to a remote engine
