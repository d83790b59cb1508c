"""Worker processes: whatever a query does to its worker, the pool answers the caller plainly and the next question at once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dpa_kg.errors import Forbidden, LimitExceeded, NotFound, Overloaded, QuerySyntaxError, QueryTimeout
from dpa_kg.http.app import create_app
from dpa_kg.query.workers import Pool, patient, reading
from dpa_kg.settings import Settings
from tests.tiny import make_version

CROSS_PRODUCT = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n ?o }"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_version(tmp_path_factory.mktemp("home")).path.parent.parent


def with_pool(home: Path, use: Callable[[Pool], Awaitable[Any]], size: int = 1, **changes: Any) -> Any:
    """Runs `use` with a pool over the tiny version."""

    async def run() -> Any:
        pool = Pool(Settings(home=home, **changes), size, lambda: 1)
        await pool.start()
        try:
            await asyncio.gather(*(still_answers(pool) for _ in range(size)))  # the workers are there
            return await use(pool)
        finally:
            await pool.close()

    return asyncio.run(run())


async def still_answers(pool: Pool) -> bool:
    payload = await pool.call("sparql", text="ASK {}", accept="application/sparql-results+json")
    return bool(payload.body.count(b"true") == 1)


def test_a_question_is_answered_in_another_process(home: Path) -> None:
    async def use(pool: Pool) -> Any:
        return await pool.call("search", text="alpha", language="es")

    result = with_pool(home, use)
    assert [hit.label for hit in result.hits] == ["Alfa"]


def test_texts_of_callers_are_evaluated_at_a_lower_priority_than_questions(home: Path) -> None:
    async def priorities() -> list[int]:
        found = []
        for kind in (reading(Settings(home=home)), patient(Settings(home=home))):
            pool = Pool(Settings(home=home), 1, lambda: 1, kind)
            await pool.start()
            assert await still_answers(pool)
            worker = pool._idle.get_nowait()
            found.append(os.getpriority(os.PRIO_PROCESS, worker._process.pid))
            pool._idle.put_nowait(worker)
            await pool.close()
        return found

    questions, texts = asyncio.run(priorities())
    assert questions == os.getpriority(os.PRIO_PROCESS, 0)
    assert texts > questions


def test_the_service_gives_texts_of_callers_the_lower_priority(home: Path) -> None:
    app = create_app(Settings(home=home, query_workers=1, question_workers=1))

    async def kinds() -> tuple[int, int]:
        async with app.router.lifespan_context(app):
            return app.state.adhoc._kind.nice, app.state.questions._kind.nice

    texts, questions = asyncio.run(kinds())
    assert texts > questions == 0


def test_many_questions_at_once_are_all_answered(home: Path) -> None:
    async def use(pool: Pool) -> Any:
        return await asyncio.gather(*(still_answers(pool) for _ in range(40)))

    assert with_pool(home, use, size=2) == [True] * 40


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SELECT * { " + "{ " * 5000 + "?s ?p ?o" + " }" * 5000 + " }", QuerySyntaxError),
        ("SELECT (" + "1+" * 30000 + "1 AS ?n) {}", QuerySyntaxError),
        ("SELECT * { ?s " + "<a:>/" * 12000 + "<a:> ?o }", QuerySyntaxError),
        ("SELECT (" + "!" * 60000 + "true AS ?n) {}", QuerySyntaxError),
        ("SELECT nonsense", QuerySyntaxError),
        ("SELECT * { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }", Forbidden),
    ],
    ids=["nested", "sum", "path", "not", "syntax", "service"],
)
def test_a_text_that_breaks_the_engine_is_an_error_of_its_caller(home: Path, text: str, error: type[Exception]) -> None:
    async def use(pool: Pool) -> bool:
        with pytest.raises(error):
            await pool.call("sparql", text=text)
        return await still_answers(pool)

    assert with_pool(home, use, query_nesting=10_000, query_length=1 << 20)


def test_the_clock_ends_a_query_and_the_next_one_is_answered(home: Path) -> None:
    async def use(pool: Pool) -> bool:
        with pytest.raises(QueryTimeout, match=r"more than 0\.5 seconds"):
            await pool.call("sparql", text=CROSS_PRODUCT)
        return await still_answers(pool)

    assert with_pool(home, use, query_timeout=0.5)


def test_a_query_that_eats_memory_is_ended(home: Path) -> None:
    text = "SELECT ?a ?d ?g ?j { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n ?o } ORDER BY ?o ?k"

    async def use(pool: Pool) -> bool:
        with pytest.raises(Overloaded, match="memory"):
            await pool.call("sparql", text=text)
        return await still_answers(pool)

    assert with_pool(home, use, query_memory=64, query_timeout=60)


def test_a_caller_who_hangs_up_ends_the_query(home: Path) -> None:
    async def use(pool: Pool) -> bool:
        task = asyncio.create_task(pool.call("sparql", text=CROSS_PRODUCT))
        await asyncio.sleep(0.3)
        (busy,) = pool._busy
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await busy.ended() == -signal.SIGKILL
        return await still_answers(pool)

    assert with_pool(home, use)


def children() -> set[int]:
    """The processes that this one has started."""
    return {int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def test_a_worker_that_the_system_kills_while_nobody_asks_is_replaced_before_somebody_does(home: Path) -> None:
    async def use(pool: Pool) -> Any:
        (first,) = children() - before
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while not (pool.idle == 1 and children() - before - {first}):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        return await still_answers(pool)

    before = children()
    assert with_pool(home, use)


def test_a_full_queue_is_told_at_once(home: Path) -> None:
    async def use(pool: Pool) -> bool:
        first = asyncio.create_task(pool.call("sparql", text=CROSS_PRODUCT))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(still_answers(pool))
        await asyncio.sleep(0.1)
        with pytest.raises(Overloaded, match="waiting"):
            await still_answers(pool)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return await second

    assert with_pool(home, use, query_queue=1)


def test_an_answer_that_is_too_large_is_refused_whole(home: Path) -> None:
    async def use(pool: Pool) -> bool:
        with pytest.raises(LimitExceeded):
            await pool.call("sparql", text="SELECT * { ?a ?b ?c . ?d ?e ?f }")
        return await still_answers(pool)

    assert with_pool(home, use, result_bytes=20_000)


def test_a_large_answer_comes_as_a_file(home: Path) -> None:
    async def use(pool: Pool) -> bytes:
        payload = await pool.call("sparql", text="SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", accept="text/csv")
        return await asyncio.to_thread(Path(payload.path).read_bytes)

    text = with_pool(home, use)
    assert len(text) > 1 << 20
    assert text.startswith(b"a,b,c,d,e,f,g,h,i\r\n")
    assert text.endswith(b"\r\n")


def test_an_answer_that_nobody_waits_for_any_more_leaves_no_file(home: Path) -> None:
    """It is written to the spool when its reader hangs up: the worker is killed, and what it has written goes too."""
    everything = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"

    async def use(pool: Pool) -> list[Path]:
        asked = asyncio.ensure_future(pool.call("sparql", text=everything, accept="text/csv"))
        deadline = time.monotonic() + 60
        while not list((home / "spool").rglob("result-*")):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert await still_answers(pool)  # by the worker that has taken its place
        return list((home / "spool").rglob("result-*"))

    assert with_pool(home, use) == []


def test_what_dead_processes_left_is_removed_and_a_pool_leaves_nothing(home: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = home / "spool" / f"{dead.pid}-abcd"
    left.mkdir(parents=True)
    (left / "result-x").write_text("old", encoding="utf-8")

    async def use(pool: Pool) -> Any:
        return await pool.call("sparql", text="SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", accept="text/csv")

    payload = with_pool(home, use)
    assert not left.exists()
    assert not Path(payload.path).exists()


def test_a_version_that_is_not_there_is_not_found(home: Path) -> None:
    async def use(pool: Pool) -> bool:
        with pytest.raises(NotFound):
            await pool.call("sparql", version=77, text="ASK {}")
        return await still_answers(pool)

    assert with_pool(home, use)


PARENT = """
import asyncio, sys
from pathlib import Path
from dpa_kg.query.workers import Pool
from dpa_kg.settings import Settings

async def main():
    pool = Pool(Settings(home=Path(sys.argv[1])), 1, lambda: 1)
    await pool.start()
    await pool.call("sparql", text="ASK {}")
    asyncio.create_task(pool.call("sparql", text=sys.argv[2]))
    await asyncio.sleep(0.3)
    print(next(iter(pool._busy))._process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_worker_ends_with_a_parent_that_was_killed(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(home), CROSS_PRODUCT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        os.kill(worker, 0)
        parent.kill()
    deadline = time.monotonic() + 10
    while _runs(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(worker)


def _runs(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()
