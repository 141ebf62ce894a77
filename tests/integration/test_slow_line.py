"""A site behind a slow line that is cut, down and twice up: the round completes, and little more
than the payload passes.
"""

import json
from contextlib import closing
from pathlib import Path

import pytest
from hepafed.deploy.demo.federation import federation

from tests.integration.lines import DOWN, UP, Line, Quality
from tests.pictures import write_pictures

SITE = "hospital-a"
SLOW = Quality(rate=20e6 / 8, latency=0.2, loss=0.01)
"""20 Mbit/s up, 200 ms, of 100 pieces one comes a way there and back later."""
MOST_BYTES = 110_000_000
"""What the site's person allows to leave: one update and the messages, and not the update twice."""
PLAN = """
name = "slow"
protocol = "t2"
[model]
size = 75
[training]
epochs = 0
[rounds]
count = 1
quorum = 1
deadline = 500
"""


@pytest.mark.slow
def test_a_round_over_a_slow_line_that_is_cut_completes_and_sends_little_again(
    tmp_path: Path,
) -> None:
    plan, table = tmp_path / "plan.toml", write_pictures(tmp_path / "images", ["benign"] * 6, 2)
    plan.write_text(PLAN)
    with federation(tmp_path) as fed:
        fed.start_server()
        fed.enrol(SITE, "train")
        fed.command(SITE, "ingest", "--images", str(table.parent), "--labels", str(table))
        fed.command(
            SITE, "allow", "--study", "slow", "--purpose", "test", "--bytes", str(MOST_BYTES)
        )
        with closing(Line(int(fed.address.rpartition(":")[2]), SLOW)) as line:
            config = fed.home(SITE) / "site.toml"
            text = config.read_text()
            assert fed.address in text
            config.write_text(text.replace(fed.address, f"127.0.0.1:{line.port}"))
            fed.start(SITE)
            fed.wait_online([SITE])
            before = dict(line.carried)
            line.cuts[DOWN] = [before[DOWN] + 60_000_000]
            line.cuts[UP] = [before[UP] + 40_000_000, before[UP] + 98_000_000]
            fed.command("server", "train", str(plan), "--watch")
            assert line.cuts == {UP: [], DOWN: []}
            carried = {way: line.carried[way] - before[way] for way in (UP, DOWN)}
        (events,) = (fed.home("server") / "runs").glob("*/events.jsonl")
        history = [json.loads(row) for row in events.read_text().splitlines()]
        ledger = json.loads(fed.command(SITE, "ledger", "--json"))
    (payload,) = (e["bytes"] for e in history if e["event"] == "round")
    assert [e["round"] for e in history if e["event"] == "done"] == [1]
    assert 100_000_000 < payload < MOST_BYTES < 2 * payload
    assert payload <= carried[UP] <= 1.05 * payload
    entries = ledger["entries"] if isinstance(ledger, dict) else ledger
    assert [e["bytes"] for e in entries if e["kind"] == "update"] == [payload]
    fetched = sum(e["bytes"] for e in entries if e["kind"] == "weights")
    assert fetched <= carried[DOWN] <= 1.05 * fetched
