"""sluis-audit: checkpoint, prove, verify-proof and consistency, against a verifier in Python.

The verifier here shares nothing with the C code: hashlib for the tree, the openssl program for
signatures, and the texts of the C2SP specifications.
"""
import base64
import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import types

import pytest

from cli_node import ORIGIN, Node, run
from gateway import AUDIT, ENVIRONMENT

N_RECEIPTS = 13


# --- an independent verifier ---------------------------------------------------------------------

def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves):
    """MTH of RFC 9162 section 2.1.1, by its definition."""
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def path_of(index, leaves):
    """PATH of RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return path_of(index, leaves[:split]) + [root_of(leaves[split:])]
    return path_of(index - split, leaves[split:]) + [root_of(leaves[:split])]


def subproof_of(size, leaves, whole=True):
    """SUBPROOF of RFC 9162 section 2.1.4.1."""
    if size == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if size <= split:
        return subproof_of(size, leaves[:split], whole) + [root_of(leaves[split:])]
    return subproof_of(size - split, leaves[split:], False) + [root_of(leaves[:split])]


def ed25519_holds(folder, public, message, signature):
    """By the openssl program. The key in DER is a fixed head and the 32 bytes (RFC 8410)."""
    (folder / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
    (folder / "message").write_bytes(message)
    (folder / "signature").write_bytes(signature)
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER",
                           "-inkey", folder / "key.der", "-in", folder / "message",
                           "-sigfile", folder / "signature"], capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)
    return done.returncode == 0


def open_note(folder, vkey, note):
    """The text of a note that the vkey's owner signed."""
    name, key_id, key = vkey.strip().split("+", 2)
    typed = base64.b64decode(key, validate=True)
    assert typed[0] == 1
    expected_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    assert bytes.fromhex(key_id) == expected_id
    text, lines = note.rsplit("\n\n", 1)
    text += "\n"
    mine = []
    for line in lines.splitlines():
        dash, signer, blob = line.split(" ")
        assert dash == "\u2014"
        blob = base64.b64decode(blob, validate=True)
        if signer == name and blob[:4] == expected_id:
            mine.append(blob[4:])
    assert mine and all(ed25519_holds(folder, typed[1:], text.encode(), one) for one in mine)
    return text


def open_checkpoint(folder, vkey, note):
    origin, size, root = open_note(folder, vkey, note).splitlines()
    return origin, int(size), base64.b64decode(root, validate=True)


def open_proof(folder, vkey, proof):
    """Index, hashes and checkpoint of a tlog-proof file, whose checkpoint's signature holds."""
    head, note = proof.split("\n\n", 1)
    first, index, *hashes = head.split("\n")
    assert first == "c2sp.org/tlog-proof@v1" and index.startswith("index ")
    hashes = [base64.b64decode(one, validate=True) for one in hashes]
    return int(index[6:]), hashes, open_checkpoint(folder, vkey, note)


# --- a ledger ------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A ledger of 13 receipts in several batches, and a checkpoint from each of its sizes."""
    folder = tmp_path_factory.mktemp("proofs")
    node = Node(folder / "node")
    checkpoints = {}
    for number in range(N_RECEIPTS):
        node.put(f"person{number % 4}", "precision: 5km", f"precision: {number + 1}km")
        file = folder / f"{number + 1}.checkpoint"
        done = run(AUDIT, "checkpoint", node.ledger, "--key", node.vkey, "-o", file)
        assert done.code == 0 and done.out == "" and done.err == ""
        checkpoints[number + 1] = file
    done = run(AUDIT, "list", node.ledger, "--key", node.vkey, "--json")
    leaves = []
    for number in range(N_RECEIPTS):
        shown = run(AUDIT, "show", str(number), node.ledger, "--key", node.vkey)
        leaves.append(shown.out.splitlines()[-1].encode())
    assert len(done.out.splitlines()) == N_RECEIPTS
    return types.SimpleNamespace(node=node, ledger=node.ledger, vkey=node.vkey, leaves=leaves,
                                 checkpoints=checkpoints,
                                 vkey_text=node.vkey.read_text(encoding="utf-8"))


@pytest.fixture
def other(tmp_path):
    """Another gateway of the same name with its own key."""
    node = Node(tmp_path / "other")
    node.put()
    node.put("joris")
    return node


def audit(*arguments, **more):
    return run(AUDIT, *arguments, **more)


def prove(kept, index, folder):
    proof, leaf = folder / f"{index}.tlog-proof", folder / f"{index}.json"
    for file in (proof, leaf):
        file.unlink(missing_ok=True)
    done = audit("prove", index, kept.ledger, "--key", kept.vkey, "-o", proof, "--leaf", leaf)
    assert done.code == 0 and done.err == "", done.err
    return proof, leaf


def verify(proof, leaf, *more):
    return audit("verify-proof", proof, "--leaf", leaf, *more)


# --- checkpoints and proofs ----------------------------------------------------------------------

def test_the_checkpoint_is_what_an_independent_verifier_computes(kept, tmp_path):
    for size, file in kept.checkpoints.items():
        origin, signed_size, root = open_checkpoint(tmp_path, kept.vkey_text,
                                                    file.read_text(encoding="utf-8"))
        assert (origin, signed_size, root) == (ORIGIN, size, root_of(kept.leaves[:size]))


def test_each_proof_is_what_an_independent_prover_makes(kept, tmp_path):
    for index in range(N_RECEIPTS):
        proof, leaf = prove(kept, index, tmp_path)
        found, hashes, (origin, size, root) = open_proof(tmp_path, kept.vkey_text,
                                                         proof.read_text(encoding="utf-8"))
        assert (found, origin, size) == (index, ORIGIN, N_RECEIPTS)
        assert leaf.read_bytes() == kept.leaves[index]
        assert root == root_of(kept.leaves) and hashes == path_of(index, kept.leaves)
        done = verify(proof, leaf, "--key", kept.vkey)
        assert done.code == 0 and done.out.startswith("valid\n") and done.err == ""
        assert f"receipt     {index}," in done.out and ORIGIN in done.out


def test_what_is_printed_is_what_is_written(kept, tmp_path):
    proof, leaf = prove(kept, 5, tmp_path)
    text = proof.read_text(encoding="utf-8")
    done = audit("prove", 5, kept.ledger, "--key", kept.vkey)
    assert done.code == 0 and done.out == text
    done = audit("checkpoint", kept.ledger, "--key", kept.vkey)
    assert done.out == kept.checkpoints[N_RECEIPTS].read_text(encoding="utf-8")
    found = json.loads(audit("prove", 5, kept.ledger, "-k", kept.vkey, "--json").out)
    assert found["proof"] == text and found["receipt"].encode() == leaf.read_bytes()
    assert (found["index"], found["size"], found["origin"]) == (5, N_RECEIPTS, ORIGIN)
    assert [base64.b64decode(one) for one in found["hashes"]] == path_of(5, kept.leaves)
    found = json.loads(audit("checkpoint", kept.ledger, "-k", kept.vkey, "--json").out)
    assert found["checkpoint"] == done.out and base64.b64decode(found["root"]) == root_of(kept.leaves)


def test_verify_proof_takes_standard_input_and_says_it_in_json(kept, tmp_path):
    proof, leaf = prove(kept, 7, tmp_path)
    done = verify(proof, "-", "--key", kept.vkey, "--json")
    assert done.code == 2  # nothing on standard input
    done = audit("verify-proof", proof, "--leaf", "-", "-k", kept.vkey, "--json",
                 given=leaf.read_bytes() + b"\n")
    found = json.loads(done.out)
    assert done.code == 0 and found["result"] == "valid"
    assert (found["index"], found["size"], found["origin"]) == (7, N_RECEIPTS, ORIGIN)
    done = audit("verify-proof", "-", "--leaf", leaf, "-k", kept.vkey, given=proof.read_bytes())
    assert done.code == 0
    assert audit("verify-proof", "-", "--leaf", "-", "-k", kept.vkey).code == 64


def test_a_receipt_is_proven_under_the_checkpoint_that_is_given(kept, other, tmp_path):
    """As the one with the cosignatures of witnesses may be older than the newest."""
    proof, leaf = tmp_path / "proof", tmp_path / "leaf"
    for size in (6, 9, N_RECEIPTS):
        text = kept.checkpoints[size].read_text(encoding="utf-8")
        cosigned = tmp_path / "cosigned"
        cosigned.write_text(text + "\u2014 someone.example AAAAAAAAAAAA\n", encoding="utf-8")
        proof.unlink(missing_ok=True)
        leaf.unlink(missing_ok=True)
        done = audit("prove", 5, kept.ledger, "--key", kept.vkey, "--checkpoint", cosigned,
                     "-o", proof, "--leaf", leaf)
        assert done.code == 0 and f"size {size}" in done.out, done.err
        written = proof.read_text(encoding="utf-8")
        assert written.endswith("\n\n" + cosigned.read_text(encoding="utf-8"))
        assert verify(proof, leaf, "--key", kept.vkey).code == 0
        hashes = [base64.b64decode(one) for one in written.split("\n\n")[0].split("\n")[2:]]
        assert hashes == path_of(5, kept.leaves[:size])

    def refused(checkpoint, code, part):
        done = audit("prove", 5, kept.ledger, "--key", kept.vkey, "--checkpoint", checkpoint)
        assert done.code == code and part in done.err, done.err
    refused(kept.checkpoints[5], 2, "came after it")
    refused(leaf, 2, "is not a checkpoint")
    refused(tmp_path / "none", 2, "cannot open")
    text = kept.checkpoints[9].read_text(encoding="utf-8")
    forged = tmp_path / "forged"
    for old, new in (("\n9\n", "\n8\n"), ("\n9\n", f"\n{N_RECEIPTS + 1}\n"), (ORIGIN, "other")):
        forged.write_text(text.replace(old, new, 1), encoding="utf-8")
        refused(forged, 1, "missing" if str(N_RECEIPTS + 1) in new else "not over this ledger")


def test_a_changed_receipt_or_proof_is_invalid(kept, tmp_path):
    proof, leaf = prove(kept, 6, tmp_path)
    bad = tmp_path / "bad"
    receipt = leaf.read_bytes()
    changes = [receipt + b" ", receipt + b"\n\n", receipt[:-1], kept.leaves[5],
               receipt.replace(b"granted", b"grunted"), receipt.replace(b'"', b"'", 1)]
    for change in changes:
        assert change != receipt
        bad.write_bytes(change)
        done = verify(proof, bad, "--key", kept.vkey)
        assert done.code == 1 and done.err == "" and done.out.startswith("INVALID: ")
    lines = proof.read_text(encoding="utf-8").split("\n")
    end = lines.index("")
    variants = [
        lines[:2] + lines[3:],                                      # one hash less
        lines[:2] + [lines[2]] + lines[2:],                         # one more
        lines[:2] + lines[end - 1:end] + lines[2:end - 1] + lines[end:],  # in another order
        lines[:1] + ["index 5"] + lines[2:],
        lines[:1] + ["index 06"] + lines[2:],
        lines[:1] + ["index 18446744073709551615"] + lines[2:],
        ["c2sp.org/tlog-proof@v2"] + lines[1:],
        lines[:end + 2] + ["12"] + lines[end + 3:],                 # another size
        lines[:end + 1] + ["other.example"] + lines[end + 2:],
        lines[:-2] + [""],                                          # no signature
        lines[:-1],                                                 # no line feed at the end
    ]
    for variant in variants:
        bad.write_text("\n".join(variant), encoding="utf-8")
        done = verify(bad, leaf, "--key", kept.vkey)
        assert done.code == 1, variant
    found = json.loads(verify(bad, leaf, "--key", kept.vkey, "--json").out)
    assert found["result"] == "invalid" and found["problem"]


def test_no_changed_byte_of_a_proof_holds(kept, tmp_path):
    proof, leaf = prove(kept, 3, tmp_path)
    data = proof.read_bytes()
    bad = tmp_path / "bad"
    for at in range(0, len(data), 7):
        bad.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        assert verify(bad, leaf, "--key", kept.vkey).code == 1, at


def test_a_proof_of_another_ledger_is_invalid(kept, other, tmp_path):
    proof, leaf = prove(kept, 0, tmp_path)
    done = verify(proof, leaf, "--key", other.vkey)
    assert done.code == 1 and "with a key of this name that was not given" in done.out
    key = tmp_path / "other.vkey"
    key.write_text("other.example/1+040d3e13+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\n",
                   encoding="utf-8")
    done = verify(proof, leaf, "--key", key)
    origin = kept.vkey.read_text(encoding="utf-8").split("+")[0]
    assert done.code == 1 and f'is of the log "{origin}"' in done.out
    assert '"other.example/1"' in done.out and "use the key" in done.out


def test_what_could_not_be_checked_is_2(kept, tmp_path):
    proof, leaf = prove(kept, 0, tmp_path)
    nowhere, odd, large = tmp_path / "nowhere", tmp_path / "odd", tmp_path / "large"
    odd.write_text("nonsense\n", encoding="utf-8")
    large.write_bytes(b"x" * 200000)
    assert verify(nowhere, leaf, "--key", kept.vkey).code == 2
    assert verify(proof, nowhere, "--key", kept.vkey).code == 2
    assert verify(proof, large, "--key", kept.vkey).code == 2
    assert verify(proof, leaf, "--key", nowhere).code == 2
    assert verify(proof, leaf, "--key", odd).code == 2
    assert verify(proof, leaf, "--policy", odd).code == 2
    assert verify(proof, leaf, "--policy", nowhere).code == 2
    assert audit("prove", N_RECEIPTS, kept.ledger, "--key", kept.vkey).code == 2
    assert audit("prove", 0, nowhere, "--key", kept.vkey).code == 2
    for wrong in (["verify-proof", proof], ["verify-proof", proof, "--leaf", leaf],
                  ["prove", 0, kept.ledger], ["prove", "x", kept.ledger, "-k", kept.vkey],
                  ["checkpoint", kept.ledger], ["consistency", 1, kept.ledger],
                  ["consistency", 1, "-k", kept.vkey]):
        assert audit(*wrong).code == 64, wrong
    done = audit("prove", 0, kept.ledger, "--key", kept.vkey, "-o", tmp_path / "no/such/folder")
    assert done.code not in (0, 1, 2) and done.out == ""


def flip(folder, text, more=0):
    file = sorted(folder.glob("*.seg"))[0]
    data = bytearray(file.read_bytes())
    data[data.index(text) + more] ^= 1
    file.write_bytes(data)


def test_a_damaged_ledger_proves_what_stands_before_the_damage(kept, tmp_path):
    copy = shutil.copytree(kept.ledger, tmp_path / "ledger")
    flip(copy, kept.leaves[9], 30)
    proof, leaf = tmp_path / "p", tmp_path / "l"
    done = audit("prove", 4, copy, "--key", kept.vkey, "-o", proof, "--leaf", leaf)
    assert done.code == 0 and "INVALID" in done.err
    assert verify(proof, leaf, "--key", kept.vkey).code == 0
    _, hashes, (_, size, root) = open_proof(tmp_path, kept.vkey_text,
                                            proof.read_text(encoding="utf-8"))
    assert size == 9 and root == root_of(kept.leaves[:9])
    assert hashes == path_of(4, kept.leaves[:9])
    done = audit("prove", 9, copy, "--key", kept.vkey, "-o", tmp_path / "none")
    assert done.code == 1 and "INVALID" in done.err and not (tmp_path / "none").exists()
    assert audit("checkpoint", copy, "--key", kept.vkey).code == 1
    assert audit("consistency", kept.checkpoints[5], copy, "--key", kept.vkey).code == 1
    assert audit("consistency", kept.checkpoints[5], 9, copy, "--key", kept.vkey).code == 0


# --- trust files ---------------------------------------------------------------------------------

def make_witness(folder, name):
    """A key of the openssl program's, as a witness's vkey."""
    pem = folder / f"{name}.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", pem], check=True,
                   capture_output=True, stdin=subprocess.DEVNULL)
    der = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"], check=True,
                         capture_output=True, stdin=subprocess.DEVNULL).stdout
    typed = b"\x04" + der[-32:]
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    vkey = f"{name}+{key_id.hex()}+{base64.b64encode(typed).decode()}"
    return types.SimpleNamespace(name=name, pem=pem, key_id=key_id, vkey=vkey, folder=folder)


def cosign(witness, text, time):
    message = witness.folder / "cosigned"
    message.write_bytes(f"cosignature/v1\ntime {time}\n{text}".encode())
    signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", witness.pem,
                                "-in", message], check=True, capture_output=True,
                               stdin=subprocess.DEVNULL).stdout
    blob = witness.key_id + struct.pack(">Q", time) + signature
    return f"\u2014 {witness.name} {base64.b64encode(blob).decode()}\n"


def test_a_trust_file_asks_for_witnesses(kept, tmp_path):
    proof, leaf = prove(kept, 2, tmp_path)
    text = open_note(tmp_path, kept.vkey_text, proof.read_text(encoding="utf-8").split("\n\n", 1)[1])
    one, two, three = (make_witness(tmp_path, f"w{n}.example") for n in (1, 2, 3))
    policy = tmp_path / "trust"
    policy.write_text(f"# who we trust\nlog {kept.vkey_text.strip()} https://log.example/\n\n" +
                      "".join(f"witness {w.name} {w.vkey}\n" for w in (one, two, three)) +
                      "group most 2 w1.example w2.example w3.example\nquorum most\n",
                      encoding="utf-8")
    done = verify(proof, leaf, "--policy", policy)
    assert done.code == 1 and "too few of the trusted witnesses" in done.out
    cosigned = tmp_path / "cosigned.tlog-proof"
    plain = proof.read_text(encoding="utf-8")
    cosigned.write_text(plain + cosign(one, text, 1700000002), encoding="utf-8")
    assert verify(cosigned, leaf, "--policy", policy).code == 1
    both = plain + cosign(one, text, 1700000002) + cosign(three, text, 1700000001)
    cosigned.write_text(both, encoding="utf-8")
    done = verify(cosigned, leaf, "--policy", policy)
    assert done.code == 0 and "2 have cosigned, the oldest at 2023-11-14T22:13:21Z" in done.out
    found = json.loads(verify(cosigned, leaf, "--policy", policy, "-k", kept.vkey, "--json").out)
    assert (found["witnesses"], found["oldest_cosigned"]) == (2, "2023-11-14T22:13:21Z")
    # With the key alone they are strangers, and passed over.
    assert verify(cosigned, leaf, "--key", kept.vkey).code == 0
    cosigned.write_text(both + cosign(two, text.replace("13", "14"), 5), encoding="utf-8")
    done = verify(cosigned, leaf, "--policy", policy)
    assert done.code == 1 and "a signature of the checkpoint does not hold" in done.out


# --- consistency ---------------------------------------------------------------------------------

def consistency(kept, *arguments):
    return audit("consistency", *arguments, "--key", kept.vkey)


def test_the_ledger_holds_each_of_its_old_checkpoints(kept):
    for size, file in kept.checkpoints.items():
        done = consistency(kept, file, kept.ledger)
        assert done.code == 0 and done.out.startswith("valid\n"), done.err
        same = f"the first {size} receipts are" if size > 1 else "the first receipt is"
        assert f"{same} the same" in done.out
    found = json.loads(consistency(kept, kept.checkpoints[4], kept.checkpoints[9], kept.ledger,
                                   "--json").out)
    assert found["result"] == "valid"
    assert (found["old"]["size"], found["new"]["size"]) == (4, 9)
    assert base64.b64decode(found["old"]["root"]) == root_of(kept.leaves[:4])
    assert base64.b64decode(found["new"]["root"]) == root_of(kept.leaves[:9])
    found = json.loads(consistency(kept, "3", "10", kept.ledger, "--json").out)
    assert base64.b64decode(found["new"]["root"]) == root_of(kept.leaves[:10])


def test_a_proof_file_will_do_as_a_checkpoint(kept, tmp_path):
    proof, _ = prove(kept, 3, tmp_path)
    assert consistency(kept, proof, kept.ledger).code == 0


def test_each_written_proof_is_what_an_independent_prover_makes(kept, tmp_path):
    growth = tmp_path / "growth"
    for old in range(1, N_RECEIPTS + 1):
        for new in {old, min(old + 3, N_RECEIPTS), N_RECEIPTS}:
            growth.unlink(missing_ok=True)
            done = consistency(kept, kept.checkpoints[old], kept.checkpoints[new], kept.ledger,
                               "-o", growth)
            assert done.code == 0, done.err
            head, note = growth.read_text(encoding="utf-8").split("\n\n", 1)
            first, *hashes = head.split("\n")
            assert first == f"old {old}"
            assert note == kept.checkpoints[new].read_text(encoding="utf-8")
            assert ([base64.b64decode(one) for one in hashes] ==
                    subproof_of(old, kept.leaves[:new]))
            done = consistency(kept, kept.checkpoints[old], kept.checkpoints[new], "--proof", growth)
            assert done.code == 0, done.err
    assert consistency(kept, kept.checkpoints[old], "--proof", growth).code == 0
    assert consistency(kept, kept.checkpoints[old], "13", "--proof", growth).code == 0


def test_a_changed_consistency_proof_is_invalid(kept, tmp_path):
    growth, bad = tmp_path / "growth", tmp_path / "bad"
    assert consistency(kept, kept.checkpoints[6], kept.ledger, "-o", growth).code == 0
    lines = growth.read_text(encoding="utf-8").split("\n")
    variants = [lines[:1] + lines[2:], lines[:2] + lines[1:], ["old 5"] + lines[1:],
                ["old 06"] + lines[1:], lines[:1] + [lines[2], lines[1]] + lines[3:], lines[:-1]]
    for variant in variants:
        bad.write_text("\n".join(variant), encoding="utf-8")
        done = consistency(kept, kept.checkpoints[6], "--proof", bad)
        assert done.code == 1 and done.out.startswith("INVALID: "), variant
    for old, new in ((5, None), (7, None), (6, 12), (6, "12")):
        side = [] if new is None else [kept.checkpoints[new] if isinstance(new, int) else new]
        assert consistency(kept, kept.checkpoints[old], *side, "--proof", growth).code == 1
    assert consistency(kept, "6", "--proof", growth).code == 64
    assert consistency(kept, kept.checkpoints[6], "13", kept.ledger, "--proof", growth).code == 64


def test_a_shorter_ledger_is_told_from_the_checkpoint_that_was_kept(kept, tmp_path):
    """The last batches zeroed: whole by itself, but not what was signed."""
    copy = shutil.copytree(kept.ledger, tmp_path / "ledger")
    file = sorted(copy.glob("*.seg"))[0]
    data = bytearray(file.read_bytes())
    at = data.index(kept.leaves[10])
    at = data.rindex(b"SLB1", 0, at)
    data[at:] = bytes(len(data) - at)
    file.write_bytes(data)
    assert audit("verify", copy, "--key", kept.vkey).code == 0
    assert consistency(kept, kept.checkpoints[10], copy).code == 0
    done = consistency(kept, kept.checkpoints[11], copy)
    assert done.code == 1 and "receipts are missing" in done.out
    assert consistency(kept, kept.checkpoints[3], kept.checkpoints[11], copy).code == 1
    done = consistency(kept, "11", copy)
    assert done.code == 2 and "has 10 receipts" in done.err


def test_a_rewritten_ledger_is_told_from_the_checkpoint_that_was_kept(kept, tmp_path):
    """The operator begins anew with the same key: whole by itself, but another ledger."""
    node = Node(tmp_path / "node")
    for file in kept.vkey.parent.glob("ledger.*"):
        shutil.copy(file, node.vkey.parent / file.name)
    shutil.rmtree(node.ledger, ignore_errors=True)
    shutil.rmtree(node.state / "index", ignore_errors=True)
    for number in range(6):
        node.put(f"nobody{number}")
    assert audit("verify", node.ledger, "--key", kept.vkey).code == 0
    done = consistency(kept, kept.checkpoints[5], node.ledger)
    assert done.code == 1 and "rewritten" in done.out
    found = json.loads(consistency(kept, kept.checkpoints[5], node.ledger, "--json").out)
    assert found["result"] == "invalid"
    # Two checkpoints of one key that don't fit, held against each other: a split.
    growth = tmp_path / "growth"
    theirs = tmp_path / "theirs.checkpoint"
    assert audit("checkpoint", node.ledger, "-k", kept.vkey, "-o", theirs).code == 0
    assert consistency(kept, kept.checkpoints[3], kept.checkpoints[6], kept.ledger, "-o",
                       growth).code == 0
    done = consistency(kept, kept.checkpoints[3], theirs, "--proof", growth)
    assert done.code == 1 and "split" in done.out


def test_sides_that_make_no_sense(kept, tmp_path):
    odd = tmp_path / "odd"
    odd.write_text("nonsense\n", encoding="utf-8")
    assert consistency(kept, "0", kept.ledger).code == 2
    assert consistency(kept, "5", "4", kept.ledger).code == 64
    assert consistency(kept, tmp_path / "nowhere", kept.ledger).code == 2
    assert consistency(kept, odd, kept.ledger).code == 2
    assert consistency(kept, "5", "99", kept.ledger).code == 2


def test_a_c_program_needs_the_header_the_library_and_libcrypto_only(kept, tmp_path):
    """include/sluis/verify.h, from a program of somebody else's."""
    root = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(AUDIT).resolve().parents[2]
    source, program = tmp_path / "check.c", tmp_path / "check"
    source.write_text('#include <sluis/verify.h>\n#include <stdio.h>\n#include <string.h>\n'
                      'static char proof[200000], leaf[2000], vkey[1000];\n'
                      'static size_t load(const char *path, char *out, size_t cap) {\n'
                      '  FILE *f = fopen(path, "rb"); if (!f) return 0;\n'
                      '  size_t n = fread(out, 1, cap, f); fclose(f); return n; }\n'
                      'int main(int argc, char **argv) {\n'
                      '  if (argc != 4) return 9;\n'
                      '  size_t p = load(argv[1], proof, sizeof proof);\n'
                      '  size_t l = load(argv[2], leaf, sizeof leaf);\n'
                      '  load(argv[3], vkey, sizeof vkey - 1);\n'
                      '  struct sluis_trust trust = {.vkey = vkey};\n'
                      '  struct sluis_proof_report report;\n'
                      '  return sluis_verify_proof(proof, p, leaf, l, &trust, &report); }\n',
                      encoding="utf-8")
    libraries = [build / "gateway/ledger/libledger_verify.a", build / "gateway/base/libbase.a"]
    names = subprocess.run(["nm", AUDIT], capture_output=True, text=True, check=True).stdout
    flags = ["-fsanitize=address,undefined"] if "__asan_init" in names else []
    compiled = subprocess.run(["cc", *flags, "-I", root / "include", "-o", program, source,
                               *libraries, "-lcrypto"], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
    assert compiled.returncode == 0, compiled.stderr
    proof, leaf = prove(kept, 8, tmp_path)
    for file, expected in ((leaf, 0), (kept.checkpoints[8], 1)):
        done = subprocess.run([program, proof, file, kept.vkey], check=False, env=ENVIRONMENT,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == expected
