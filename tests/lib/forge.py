"""forge.py - what a gateway that cheats could do: take its ledger apart, and sign another one

Written from docs/formats/{ledger,receipt}.md; shares no code with the gateway. Signatures are made
by the openssl command, with the gateway's own key.
"""
import base64
import hashlib
import hmac
import json
import pathlib
import struct
import subprocess
import tempfile

CRC_TABLE = []
for _i in range(256):
    for _ in range(8):
        _i = _i >> 1 ^ (0x82F63B78 if _i & 1 else 0)
    CRC_TABLE.append(_i)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    return struct.pack("<I", crc ^ 0xFFFFFFFF)


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(leaves):
    """RFC 9162 section 2.1.1, as it stands there."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + root_of(leaves[:split]) + root_of(leaves[split:]))


def unpadded(digest):
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def time_ms(leaf):
    import datetime
    text = json.loads(leaf)["time"].replace("Z", "+00:00")
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


class SubjectKey:
    """What `sluis subject key` gives a subject."""

    def __init__(self, file):
        first, ledger, key = pathlib.Path(file).read_text(encoding="utf-8").splitlines()
        assert first == "sluis subject key v1" and ledger.startswith("ledger ")
        self.vkey = ledger.split(" ")[1]
        self.secret = base64.urlsafe_b64decode(key.split(" ")[1] + "=")
        assert len(self.secret) == 32

    def derive(self, label, number):
        return hmac.new(self.secret, label + b"\0" + struct.pack(">Q", number), "sha256").digest()

    def tag(self, number):
        return unpadded(self.derive(b"tag", number)[:16])

    def label(self, epoch):
        return self.derive(b"head", epoch)


class Heads:
    """One list: entries are [label, delta], in the order in which they stand there."""

    def __init__(self, epoch, first, end, entries):
        self.epoch, self.first, self.end = epoch, first, end
        self.entries = [list(entry) for entry in entries]

    @staticmethod
    def name(epoch):
        return "%020d.heads" % epoch

    @classmethod
    def read(cls, file):
        data = file.read_bytes()
        magic, version, zero, epoch, first, end, n, origin_n = struct.unpack_from("<8sIIQQQQH", data)
        assert magic == b"SLUISHDS" and version == 1 and zero == 0 and len(data) == 516 + 40 * n
        assert not any(data[50 + origin_n:508]) and data[508:512] == crc32c(data[:508])
        assert data[-4:] == crc32c(data[:-4]) and file.name == cls.name(epoch)
        entries = [struct.unpack_from(">32sQ", data, 512 + 40 * i) for i in range(n)]
        return cls(epoch, first, end, entries)

    def leaves(self):
        return [struct.pack(">32sQ", *entry) for entry in self.entries]

    def write(self, folder, origin):
        head = struct.pack("<8sIIQQQQH", b"SLUISHDS", 1, 0, self.epoch, self.first, self.end,
                           len(self.entries), len(origin)) + origin.encode()
        head = head.ljust(508, b"\0")
        data = head + crc32c(head) + b"".join(self.leaves())
        (folder / self.name(self.epoch)).write_bytes(data + crc32c(data))

    def delta(self, label):
        return sum(delta for one, delta in self.entries if one == label)


class Ledger:
    """Batches of leaves, and lists of heads."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.batches, first = [], 0
        while (folder / ("%020d.seg" % first)).exists():
            data = (folder / ("%020d.seg" % first)).read_bytes()
            alignment = struct.unpack_from("<I", data, 12)[0]
            at = alignment
            while at < len(data) and any(data[at:at + 40]):
                total, _, n = struct.unpack_from("<IQI", data, at + 4)
                leaves, place = [], at + 40
                for _ in range(n):
                    length = struct.unpack_from(">H", data, place)[0]
                    leaves.append(data[place + 2:place + 2 + length])
                    place += 2 + length
                self.batches.append(leaves)
                first += n
                at += -(-total // alignment) * alignment
        self.lists = {}
        for file in sorted((folder / "heads").glob("*.heads")):
            one = Heads.read(file)
            self.lists[one.epoch] = one

    def leaves(self):
        return [leaf for batch in self.batches for leaf in batch]

    def heads(self):
        """(index, receipt) of each heads receipt."""
        return [(index, json.loads(leaf)) for index, leaf in enumerate(self.leaves())
                if b'"kind":"heads"' in leaf]

    def find(self, tag):
        return next(i for i, leaf in enumerate(self.leaves()) if json.loads(leaf).get("tag") == tag)

    def leave_out(self, index):
        """A receipt that never was: all that comes after moves up, in the heads as well."""
        self._edit(index, None)
        for one in self.lists.values():
            one.first -= one.first > index
            one.end -= one.end > index

    def replace(self, index, leaf):
        self._edit(index, leaf)

    def _edit(self, index, leaf):
        for batch in self.batches:
            if index < len(batch):
                batch[index:index + 1] = [] if leaf is None else [leaf]
                break
            index -= len(batch)
        self.batches = [batch for batch in self.batches if batch]

    def commit_to_lists(self):
        """Makes each heads receipt say what its list now says."""
        for index, receipt in self.heads():
            one = self.lists[receipt["epoch"]]
            receipt |= dict(first=one.first, end=one.end, entries=len(one.entries),
                            root=unpadded(root_of(one.leaves())))
            self.replace(index, json.dumps(receipt, separators=(",", ":")).encode())

    def write(self, folder, pem, origin):
        """Signs it all anew, as one segment. Returns the folder."""
        folder = pathlib.Path(folder)
        (folder / "heads").mkdir(parents=True)
        for one in self.lists.values():
            one.write(folder / "heads", origin)
        body, leaves, newest = b"", [], -1 << 63
        for batch in self.batches:
            newest = max([newest, *(time_ms(leaf) for leaf in batch)])
            data = self._batch(len(leaves), batch, newest)
            leaves += batch
            text = f"{origin}\n{len(leaves)}\n{base64.b64encode(root_of(leaves)).decode()}\n"
            note = sign(text, pem, origin)
            data = bytearray(data + note)
            struct.pack_into("<I", data, 4, len(data) + 4)
            struct.pack_into("<I", data, 32, len(note))
            data = bytes(data) + crc32c(data)
            body += data.ljust(-(-len(data) // 4096) * 4096, b"\0")
        size = 4096 + len(body) + 4096
        head = (struct.pack("<8sIIQQH", b"SLUISSEG", 1, 4096, 0, size, len(origin))
                + origin.encode()).ljust(4092, b"\0")
        segment = head + crc32c(head) + body
        (folder / ("%020d.seg" % 0)).write_bytes(segment.ljust(size, b"\0"))
        return folder

    @staticmethod
    def _batch(first, leaves, newest):
        entries = [struct.pack(">H", len(leaf)) + leaf for leaf in leaves]
        receipts = b"".join(entries)
        return (struct.pack("<4sIQIIqII", b"SLB1", 0, first, len(leaves), len(receipts), newest, 0, 0)
                + receipts + b"".join(crc32c(entry) for entry in entries))


def sign(text, pem, origin):
    """A signed note."""
    with tempfile.TemporaryDirectory() as folder:
        here = pathlib.Path(folder)
        (here / "text").write_text(text, encoding="utf-8")
        openssl = dict(cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", str(pem),
                                    "-in", "text"], **openssl).stdout
        public = subprocess.run(["openssl", "pkey", "-in", str(pem), "-pubout", "-outform", "DER"],
                                **openssl).stdout[-32:]
    key_id = sha256(origin.encode() + b"\n\x01" + public)[:4]
    line = base64.b64encode(key_id + signature).decode()
    return f"{text}\n\u2014 {origin} {line}\n".encode()
