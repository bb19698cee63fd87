"""tlog.py - logs and witnesses in Python, from the texts of the C2SP specifications

Nothing here is shared with the C code: what one of them writes, the other one must read.
"""
import base64
import hashlib
import struct
import time

import ed25519

DASH = "\u2014"
LOG, WITNESS = 1, 4


def b64(data):
    return base64.b64encode(data).decode()


# --- trees: RFC 6962 section 2.1, by its definitions ---------------------------------------------

def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split_of(n):
    return 1 << ((n - 1).bit_length() - 1)


def root_of(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = split_of(len(leaves))
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def consistency_of(size, leaves, whole=True):
    if size == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = split_of(len(leaves))
    if size <= split:
        return consistency_of(size, leaves[:split], whole) + [root_of(leaves[split:])]
    return consistency_of(size - split, leaves[split:], False) + [root_of(leaves[:split])]


# --- signed notes --------------------------------------------------------------------------------

class Key:
    """The key of a log, or of a witness; its seed is one byte, 32 times, unless given."""

    def __init__(self, name, kind, seed):
        self.name = name
        self.kind = kind
        self.seed = seed if isinstance(seed, bytes) else bytes([seed]) * 32
        self.public = ed25519.public_key(self.seed)
        typed = bytes([kind]) + self.public
        self.id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64(typed)}"

    def line(self, text, at=None):
        """A signature line over `text`: plain by a log, with a time by a witness."""
        blob = self.id
        if self.kind == WITNESS:
            at = int(time.time()) if at is None else at
            message = f"cosignature/v1\ntime {at}\n{text}"
            blob += struct.pack(">Q", at) + ed25519.sign(self.seed, message.encode())
        else:
            blob += ed25519.sign(self.seed, text.encode())
        return f"{DASH} {self.name} {b64(blob)}\n"


def parse_vkey(vkey):
    name, key_id, typed = vkey.strip().split("+", 2)
    typed = base64.b64decode(typed, validate=True)
    assert hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4].hex() == key_id
    return name, bytes.fromhex(key_id), typed[0], typed[1:]


def cosigned_at(vkey, text, lines):
    """When the vkey's owner cosigned `text`; the signature is checked. One line of its key."""
    name, key_id, kind, public = parse_vkey(vkey)
    assert kind == WITNESS
    found = []
    for line in lines.splitlines():
        dash, signer, blob = line.split(" ")
        blob = base64.b64decode(blob, validate=True)
        assert dash == DASH
        if signer != name or blob[:4] != key_id:
            continue
        assert len(blob) == 4 + 8 + 64
        at = struct.unpack(">Q", blob[4:12])[0]
        message = f"cosignature/v1\ntime {at}\n{text}".encode()
        assert ed25519.verify(public, message, blob[12:]), "the cosignature does not hold"
        found.append(at)
    assert len(found) == 1, lines
    return found[0]


def split_note(note):
    text, lines = note.rsplit("\n\n", 1)
    return text + "\n", lines


class Log:
    """A log that lies if it is told to."""

    def __init__(self, origin="python.example/log", seed=1, leaves=()):
        self.key = Key(origin, LOG, seed)
        self.origin = origin
        self.leaves = list(leaves)

    def grow(self, n=1):
        for _ in range(n):
            self.leaves.append(f"leaf {len(self.leaves)} of {id(self)}".encode())
        return self

    def fork(self, at):
        """Another log of the same key that shares the first leaves."""
        return Log(self.origin, self.key.seed, self.leaves[:at])

    def text(self, size=None, more=""):
        leaves = self.leaves if size is None else self.leaves[:size]
        return f"{self.origin}\n{len(leaves)}\n{b64(root_of(leaves))}\n{more}"

    def checkpoint(self, size=None, more=""):
        text = self.text(size, more)
        return text + "\n" + self.key.line(text)

    def proof(self, old, size=None):
        size = len(self.leaves) if size is None else size
        return consistency_of(old, self.leaves[:size]) if 0 < old <= size else []


def request(old, hashes, note):
    """The body of add-checkpoint."""
    return f"old {old}\n" + "".join(f"{b64(one)}\n" for one in hashes) + "\n" + note
