"""Takes a SPARQL 1.1 Update text apart into its operations, by tokens (SPARQL 1.1 Update, section 3; grammar in Query, section 19.8).

This is no parser: the engine has parsed the text before, or will. What is found here is where each part begins and ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dpa_kg.errors import QuerySyntaxError
from dpa_kg.query.lexer import Token, decoded, tokens

Tokens = Sequence[Token]


@dataclass(frozen=True)
class Operation:
    """One operation. `prologue` is the text of all PREFIX and BASE before it; `words` are its tokens outside of braces."""

    prologue: str
    source: str = field(repr=False)
    tokens: Tokens = field(repr=False)

    @property
    def text(self) -> str:
        """The operation without its prologue."""
        return self.source[self.tokens[0].start : end(self.tokens[-1])]

    @property
    def keyword(self) -> str:
        """INSERT, DELETE, WITH, CLEAR, DROP, CREATE, ADD, MOVE, COPY or LOAD."""
        return self.tokens[0].text.upper()

    @property
    def is_data(self) -> bool:
        """Whether it is INSERT DATA or DELETE DATA."""
        return len(self.tokens) > 1 and is_word(self.tokens[1], "DATA")

    def group(self, keyword: str) -> Tokens | None:
        """The tokens `{ … }`, braces included, that follow a keyword outside of braces."""
        for start, token in outermost(self.tokens):
            if is_word(token, keyword) and start + 1 < len(self.tokens) and self.tokens[start + 1].text == "{":
                return self.tokens[start + 1 : closing(self.tokens, start + 1) + 1]
        return None

    def span(self, part: Tokens) -> str:
        """The text of some adjoining tokens."""
        return self.source[part[0].start : end(part[-1])]

    def using(self) -> list[Tokens]:
        """The tokens of each USING clause."""
        clauses = []
        for start, token in outermost(self.tokens):
            if is_word(token, "USING"):
                length = 3 if is_word(self.tokens[start + 1], "NAMED") else 2
                clauses.append(self.tokens[start : start + length])
        return clauses


def operations(text: str) -> list[Operation]:
    """The operations of an update, in order. Raises QuerySyntaxError where brackets do not match."""
    source = decoded(text)
    found, prologue = [], ""
    for part in _parts([token for token in tokens(source) if token.kind != "comment"]):
        length = _prologue(part)
        if length:
            prologue += source[part[0].start : end(part[length - 1])] + "\n"
        if part[length:]:
            found.append(Operation(prologue, source, part[length:]))
    return found


def with_data_set(text: str, using: Sequence[str], using_named: Sequence[str]) -> str:
    """The update over the data set that a request asks for: USING put before each WHERE (SPARQL 1.1 Protocol, section 2.2.3).

    `using` and `using_named` are IRIs between `<` and `>`. Raises QuerySyntaxError where the text has USING or WITH of its own.
    """
    if not using and not using_named:
        return text
    clauses = " ".join([*(f"USING {iri}" for iri in using), *(f"USING NAMED {iri}" for iri in using_named)])
    pieces, done, source = [], 0, decoded(text)
    for operation in operations(source):
        if operation.keyword == "WITH" or operation.using():
            raise QuerySyntaxError(
                "The update names its data set, and so does the request.",
                hint="Leave out either USING and WITH, or using-graph-uri and using-named-graph-uri.",
            )
        where = next((token for _, token in outermost(operation.tokens) if is_word(token, "WHERE")), None)
        pattern = operation.group("WHERE")
        if where is None or pattern is None:
            continue
        is_short = operation.tokens[1] is where  # DELETE WHERE { … }: the pattern is the template too
        pieces += [source[done : where.start], f"{operation.span(pattern)} " if is_short else "", f"{clauses} "]
        done = where.start
    return "".join([*pieces, source[done:]])


def without_loads(text: str) -> str:
    """The update with every LOAD replaced by an operation that does nothing, so that it can be parsed and nothing is fetched.

    Raises QuerySyntaxError where a LOAD names no document, or no graph after INTO.
    """
    pieces, done = [], 0
    for load in _loads(text):
        names = [token for token in load if token.kind in {"iri", "name"}]
        words = [token.text.upper() for token in load if token.kind == "word"]
        wanted = 2 if words[-2:] == ["INTO", "GRAPH"] else 1 if "INTO" not in words else 0
        if len(names) != wanted or load[-1] is not names[-1]:
            raise QuerySyntaxError("LOAD takes the address of a document.", hint="LOAD <address> INTO GRAPH <graph>")
        pieces += [text[done : load[0].start], f"ADD SILENT GRAPH {names[0].text} TO GRAPH {names[0].text}"]
        done = end(load[-1])
    return "".join([*pieces, text[done:]])


def only_silent_loads(text: str) -> bool:
    """Whether each LOAD of the update is SILENT: one that fails does nothing then (SPARQL 1.1 Update, section 3.1.4)."""
    return all(any(is_word(token, "SILENT") for token in load) for load in _loads(text))


def _loads(text: str) -> Iterator[Tokens]:
    """The tokens of each LOAD: the keyword, SILENT, a name, INTO GRAPH and a name, as far as they are there."""
    stream = [token for _, token in outermost([token for token in tokens(text) if token.kind != "comment"])]
    for place, token in enumerate(stream):
        if is_word(token, "LOAD"):
            length = 1 + (len(stream) > place + 1 and is_word(stream[place + 1], "SILENT"))
            length += len(stream) > place + length and stream[place + length].kind in {"iri", "name"}
            if len(stream) > place + length and is_word(stream[place + length], "INTO"):
                length += 3
            yield stream[place : place + length]


def is_word(token: Token, word: str) -> bool:
    """Whether the token is this keyword, in any case."""
    return token.kind == "word" and token.text.upper() == word


def end(token: Token) -> int:
    """The offset after the token."""
    return token.start + len(token.text)


def outermost(part: Tokens) -> Iterator[tuple[int, Token]]:
    """The tokens outside of brackets, with their places."""
    depth = 0
    for place, token in enumerate(part):
        depth -= token.kind == "bracket" and token.text in "})]"
        if not depth:
            yield place, token
        depth += token.kind == "bracket" and token.text in "{(["


def closing(part: Tokens, opening: int) -> int:
    """The place of the bracket that closes the one at `opening`. Raises QuerySyntaxError where there is none."""
    depth = 0
    for place in range(opening, len(part)):
        if part[place].kind == "bracket":
            depth += 1 if part[place].text in "{([" else -1
            if not depth:
                return place
    raise QuerySyntaxError("A bracket is not closed.")


def _parts(stream: Tokens) -> Iterator[Tokens]:
    """What stands between the semicolons outside of brackets."""
    first = 0
    for place, token in outermost(stream):
        if token.text == ";":
            yield stream[first:place]
            first = place + 1
    yield stream[first:]


def _prologue(part: Tokens) -> int:
    """How many tokens PREFIX and BASE declarations take at the beginning."""
    place = 0
    while place < len(part) and part[place].kind == "word" and part[place].text.upper() in {"PREFIX", "BASE"}:
        place += 3 if is_word(part[place], "PREFIX") else 2
    return min(place, len(part))
