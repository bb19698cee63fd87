#!/usr/bin/env python3
"""A second verifier, written from docs/formats/{ledger,receipt}.md alone.

oracle.py MAKE_LEDGER lets that program make a ledger and checks every byte of it: form, CRCs,
tree, checkpoints, changes of the key, heads and their lists, and the tags, commitments and labels of
a subject whose key is known. Shares no code with the gateway; signatures are checked by the openssl
command.
"""
import base64
import hashlib
import hmac
import json
import os
import struct
import subprocess
import sys
import tempfile

CRC_TABLE = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
    CRC_TABLE.append(i)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def sha256(data):
    return hashlib.sha256(data).digest()


class Tree:
    """RFC 9162 section 2.1 by levels: each level keeps all its complete nodes."""

    def __init__(self):
        self.levels = [[]]

    def append(self, leaf):
        self.levels[0].append(sha256(b"\0" + leaf))
        level = 0
        while len(self.levels[level]) % 2 == 0:
            if level + 1 == len(self.levels):
                self.levels.append([])
            left, right = self.levels[level][-2:]
            self.levels[level + 1].append(sha256(b"\1" + left + right))
            level += 1

    def root(self):
        right = None
        for nodes in self.levels:
            if len(nodes) % 2 == 1:
                right = nodes[-1] if right is None else sha256(b"\1" + nodes[-1] + right)
        return right


class Key:
    """A vkey, and openssl to check signatures under it."""

    def __init__(self, vkey, folder):
        self.vkey = vkey.strip()
        self.name, key_id, rest = self.vkey.split("+", 2)
        typed = base64.b64decode(rest, validate=True)
        assert typed[0] == 1 and len(typed) == 33
        self.id = sha256(self.name.encode() + b"\n" + typed)[:4]
        assert self.id.hex() == key_id
        self.folder = folder
        self.file = os.path.join(folder, "key.der")
        with open(self.file, "wb") as file:
            file.write(bytes.fromhex("302a300506032b6570032100") + typed[1:])

    def check(self, note):
        """The text of a signed note with one signature, which must hold."""
        text, line = note.decode().rsplit("\n\n", 1)
        text += "\n"
        dash, name, blob = line.rstrip("\n").split(" ")
        signature = base64.b64decode(blob, validate=True)
        assert line.endswith("\n") and dash == "\u2014" and name == self.name
        assert signature[:4] == self.id and len(signature) == 68
        files = {"text": text.encode(), "signature": signature[4:]}
        for file_name, content in files.items():
            with open(os.path.join(self.folder, file_name), "wb") as file:
                file.write(content)
        subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", self.file,
             "-rawin", "-in", "text", "-sigfile", "signature"],
            cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        return text


def next_key(key, entries):
    """The key that signs the next batch: another one only if the last receipt of this one says so."""
    receipts = [json.loads(entry) for entry in entries]
    assert not any(receipt["kind"] == "key" for receipt in receipts[:-1])
    last = receipts[-1]
    if last["kind"] != "key":
        return key
    assert last["old"] == key.vkey and last["new"] != key.vkey
    new = Key(last["new"], key.folder)
    assert new.name == key.name
    return new


def check_head(segment, first_index, origin):
    magic, version, alignment, first, size, n = struct.unpack_from("<8sIIQQH", segment)
    assert magic == b"SLUISSEG" and version == 1 and alignment in (512, 1024, 2048, 4096)
    assert first == first_index and size == len(segment) and segment[34:34 + n] == origin
    assert not any(segment[34 + n:alignment - 4])
    assert struct.unpack_from("<I", segment, alignment - 4)[0] == crc32c(segment[:alignment - 4])
    return alignment


def check_batch(segment, at, alignment, tree, newest, key, leaves, check_signature):
    magic, total, first, n, receipts_bytes, time_ms, checkpoint_bytes, zero = struct.unpack_from(
        "<4sIQIIqII", segment, at)
    assert magic == b"SLB1" and zero == 0 and first == len(leaves) and 1 <= n <= 1024
    assert total == 40 + receipts_bytes + 4 * n + checkpoint_bytes + 4
    batch = segment[at:at + total]
    assert struct.unpack_from("<I", batch, total - 4)[0] == crc32c(batch[:-4])
    place = 40
    for i in range(n):
        length = struct.unpack_from(">H", batch, place)[0]
        entry = batch[place:place + 2 + length]
        assert struct.unpack_from("<I", batch, 40 + receipts_bytes + 4 * i)[0] == crc32c(entry)
        leaves.append(entry[2:])
        tree.append(entry[2:])
        place += 2 + length
    assert place == 40 + receipts_bytes
    note = batch[-4 - checkpoint_bytes:-4]
    text = key.check(note) if check_signature else note.decode().rsplit("\n\n", 1)[0] + "\n"
    assert text == "%s\n%d\n%s\n" % (key.name, len(leaves), base64.b64encode(tree.root()).decode())
    end = at + (total + alignment - 1) // alignment * alignment
    assert not any(segment[at + total:end])
    newest.append(time_ms)
    return end, next_key(key, leaves[-n:])


def read_ledger(folder, key):
    tree, leaves, newest, n_segments, n_batches = Tree(), [], [], 0, 0
    keys = set()
    names = sorted(set(os.listdir(folder)) - {"heads"})
    while True:
        name = "%020d.seg" % len(leaves)
        if name not in names:
            break
        with open(os.path.join(folder, name), "rb") as file:
            segment = file.read()
        at = alignment = check_head(segment, len(leaves), key.name.encode())
        while at < len(segment) and any(segment[at:at + 40]):
            # A signature takes a process: of each key the first, and of every seventh batch.
            is_first = key.vkey not in keys
            keys.add(key.vkey)
            at, key = check_batch(segment, at, alignment, tree, newest, key, leaves,
                                  is_first or n_batches % 7 == 0)
            n_batches += 1
        assert not any(segment[at:])
        n_segments += 1
    assert n_segments == len(names)
    return leaves, newest, n_segments, len(keys)


def unpadded(digest):
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def check_subject(leaves, lists, key, basis, body):
    """Every receipt of a subject, by its numbers: none is missing, each opens, all are owned up to."""
    receipts = [json.loads(leaf) for leaf in leaves]
    by_tag = {receipt["tag"]: (index, receipt) for index, receipt in enumerate(receipts)
              if "tag" in receipt}
    assert len(by_tag) == sum("tag" in receipt for receipt in receipts)

    def derive(label, n, field=b""):
        return hmac.new(key, label + b"\0" + struct.pack(">Q", n) + field, "sha256").digest()

    places = []
    while True:
        n = len(places)
        index, receipt = by_tag.get(unpadded(derive(b"tag", n)[:16]), (None, None))
        if not receipt:
            break
        assert receipt["basis"] == unpadded(sha256(derive(b"salt", n, b"basis") + basis))
        if receipt["body"]:
            assert receipt["body"] == unpadded(sha256(derive(b"salt", n, b"body") + body))
        places.append(index)
    for epoch, (first, end, deltas) in enumerate(lists):
        assert deltas.get(derive(b"head", epoch), 0) == sum(first <= at < end for at in places)
    return len(places)


def read_list(data, epoch, origin):
    magic, version, zero, found, first, end, n, length = struct.unpack_from("<8sIIQQQQH", data)
    assert magic == b"SLUISHDS" and version == 1 and zero == 0 and found == epoch
    assert len(data) == 512 + 40 * n + 4 and data[50:50 + length] == origin
    assert not any(data[50 + length:508])
    assert struct.unpack_from("<I", data, 508)[0] == crc32c(data[:508])
    assert struct.unpack_from("<I", data, len(data) - 4)[0] == crc32c(data[:-4])
    return first, end, [data[512 + 40 * i:552 + 40 * i] for i in range(n)]


def read_lists(folder, leaves, origin):
    """(first, end, {label: delta}) of each epoch, checked against the receipts."""
    receipts, lists, next_first = [json.loads(leaf) for leaf in leaves], [], 0
    for index, heads in enumerate(receipts):
        if heads["kind"] != "heads":
            continue
        with open(os.path.join(folder, "heads", "%020d.heads" % len(lists)), "rb") as file:
            first, end, entries = read_list(file.read(), len(lists), origin)
        tree = Tree()
        for entry in entries:
            tree.append(entry)
        labels = [entry[:32] for entry in entries]
        deltas = [struct.unpack(">Q", entry[32:])[0] for entry in entries]
        assert labels == sorted(set(labels)) and all(deltas)
        assert sum(deltas) == sum("tag" in receipt for receipt in receipts[first:end])
        assert heads["epoch"] == len(lists) and heads["first"] == first == next_first
        assert first < end == heads["end"] <= index and heads["entries"] == len(entries)
        assert heads["root"] == unpadded(tree.root())
        lists.append((first, end, dict(zip(labels, deltas))))
        next_first = end
    assert len(os.listdir(os.path.join(folder, "heads"))) == len(lists)
    return lists


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True, stderr=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "vkey"), encoding="utf-8") as file:
            key = Key(file.read(), folder)
        leaves, newest, n_segments, n_keys = read_ledger(os.path.join(folder, "copy"), key)
        lists = read_lists(os.path.join(folder, "copy"), leaves, key.name.encode())
    assert len(lists) == 2 and lists[1][1] == 5008
    assert len(leaves) == 5010 and n_segments >= 2 and newest == sorted(newest) and n_keys == 3
    kinds = [(json.loads(leaf)["kind"], json.loads(leaf).get("decision")) for leaf in leaves[:5]]
    assert kinds == [("pull", "release"), ("pull", "refuse"), ("policy", None),
                     ("pull", "release"), ("pull", "refuse")]
    assert check_subject(leaves, lists, b"\xa0" * 32, b"\x5a" * 32, b"\xa5" * 32) == 3 + 1250 + 1
    assert check_subject(leaves, lists, b"\xa1" * 32, b"\x5a" * 32, b"\xa5" * 32) == 1 + 1250
    print("%d receipts in %d segments under %d keys agree" % (len(leaves), n_segments, n_keys))


if __name__ == "__main__":
    main()
