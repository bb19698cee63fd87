"""`sluis ledger index`: the index is thrown away and made anew, or stays as it was."""
import json
import os
import shutil

import pytest

from cli_node import Node, run, run_on_terminal
from gateway import SLUIS


@pytest.fixture
def grown(node):
    for number in range(5):
        node.put(f"person{number}")
    return node


def index_of(node):
    return (node.state / "index/data.mdb").read_bytes()


def test_the_index_is_made_anew_and_the_node_goes_on(grown):
    before = grown.sluis("status", "--json").out
    done = grown.sluis("ledger", "index")
    assert done.code == 0 and done.err == ""
    assert "index made anew: 5 receipts" in done.out
    assert "all 5 receipts that the old index had seen" in done.out
    assert not {"index.new", "index.old"} & set(os.listdir(grown.state))
    assert grown.sluis("status", "--json").out == before
    assert "receipt 5" in grown.put("another").out


def test_json_says_how_many_and_whether_the_old_one_was_compared(grown):
    found = grown.json("ledger", "index")
    assert list(found) == ["receipts", "milliseconds", "compared", "seen_before"]
    assert (found["receipts"], found["compared"], found["seen_before"]) == (5, True, 5)
    shutil.rmtree(grown.state / "index")
    found = grown.json("ledger", "index")
    assert (found["receipts"], found["compared"], found["seen_before"]) == (5, False, None)


def test_without_a_readable_old_index_the_operator_is_told_to_compare(grown):
    (grown.state / "index/data.mdb").write_bytes(os.urandom(40000))
    done = grown.sluis("ledger", "index")
    assert done.code == 0
    assert "the old index could not be read" in done.out and "sluis-audit consistency" in done.out
    assert "receipt 5" in grown.put("another").out


def test_a_damaged_index_names_this_command(grown):
    (grown.state / "index/data.mdb").write_bytes(bytes(40000))
    done = grown.sluis("policy", "put", grown.write_policy("another"))
    assert done.code != 0 and "sluis ledger index" in done.err
    assert grown.sluis("ledger", "index").code == 0
    assert "receipt 5" in grown.put("another").out


def test_a_shorter_ledger_leaves_the_old_index(grown):
    kept = shutil.copytree(grown.ledger, grown.folder / "kept")
    grown.put("another")
    shutil.rmtree(grown.ledger)
    kept.rename(grown.ledger)
    before = index_of(grown)
    done = grown.sluis("ledger", "index")
    assert done.code == 74 and "5 receipts, not 6" in done.err and "old index stays" in done.err
    assert index_of(grown) == before
    assert json.loads(grown.sluis("ledger", "index", "--json").out)["error"]["exit"] == 74


def test_a_running_gateway_is_left_alone(busy):
    before = index_of(busy)
    done = busy.sluis("ledger", "index")
    assert done.code == 75 and "is held by another process" in done.err
    assert index_of(busy) == before


def test_a_bar_is_drawn_on_a_terminal_only(grown):
    assert grown.sluis("ledger", "index").err == ""
    done = run_on_terminal(SLUIS, "-c", grown.config, "ledger", "index")
    assert done.code == 0 and "index made anew" in done.out


def test_a_node_that_was_just_made_has_nothing_to_index(tmp_path):
    node = Node(tmp_path / "new")
    done = run(SLUIS, "-c", node.config, "ledger", "index")
    assert done.code in (0, 74), done.err
