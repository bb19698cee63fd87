"""`sluis-audit prove` by the gateway's index: quick, and believed in nothing."""
import os
import random
import shutil
import types

import pytest

from cli_node import Node, run
from gateway import AUDIT, POSITION, consent
from world import World

UNKNOWN = "A" * 43
NOT_USED = "the index is not used: "


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The state folder of a gateway that has stopped, with 560 receipts."""
    folder = tmp_path_factory.mktemp("kept")
    world = World(folder / "node")
    try:
        world.gateway.start()
        world.ask(world.person(consent()))
        who = world.partner()
        with who.connect() as connection:
            for _ in range(558):
                connection.send(who.request(POSITION.replace("{subject}", UNKNOWN)))
                assert connection.read_answer().status == 403
        world.gateway.stop()
        yield types.SimpleNamespace(state=world.gateway.state, vkey=world.gateway.vkey,
                                    ledger=world.gateway.ledger)
    finally:
        world.close()


@pytest.fixture
def copy(kept, tmp_path):
    state = shutil.copytree(kept.state, tmp_path / "state", ignore=lambda *_: ["control.sock"])
    return types.SimpleNamespace(state=state, ledger=state / "ledger", index=state / "index",
                                 vkey=kept.vkey)


def prove(one, number, *more, where=None):
    return run(AUDIT, "prove", number, where or one.ledger, "--key", one.vkey, *more)


def test_the_index_gives_the_proof_that_the_whole_ledger_gives(copy, tmp_path):
    alone = shutil.copytree(copy.ledger, tmp_path / "alone")
    for number in (0, 1, 255, 256, 511, 512, 559):
        by_index, by_pass = prove(copy, number), prove(copy, number, where=alone)
        assert by_index.code == by_pass.code == 0
        assert by_index.err == by_pass.err == ""
        assert by_index.out == by_pass.out != ""
        assert prove(copy, number, "--json").out == prove(copy, number, "--json", where=alone).out


def test_it_reads_little(copy):
    """The last segment of the ledger is damaged: a proof from the first one does not care."""
    segments = sorted(copy.ledger.glob("*.seg"))
    data = bytearray(segments[-1].read_bytes())
    data[data.index(b'"kind":"pull"')] ^= 1
    segments[-1].write_bytes(data)
    assert len(segments) > 2
    done = prove(copy, 3)
    assert done.code == 0 and done.err == ""
    shutil.rmtree(copy.index)
    assert prove(copy, 3).err != "", "without the index, the whole ledger is read"


def test_an_index_elsewhere_is_named_by_an_option(copy, tmp_path):
    elsewhere = copy.index.rename(tmp_path / "elsewhere")
    done = prove(copy, 5, "--index", elsewhere)
    assert done.code == 0 and done.err == ""
    done = prove(copy, 5, "--index", tmp_path / "nowhere")
    assert done.code == 0 and NOT_USED in done.err and "whole ledger" in done.err


def test_a_receipt_that_is_not_there(copy):
    done = prove(copy, 560)
    assert done.code == 2 and "has no receipt 560; it has 560" in done.err


def test_nothing_is_written_beside_the_ledger(copy):
    before = {file: (file.stat().st_mtime_ns, file.read_bytes())
              for file in copy.index.iterdir()}
    (copy.index / "lock.mdb").unlink()
    assert prove(copy, 5).err == ""
    assert [file.name for file in copy.index.iterdir()] == ["data.mdb"]
    file = copy.index / "data.mdb"
    assert (file.stat().st_mtime_ns, file.read_bytes()) == before[file]


def test_a_read_only_copy_is_enough(copy):
    for folder in (copy.index, copy.ledger):
        for file in folder.iterdir():
            file.chmod(0o400)
        folder.chmod(0o500)
    assert prove(copy, 5).err == ""


def test_an_index_that_is_behind_is_gone_on_from(tmp_path):
    """Of the first receipts only: what came after them is proven from the segments."""
    node = Node(tmp_path / "node")
    for number in range(4):
        node.put(f"person{number}")
    older = shutil.copytree(node.state / "index", tmp_path / "older")
    for number in range(4):
        node.put(f"person{number}", "precision: 5km", f"precision: {number + 7}km")
    for number in range(8):
        by_index = run(AUDIT, "prove", number, node.ledger, "--key", node.vkey, "--index", older)
        by_newest = run(AUDIT, "prove", number, node.ledger, "--key", node.vkey)
        assert by_index.code == 0 and by_index.err == "", by_index.err
        assert by_index.out == by_newest.out


@pytest.mark.parametrize("seed", range(25))
def test_whatever_the_index_holds_the_proof_is_right(copy, seed):
    """Random damage to LMDB's file: the outcome is the same, if need be from the whole ledger."""
    rng = random.Random(seed)
    expected = prove(copy, 300).out
    file = copy.index / "data.mdb"
    data = bytearray(file.read_bytes())
    kind = seed % 5
    if kind == 0:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        for _ in range(200):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == 2:
        del data[rng.randrange(len(data)):]
    elif kind == 3:
        page = rng.randrange(2, len(data) // 4096) * 4096
        data[page:page + 4096] = os.urandom(4096)
    else:
        page = rng.randrange(2, len(data) // 4096) * 4096
        for at in range(page, page + 64):
            data[at] = 0xff
    file.write_bytes(data)
    done = prove(copy, 300)
    assert done.code == 0 and done.out == expected, f"seed {seed}: {done.err}"
    assert done.err == "" or NOT_USED in done.err


def test_another_ledgers_index_is_named_and_not_used(copy, tmp_path):
    node = Node(tmp_path / "other")
    node.put()
    done = prove(copy, 5, "--index", node.state / "index")
    assert done.code == 0 and NOT_USED in done.err
    assert done.out == prove(copy, 5).out


def test_a_lying_index_does_not_hide_a_changed_receipt(copy):
    """The segment is changed and its checksums are mended; with the index or without."""
    segment = sorted(copy.ledger.glob("*.seg"))[0]
    data = bytearray(segment.read_bytes())
    at = data.index(b'"reason":"no_consent"')
    data[at + 12] ^= 1
    segment.write_bytes(data)
    assert prove(copy, 2).code == 1


def test_beside_a_running_gateway(tmp_path):
    world = World(tmp_path / "node")
    try:
        world.gateway.start()
        name = world.person(consent())
        for _ in range(20):
            number = world.ask(name).receipt
            done = run(AUDIT, "prove", number, world.gateway.ledger, "--key", world.gateway.vkey)
            assert done.code == 0, done.err
    finally:
        world.close()
