"""`python -m tests.soak [--minutes 10] [--seed N] [--graph merged|own]`: exit code 1 when anything is wrong."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.soak.course import Outcome, Plan, run


def main() -> None:
    """Runs one course, prints a line each minute and a table at the end."""
    parser = argparse.ArgumentParser(
        prog="make soak", description="A real service under reads, writes, kills and reloads, held against a model."
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--seed", type=int, default=None, help="to do the same again, as far as the clock lets it")
    parser.add_argument(
        "--graph", choices=["merged", "own"], default="merged", help="DPA_KG_DEFAULT_GRAPH: own has no gate, and writes more"
    )
    parser.add_argument("--readers", type=int, default=4, help="clients that read (4)")
    parser.add_argument("--web-workers", type=int, default=1, help="DPA_KG_WEB_WORKERS (1)")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(10**6)
    seconds = given.minutes * 60
    plan = Plan(seconds, seed, given.graph, given.readers, min(60.0, seconds / 4), given.web_workers)
    again = f"--minutes {given.minutes:g} --graph {given.graph} --seed {seed}"
    print(f'Soaking for {given.minutes:g} minutes, default graph {given.graph}. To repeat: SOAK="{again}"', flush=True)
    folder = Path(tempfile.mkdtemp(prefix="dpa-kg-soak-"))
    outcome = run(plan, folder, lambda line: print(line, flush=True))
    report(outcome)
    if outcome.ledger.wrong:
        print(f"The home and the log of the service are in {folder}.")
        sys.exit(1)
    shutil.rmtree(folder)


def report(outcome: Outcome) -> None:
    """The closing table."""
    print()
    for what, count in sorted(outcome.ledger.counts.items()):
        print(f"  {what:<44}{count:>8}")
    print(f"  {'memory of the web process, warm':<44}{outcome.memory}")
    print(f"  {'open files of the web process, at each look':<44}{' '.join(str(look.files) for look in outcome.looks)}")
    print(f"  {'processes, at each look':<44}{' '.join(str(look.processes) for look in outcome.looks)}")
    print(f"  {'largest worker, MiB, at each look':<44}{' '.join(f'{look.worker:.0f}' for look in outcome.looks)}")
    print(f"  {'open files of a worker, at each look':<44}{' '.join(str(look.worker_files) for look in outcome.looks)}")
    print(f"  {'lines of the log':<44}{outcome.log_lines:>8}")
    print()
    for problem in outcome.ledger.wrong:
        print(f"WRONG: {problem}")
    print("Nothing is wrong." if not outcome.ledger.wrong else f"{outcome.ledger.counts['wrong']} things are wrong.")


if __name__ == "__main__":
    main()
