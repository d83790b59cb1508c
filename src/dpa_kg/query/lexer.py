"""Reads a SPARQL text as tokens, to find what must be known before any engine sees it (SPARQL 1.1 Query, section 19).

This is not a parser: it only tells keywords, variables and brackets from strings, IRIs and comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dpa_kg.errors import Forbidden, QuerySyntaxError, TextTooLong

# Sets are possessive, so that a text is read once; groups are not: CPython before 3.11.5 forgets what they matched (gh-106052).
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n\r]*)
      | (?P<iri><[^<>"{}|^`\\\x00-\x20]*>)
      | (?P<string>\"{3}(?:[^"\\]++|\\.|"(?!""))*\"{3} | '{3}(?:[^'\\]++|\\.|'(?!''))*'{3}
                 | "(?:[^"\\\n\r]++|\\.)*" | '(?:[^'\\\n\r]++|\\.)*')
      | (?P<open>["'].*)
      | (?P<variable>[?$]\w+)
      | (?P<name>[\w.-]*+:(?:[\w.:-]|%[0-9A-Fa-f]{2}|\\.)*)
      | (?P<run>[\w.-]++)
      | (?P<bracket>[{}()\[\]])
      | (?P<other>\S)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_DECODABLE = re.compile(
    r"""(?P<kept>\"{3}(?:[^"\\]++|\\.|"(?!""))*\"{3} | '{3}(?:[^'\\]++|\\.|'(?!''))*'{3} | "(?:[^"\\\n\r]++|\\.)*" | '(?:[^'\\\n\r]++|\\.)*'
                | ["'].*)
      | (?P<iri><(?:[^<>"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*>)
      | (?P<comment>\#[^\n\r]*)
      | \\u[0-9A-Fa-f]{4} | \\U[0-9A-Fa-f]{8}""",
    re.VERBOSE | re.DOTALL,
)
_RUN = re.compile(r"(?P<word>[^\W\d]\w*)|.")
_INTERESTING = re.compile(r"service|load|[\"'\\\\]", re.IGNORECASE)  # what `guard` has to look at token by token
_FETCHING_WORD = re.compile(r"(?:.*(SERVICE)|(LOAD))(SILENT)?", re.DOTALL)
_FETCHING_NAME = re.compile(r"(.*SERVICE|LOAD)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """`start` is the offset in the text.

    `kind` is comment, iri, string, variable, name (prefixed), word, bracket, open (a string that never ends, and all that follows)
    or other.
    """

    kind: str
    text: str
    start: int


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text` in order; white space is passed over. It takes time in proportion to the text, whatever the text."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "run":  # `a-b`: found whole, so that no part of it is looked at twice
            for part in _RUN.finditer(match.group()):
                yield Token(part.lastgroup or "other", part.group(), match.start() + part.start())
        else:
            yield Token(match.lastgroup or "other", match.group(), match.start())


def unescape(text: str) -> str:
    r"""`text` with its codepoint escapes (`\u0053`) decoded, as SPARQL does before it parses (section 19.2)."""

    def decode(match: re.Match[str]) -> str:
        code = int(match[1] or match[2], 16)
        return chr(code) if code <= 0x10FFFF else match[0]

    return _ESCAPE.sub(decode, text)


def decoded(text: str) -> str:
    """`text` with the codepoint escapes outside of strings decoded, so that tokens are what the engine takes them for.

    Those inside strings are left to the engine: decoded here, an escaped quote would end the string.
    """
    return _DECODABLE.sub(lambda match: match[0] if match["kept"] or match["comment"] else unescape(match[0]), text)


def guard(text: str, *, length: int, nesting: int) -> None:
    """Refuses a text that no engine should see: too long (413), nested too deeply (400), or asking for other servers (403).

    `length` is in bytes of UTF-8, `nesting` in open brackets. This saves time; safety is the worker process.
    """
    if len(text.encode("utf-8", "replace")) > length:
        raise TextTooLong(f"The query is longer than {length} bytes.", hint="Shorten it, or ask for the limit to be raised.")
    if not _INTERESTING.search(text) and sum(map(text.count, "{([")) <= nesting:
        return  # nothing is hidden, nothing is asked of others, and there are too few brackets: most texts
    if any(token.kind == "open" for token in tokens(decoded(text))):
        raise QuerySyntaxError("The query has a string that does not end.", hint="Look at its quotes.")
    for read in {decoded(text), unescape(text)}:  # as the engine reads it, and as the standard does
        _guard(read, nesting)


def _guard(text: str, nesting: int) -> None:
    depth = 0
    found = [token for token in tokens(text) if token.kind != "comment"]
    for place, token in enumerate(found):
        if word := _fetching(found, place, depth):
            raise Forbidden(
                f"{word} is not allowed here: this service asks no other server.",
                hint="Fetch it yourself, and send what you need of it.",
            )
        if token.kind == "bracket":
            depth += 1 if token.text in "{([" else -1
            if depth > nesting:
                raise QuerySyntaxError(f"The query nests its brackets more than {nesting} deep.", hint="Flatten the query.")


def _fetching(found: list[Token], place: int, depth: int) -> str | None:
    """SERVICE or LOAD, where the engine could read one in the token at `place`; it needs no space around its keywords.

    Measured with pyoxigraph 0.5.13: `trueSERVICE<a:>`, `SERVICESILENT<a:>`, `SERVICE:x {` and `SERVICEex:x {` ask the other server,
    even where `SERVICE` is a prefix. A service is followed by a group; a document to load stands outside of all brackets.
    """
    token, text = found[place], found[place].text.upper()
    if token.kind == "word" and (match := _FETCHING_WORD.fullmatch(text)):
        return match[1] or match[2]
    if token.kind != "name" or not (match := _FETCHING_NAME.match(text)):
        return None
    following = [after.text for after in found[place + 1 : place + 3]]
    if match[1] == "LOAD":
        is_declared = place > 0 and found[place - 1].text.upper() == "PREFIX"
        return "LOAD" if depth == 0 and not is_declared else None
    return "SERVICE" if "{" in following else None


def query_form(text: str) -> str:
    """SELECT, ASK, CONSTRUCT or DESCRIBE: the first such keyword of `text`. Raises QuerySyntaxError when there is none."""
    for token in tokens(unescape(text)):
        if token.kind == "word" and token.text.upper() in {"SELECT", "ASK", "CONSTRUCT", "DESCRIBE"}:
            return token.text.upper()
    raise QuerySyntaxError(
        "The text is not a SPARQL query: there is no SELECT, ASK, CONSTRUCT or DESCRIBE in it.",
        hint="Updates are not taken here.",
    )
