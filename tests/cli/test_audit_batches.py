"""Batches moved about by somebody who knows the format: each move is found and named."""
import struct

import pytest

from cli_node import Node, run
from gateway import AUDIT


def batches_of(data):
    """(offset, bytes with padding) of each, as docs/formats/ledger.md has it."""
    alignment = struct.unpack_from("<I", data, 12)[0]
    at = alignment
    while data[at:at + 4] == b"SLB1":
        n_bytes = struct.unpack_from("<I", data, at + 4)[0]
        padded = (n_bytes + alignment - 1) // alignment * alignment
        yield at, padded
        at += padded


class Copy:
    def __init__(self, node, people):
        for name in people:
            node.put(name)
        self.node = node
        self.file = next(node.ledger.glob("*.seg"))
        self.data = bytearray(self.file.read_bytes())
        self.batches = list(batches_of(self.data))
        assert len(self.batches) == len(people)

    def batch(self, i):
        at, n = self.batches[i]
        return bytes(self.data[at:at + n])

    def put(self, i, batch):
        at, n = self.batches[i]
        assert len(batch) == n
        self.data[at:at + n] = batch

    def verify(self):
        self.file.write_bytes(self.data)
        return run(AUDIT, "verify", self.node.ledger, "--key", self.node.vkey)


@pytest.fixture
def copy(node):
    return Copy(node, ["ann", "ben", "cas", "dee"])


def assert_found_at(done, receipt):
    assert done.code == 1 and done.out.startswith("INVALID: ")
    assert f"receipt   {receipt} is the first" in done.err


def test_swapped_batches(copy):
    assert copy.verify().code == 0
    second, third = copy.batch(1), copy.batch(2)
    copy.put(1, third)
    copy.put(2, second)
    assert_found_at(copy.verify(), 1)


def test_a_batch_that_stands_twice(copy):
    copy.put(2, copy.batch(1))
    assert_found_at(copy.verify(), 2)


def test_a_batch_of_another_ledger(copy, tmp_path):
    other = Copy(Node(tmp_path / "other"), ["ann", "ben", "cas", "dee"])
    copy.put(2, other.batch(2))
    assert_found_at(copy.verify(), 2)


def test_every_prefix_of_the_last_batch(copy):
    at, _ = copy.batches[-1]
    n_bytes = struct.unpack_from("<I", copy.data, at + 4)[0]
    whole = bytes(copy.data)
    for n_left in range(1, n_bytes, 37):
        copy.data = bytearray(whole)
        copy.data[at + n_left:at + n_bytes] = bytes(n_bytes - n_left)
        assert_found_at(copy.verify(), 3)


def test_every_prefix_of_the_file(copy):
    whole = bytes(copy.data)
    for n_left in list(range(0, copy.batches[-1][0], 1021)) + [len(whole) - 1]:
        copy.data = bytearray(whole[:n_left])
        done = copy.verify()
        assert done.code == 1 and "INVALID" in done.out + done.err
