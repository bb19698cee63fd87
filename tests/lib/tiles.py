"""tiles.py - a client of tlog-tiles logs, from the text of the specification

It believes a log's key and nothing else. Tree and signatures are those of the second verifier
(tests/unit/ledger/oracle.py), which shares nothing with the C code.
"""
import base64
import pathlib
import struct
import sys

import partner

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit/ledger"))

import oracle  # noqa: E402

WIDTH = 256


def number(index):
    """1234067 is x001/x234/067."""
    text = "%03d" % (index % 1000)
    while index >= 1000:
        index //= 1000
        text = "x%03d/%s" % (index % 1000, text)
    return text


def path(level, index, width=WIDTH):
    return f"/tile/{level}/{number(index)}" + ("" if width == WIDTH else f".p/{width}")


def width_of(level, index, size):
    """How wide the tile is in a tree of that size; 0: there is none."""
    return max(0, min(WIDTH, (size >> 8 * level) - WIDTH * index))


def tiles_of(size):
    """Each hash tile of a tree of that size, as wide as it is there."""
    for level in range(8):
        index = 0
        while width := width_of(level, index, size):
            yield level, index, width
            index += 1


class Tiles:
    def __init__(self, address, vkey, folder):
        self.address = address
        self.key = oracle.Key(pathlib.Path(vkey).read_text(encoding="utf-8"), str(folder))

    def connect(self):
        return partner.Connection(self.address)

    def ask(self, target, method="GET"):
        with self.connect() as connection:
            connection.send(partner.request(target, method=method, host="ledger.test",
                                            headers=[("Connection", "close")]))
            answer = connection.read_answer(has_body=method != "HEAD")
            assert connection.read_to_end() == b""
        return answer

    def get(self, target):
        answer = self.ask(target)
        assert answer.status == 200, answer
        return answer.body

    def head(self):
        """Size and root of the checkpoint, whose signature holds."""
        text = self.key.check(self.get("/checkpoint"))
        origin, size, root = text.splitlines()
        assert origin == self.key.name
        return int(size), base64.b64decode(root, validate=True)

    def entries(self, index, width=WIDTH):
        bundle = self.get(path("entries", index, width))
        entries = []
        while bundle:
            length = struct.unpack_from(">H", bundle)[0]
            entries.append(bundle[2:2 + length])
            assert len(entries[-1]) == length
            bundle = bundle[2 + length:]
        assert len(entries) == width
        return entries

    def all_entries(self, size):
        entries = []
        for index in range((size + WIDTH - 1) // WIDTH):
            entries += self.entries(index, width_of(0, index, size))
        return entries

    def hashes(self, level, index, width=WIDTH):
        tile = self.get(path(level, index, width))
        assert len(tile) == 32 * width
        return [tile[i:i + 32] for i in range(0, len(tile), 32)]


def tree_of(entries):
    tree = oracle.Tree()
    for entry in entries:
        tree.append(entry)
    return tree
