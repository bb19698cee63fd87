"""A witness, asked by a client in Python: C2SP tlog-witness, clause by clause.

`watched` gives each test a log of its own that one witness watches.
"""
import base64
import concurrent.futures
import contextlib
import itertools
import json
import os
import socket
import time

import pytest

import tlog
from gateway import AUDIT, WAIT_S, run
from witness import Witness

N_LOGS = 60
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def logs():
    return [tlog.Log(f"python.example/{number}", seed=number + 1) for number in range(N_LOGS)]


@pytest.fixture(scope="module")
def witness(tmp_path_factory, logs):
    one = Witness(tmp_path_factory.mktemp("witness") / "w", logs=[log.key.vkey for log in logs])
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def numbers():
    return itertools.count()


@pytest.fixture
def watched(logs, numbers):
    return logs[next(numbers)]


@pytest.fixture
def alone(tmp_path):
    """A witness and a log for one test that starts, kills or damages it."""
    log = tlog.Log("alone.example/log", seed=9)
    one = Witness(tmp_path / "w", "alone.example/w", [log.key.vkey])
    one.log_of_test = log
    yield one
    if one.process is not None:
        one.stop()


# --- what is cosigned ----------------------------------------------------------------------------

def test_a_log_is_cosigned_from_its_first_checkpoint_on(witness, watched):
    before = int(time.time())
    old = 0
    for n in (1, 1, 2, 3, 1, 8, 20, 100):
        watched.grow(n)
        assert before <= witness.cosigns(watched, old) <= int(time.time()) + 1
        old = len(watched.leaves)


def test_the_first_checkpoint_may_be_of_any_size(witness, watched):
    witness.cosigns(watched.grow(37), 0)
    witness.cosigns(watched.grow(64), 37)


def test_the_empty_tree_can_be_cosigned(witness, watched):
    witness.cosigns(watched, 0)
    witness.cosigns(watched, 0)
    witness.cosigns(watched.grow(3), 0)


def test_the_same_checkpoint_is_cosigned_again(witness, watched):
    first = witness.cosigns(watched.grow(5), 0)
    assert witness.cosigns(watched, 5) >= first


def test_an_extension_line_is_cosigned_with_the_rest(witness, watched):
    watched.grow(4)
    status, _, lines = witness.add(watched, 0, note=watched.checkpoint(more="more about it\n"))
    assert status == 200
    tlog.cosigned_at(witness.vkey, watched.text(more="more about it\n"), lines)


def test_signatures_of_unknown_keys_are_ignored(witness, watched):
    text = watched.grow(2).text()
    others = tlog.Key(watched.origin, tlog.LOG, 200).line(text)
    others += tlog.Key("someone.example", tlog.WITNESS, 201).line(text, 1)
    forged = tlog.Key("else.example", tlog.LOG, 202)
    others += f"{tlog.DASH} else.example {tlog.b64(forged.id + bytes(64))}\n"
    note = text + "\n" + others + watched.key.line(text)
    assert witness.add(watched, 0, note=note)[0] == 200


def test_the_answer_is_one_line_and_names_the_witness(witness, watched):
    status, content_type, lines = witness.add(watched.grow(), 0)
    assert status == 200 and content_type.startswith("text/plain")
    assert lines.startswith(f"{tlog.DASH} {witness.name} ") and lines.count("\n") == 1


def test_logs_do_not_disturb_each_other(witness, logs, numbers):
    mine = [logs[next(numbers)].grow(number + 1) for number in range(4)]
    for log in mine:
        witness.cosigns(log, 0)
    for log in reversed(mine):
        old = len(log.leaves)
        witness.cosigns(log.grow(3), old)


# --- what is refused -----------------------------------------------------------------------------

def test_404_for_an_unknown_origin(witness):
    assert witness.add(tlog.Log("unknown.example/log", seed=3).grow(), 0)[0] == 404


def test_403_without_a_signature_of_a_known_key(witness, watched):
    text = watched.grow().text()
    impostor = tlog.Key(watched.origin, tlog.LOG, 222)
    assert witness.add(watched, 0, note=text + "\n" + impostor.line(text))[0] == 403
    as_witness = tlog.Key(watched.origin, tlog.WITNESS, watched.key.seed)
    assert witness.add(watched, 0, note=text + "\n" + as_witness.line(text, 1))[0] == 403


def test_403_for_a_known_key_whose_signature_does_not_hold(witness, watched):
    text = watched.grow(2).text()
    of_other_text = watched.key.line(watched.text(1))
    assert witness.add(watched, 0, note=text + "\n" + of_other_text)[0] == 403
    both = text + "\n" + watched.key.line(text) + of_other_text
    assert witness.add(watched, 0, note=both)[0] == 403
    short = f"{tlog.DASH} {watched.origin} {tlog.b64(watched.key.id + bytes(63))}\n"
    assert witness.add(watched, 0, note=text + "\n" + short)[0] == 403


def test_400_when_old_is_more_than_the_checkpoint(witness, watched):
    witness.cosigns(watched.grow(9), 0)
    assert witness.add(watched, 9, size=8, hashes=[])[0] == 400
    assert witness.add(watched, 2**63, size=9, hashes=[])[0] == 400


def test_409_tells_the_size_to_go_on_from(witness, watched):
    watched.grow(12)
    assert witness.add(watched, 3, size=5)[:2] == (409, "text/x.tlog.size")
    assert witness.add(watched, 3, size=5)[2] == "0\n"
    witness.cosigns(watched, 0, size=7)
    for old in (0, 6, 8, 11, 12):
        assert witness.add(watched, old) == (409, "text/x.tlog.size", "7\n"), old
    witness.cosigns(watched, 7)
    assert witness.add(watched, 7, size=9) == (409, "text/x.tlog.size", "12\n")


def test_422_for_a_proof_that_does_not_hold(witness, watched):
    witness.cosigns(watched.grow(11), 0, size=6)
    right = watched.proof(6)
    wrong = [[], right[:-1], right + [right[0]], list(reversed(right)), [bytes(32)] * len(right),
             watched.proof(5), watched.proof(6, 10)]
    for hashes in wrong:
        assert hashes != right
        assert witness.add(watched, 6, hashes=hashes)[0] == 422
    witness.cosigns(watched, 6)


def test_422_for_a_proof_where_none_belongs(witness, watched):
    watched.grow(4)
    assert witness.add(watched, 0, hashes=[bytes(32)])[0] == 422
    witness.cosigns(watched, 0)
    assert witness.add(watched, 4, hashes=[bytes(32)])[0] == 422


def test_422_for_another_root_at_the_same_size(witness, watched):
    witness.cosigns(watched.grow(5), 0)
    assert witness.add(watched.fork(4).grow(), 5)[0] == 422


def test_422_for_an_empty_tree_with_another_root(witness, watched):
    text = f"{watched.origin}\n0\n{tlog.b64(bytes(32))}\n"
    assert witness.add(watched, 0, note=text + "\n" + watched.key.line(text))[0] == 422


def test_422_for_a_fork_and_it_is_kept_as_evidence(witness, watched):
    witness.cosigns(watched.grow(8), 0)
    forked = watched.fork(5).grow(9)
    assert witness.add(forked, 8)[0] == 422
    kept = witness.state / f"{witness.hash(watched.origin)}.refused"
    assert kept.read_text(encoding="utf-8") == tlog.request(8, forked.proof(8), forked.checkpoint())
    witness.wait_for_text(f"{watched.origin}: a signed checkpoint of size 14")
    witness.cosigns(watched.grow(), 8)


def test_a_refused_checkpoint_changes_nothing(witness, watched):
    witness.cosigns(watched.grow(6), 0)
    kept = witness.newest(watched)
    forked = watched.fork(2).grow(8)
    for old in (0, 2, 6):
        assert witness.add(forked, old)[0] in (409, 422)
    assert witness.add(watched, 9, size=6, hashes=[])[0] == 400
    assert witness.newest(watched) == kept


# --- malformed requests --------------------------------------------------------------------------

def test_400_for_what_is_not_of_the_form(witness, watched):
    note = watched.grow(3).checkpoint()
    hashes = tlog.b64(bytes(32)) + "\n"
    text, lines = tlog.split_note(note)
    origin, size, root = text.splitlines()
    bodies = [
        "", "\n", "old", "old 0", "old 0\n", "old 0\n\n", note, "\n" + note, "0\n\n" + note,
        "OLD 0\n\n" + note, "old  0\n\n" + note, "old 0 \n\n" + note, "old 00\n\n" + note,
        "old -1\n\n" + note, "old +1\n\n" + note, "old 1.0\n\n" + note, "old 0x1\n\n" + note,
        "old \n\n" + note, "old\t0\n\n" + note, "old 0\r\n\r\n" + note,
        f"old {2**64}\n\n" + note, "old 99999999999999999999999\n\n" + note,
        "old 0\n" + note, "old 0\n\n\n" + note,
        "old 0\n" + hashes * 64 + "\n" + note,
        "old 0\n" + hashes[1:] + "\n" + note, "old 0\n" + tlog.b64(bytes(31)) + "\n\n" + note,
        "old 0\n" + tlog.b64(bytes(33)) + "\n\n" + note, "old 0\n " + hashes + "\n" + note,
        "old 0\n" + hashes.replace("=", "") + "\n" + note,
        "old 0\n" + hashes.replace("A=", "B=") + "\n" + note,  # stray bits
        "old 0\n\n" + note[:-1], "old 0\n\n" + text, "old 0\n\n" + text + "\n",
        "old 0\n\n" + note.replace(tlog.DASH, "-"), "old 0\n\n" + note + "more\n",
        f"old 0\n\n{origin}\n{size}\n\n" + lines,
        f"old 0\n\n{origin}\n0{size}\n{root}\n\n" + lines,
        f"old 0\n\n{origin}\n-3\n{root}\n\n" + lines,
        f"old 0\n\n{origin}\n{size}\n{root[1:]}\n\n" + lines,
        f"old 0\n\n{origin}\n{size}\n{tlog.b64(bytes(31))}\n\n" + lines,
        f"old 0\n\n\n{size}\n{root}\n\n" + lines,
        f"old 0\n\n{origin}\n{2**64}\n{root}\n\n" + lines,
    ]
    for body in bodies:
        assert witness.post(body)[0] == 400, body
    for odd in (b"\xff", b"\0", b"\x01"):
        assert witness.post(b"old 0\n\n" + odd + note.encode())[0] == 400
    assert witness.newest(watched) is None
    witness.cosigns(watched, 0)


def test_no_cut_request_is_cosigned(witness, watched):
    body = tlog.request(0, [], watched.grow().checkpoint()).encode()
    for n in range(len(body)):
        assert witness.post(body[:n])[0] in (400, 403, 404), n
    assert witness.newest(watched) is None


def test_no_changed_byte_is_cosigned(witness, watched):
    witness.cosigns(watched.grow(7), 0, size=5)
    body = bytearray(tlog.request(5, watched.proof(5), watched.checkpoint()).encode())
    for at in range(0, len(body), 3):
        body[at] ^= 1
        assert witness.post(bytes(body))[0] in (400, 403, 404, 409, 422), at
        body[at] ^= 1
    assert witness.post(bytes(body))[0] == 200


def test_63_hashes_are_read_and_64_are_not(witness, watched):
    witness.cosigns(watched.grow(3), 0)
    assert witness.add(watched.grow(), 3, hashes=[bytes(32)] * 63)[0] == 422
    assert witness.add(watched, 3, hashes=[bytes(32)] * 64)[0] == 400


def test_many_signatures_are_read_and_too_many_are_not(witness, watched):
    text = watched.grow().text()
    other = tlog.Key("other.example", tlog.LOG, 77).line(text)
    assert witness.add(watched, 0, note=text + "\n" + other * 64 + watched.key.line(text))[0] == 400
    assert witness.add(watched, 0, note=text + "\n" + other * 63 + watched.key.line(text))[0] == 200


def test_a_request_beyond_64_kib_is_refused(witness, watched):
    watched.grow()
    extension = "x" * 65536 + "\n"
    assert witness.add(watched, 0, note=watched.checkpoint(more=extension))[0] == 413
    extension = "x" * 60000 + "\n"  # it fits a request, but nobody could check such a text
    assert witness.add(watched, 0, note=watched.checkpoint(more=extension))[0] == 400
    assert witness.newest(watched) is None


def test_65536_bytes_are_read_and_one_more_is_refused(witness, watched):
    empty = tlog.request(0, [], watched.grow().checkpoint(more="\n"))
    for size, status in ((65536, 400), (65537, 413)):  # 400: such a text is too long to be signed
        body = tlog.request(0, [], watched.checkpoint(more="x" * (size - len(empty.encode())) + "\n"))
        assert len(body.encode()) == size
        assert witness.post(body)[0] == status


def connect(port, source):
    one = socket.socket()
    one.settimeout(WAIT_S)
    one.bind((source, 0))
    one.connect(("127.0.0.1", port))
    return one


def test_an_address_has_64_connections_and_no_more(alone):
    alone.start()
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(alone.port, "127.0.0.2")) for _ in range(64)]
        assert stack.enter_context(connect(alone.port, "127.0.0.2")).recv(1) == b""
        held[-1].sendall(HEAD)
        assert held[-1].recv(12) == b"HTTP/1.1 404"
        other = stack.enter_context(connect(alone.port, "127.0.0.3"))
        other.sendall(HEAD)
        assert other.recv(12) == b"HTTP/1.1 404"


def test_beyond_256_connections_the_next_one_waits_for_a_place(alone):
    alone.start()
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(alone.port, f"127.0.0.{2 + number // 64}"))
                for number in range(256)]
        held[-1].sendall(HEAD)
        assert held[-1].recv(12) == b"HTTP/1.1 404"
        waiting = stack.enter_context(connect(alone.port, "127.0.0.9"))
        waiting.sendall(HEAD)
        held[0].close()
        assert waiting.recv(12) == b"HTTP/1.1 404"


def test_other_methods_and_paths_are_refused(witness, watched):
    assert witness.http("GET", "/add-checkpoint")[0] == 405
    assert witness.http("PUT", "/add-checkpoint", b"x")[0] == 405
    assert witness.http("POST", "/", b"x")[0] == 404
    assert witness.http("POST", f"/{witness.hash(watched.origin)}/checkpoint", b"")[0] == 405
    for target in ("/", "/add-checkpoint/", "/add-checkpoint?x=1", "//add-checkpoint",
                   "/x/../add-checkpoint", "/%61dd-checkpoint", "/" + "a" * 64 + "/checkpoint"):
        assert witness.http("GET", target)[0] in (400, 404), target


# --- what it remembers ---------------------------------------------------------------------------

def test_the_newest_is_served_with_both_signatures(witness, watched):
    assert witness.newest(watched) is None
    at = witness.cosigns(watched.grow(3), 0)
    text, lines = witness.newest(watched)
    assert text == watched.text() and watched.key.line(text) in lines
    assert tlog.cosigned_at(witness.vkey, text, lines) == at
    at = witness.cosigns(watched.grow(3), 3)
    text, lines = witness.newest(watched)
    assert text == watched.text() and tlog.cosigned_at(witness.vkey, text, lines) == at


def test_what_it_serves_verifies_under_a_trust_file(witness, watched, tmp_path):
    """By sluis-audit, with a proof made here."""
    witness.cosigns(watched.grow(2), 0)
    text, lines = witness.newest(watched)
    proof = f"c2sp.org/tlog-proof@v1\nindex 0\n{tlog.b64(tlog.leaf_hash(watched.leaves[1]))}\n\n"
    (tmp_path / "proof").write_text(f"{proof}{text}\n{lines}", encoding="utf-8")
    (tmp_path / "leaf").write_bytes(watched.leaves[0])
    (tmp_path / "trust").write_text(f"log {watched.key.vkey}\nwitness w {witness.vkey}\nquorum w\n",
                                    encoding="utf-8")
    done = run(AUDIT, "verify-proof", tmp_path / "proof", "--leaf", tmp_path / "leaf", "--policy",
               tmp_path / "trust", "--json")
    found = json.loads(done.stdout)
    assert (found["result"], found["witnesses"]) == ("valid", 1)


def test_it_goes_on_where_it_was_killed(alone):
    log = alone.log_of_test
    old = 0
    for n in (1, 4, 2):
        alone.start()
        assert alone.add(log, old + 1, size=len(log.leaves), hashes=[])[0] in (400, 409)
        alone.cosigns(log.grow(n), old)
        old = len(log.leaves)
        alone.kill()
    alone.start()
    text, _ = alone.newest(log)
    assert text == log.text()
    assert alone.add(log.fork(3).grow(9), old)[0] == 422


def test_a_record_is_on_the_disk_when_the_answer_comes(alone):
    """The same bytes that a kill leaves behind, looked at after each answer."""
    alone.start()
    log = alone.log_of_test
    record = alone.state / f"{alone.hash(log.origin)}.checkpoint"
    for old in range(5):
        alone.cosigns(log.grow(), old)
        text, lines = tlog.split_note(record.read_text(encoding="utf-8"))
        assert text == log.text()
        tlog.cosigned_at(alone.vkey, text, lines)


def test_of_two_that_come_at_once_one_is_cosigned(alone):
    """Forks of one size, from many clients: check and store are one step."""
    alone.start()
    log = alone.log_of_test
    old = 0
    for _ in range(8):
        forks = [log.fork(old).grow(2) for _ in range(6)]
        with concurrent.futures.ThreadPoolExecutor(len(forks)) as pool:
            answers = list(pool.map(lambda one, old=old: alone.add(one, old), forks))
        winners = [one for one, answer in zip(forks, answers) if answer[0] == 200]
        assert len(winners) == 1
        assert {answer[0] for answer in answers} <= {200, 409}
        log, old = winners[0], old + 2
        assert alone.newest(log)[0] == log.text()


def test_the_time_never_goes_back(alone):
    """The clock is set back a year between two runs."""
    log = alone.log_of_test
    alone.start()
    first = alone.cosigns(log.grow(), 0)
    alone.stop()
    # Sanitizers want to be the first library; faketime's comes before them.
    alone.environment = alone.environment | {
        "FAKETIME": "-365d", "ASAN_OPTIONS": alone.environment["ASAN_OPTIONS"] +
                                             ":verify_asan_link_order=0"}
    library = faketime_library()
    if library is None:
        pytest.skip("libfaketime is not installed")
    alone.environment["LD_PRELOAD"] = library
    alone.start()
    assert alone.text().startswith(str(int(time.strftime("%Y")) - 1)), "the clock was not set back"
    assert alone.cosigns(log.grow(), 1) == first
    alone.stop()


def faketime_library():
    for path in ("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
                 "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"):
        if os.path.exists(path):
            return path
    return None


def test_a_log_may_change_its_key(alone):
    """With both keys known, either signs; with the new one alone, the old one does not."""
    log = alone.log_of_test
    renewed = tlog.Log(log.origin, seed=10)
    alone.watch(log.key.vkey, renewed.key.vkey, log.key.vkey)
    alone.start()
    alone.cosigns(log.grow(3), 0)
    renewed.leaves = log.leaves
    alone.cosigns(renewed.grow(2), 3)
    text = renewed.grow().text()
    both = text + "\n" + log.key.line(text) + renewed.key.line(text)
    assert alone.add(renewed, 5, note=both)[0] == 200
    assert alone.newest(renewed)[1].count(tlog.DASH) == 3
    alone.stop()
    alone.watch(renewed.key.vkey)
    alone.start()
    assert alone.add(log, 6, hashes=[])[0] == 403
    alone.cosigns(renewed.grow(), 6)


# --- its start -----------------------------------------------------------------------------------

def test_one_witness_at_a_time_on_one_state(alone):
    alone.start()
    port, alone.port = alone.port, 0
    code, text = alone.refuses_to_start()
    assert code == 75 and "another witness" in text
    alone.port = port


def test_a_state_that_is_not_there_is_not_made(alone):
    """A mistyped folder must not become a memory without memories."""
    alone.state.rmdir()
    code, text = alone.refuses_to_start()
    assert code == 74 and "mkdir" in text and not alone.state.exists()


def test_a_damaged_record_is_refused(alone):
    log = alone.log_of_test
    alone.start()
    alone.cosigns(log.grow(3), 0)
    alone.stop()
    record = alone.state / f"{alone.hash(log.origin)}.checkpoint"
    sound = record.read_bytes()
    text, lines = tlog.split_note(sound.decode())
    older = log.text(2) + "\n" + lines
    for damaged in (sound[:-1], sound[:40], older.encode(), sound.replace(b"\n3\n", b"\n2\n"),
                    (text + "\n" + log.key.line(text)).encode()):
        record.write_bytes(damaged)
        code, said = alone.refuses_to_start()
        assert code == 74 and record.name in said and "new key" in said
    record.write_bytes(sound)
    alone.start()
    alone.cosigns(log.grow(), 3)


def test_the_state_of_another_witness_is_refused(alone, tmp_path):
    other = Witness(tmp_path / "other", "other.example/w", [alone.log_of_test.key.vkey])
    other.start()
    other.stop()
    alone.state = other.state
    code, text = alone.refuses_to_start()
    assert code == 74 and "another witness's" in text


def test_wrong_use_says_what_is_wanted(alone, tmp_path):
    def says(*command):
        done = run(AUDIT, "witness", *command, ok=range(1, 128))
        return done.returncode, done.stderr
    key, vkey = alone.key, alone.log_of_test.key.vkey
    assert says()[0] == 64
    code, text = says("--key", key, "--state", tmp_path)
    assert code == 64 and text.startswith("sluis-audit: --log is missing: which logs to watch?\n")
    assert "sluis-audit witness --help" in text
    code, text = says("--log", "nonsense")
    assert code == 65 and "NAME+HASH+KEY" in text
    code, text = says("--log", alone.vkey)
    assert code == 65 and "key of a witness" in text
    (tmp_path / "logs").write_text(f"# one\n{vkey}\n  {vkey[:-1]}\n")
    code, text = says("--log", tmp_path / "logs")
    assert code == 65 and "logs:3: " in text
    (tmp_path / "empty").write_text("# none\n")
    assert says("--log", tmp_path / "empty")[0] == 65
    code, text = says("--log", vkey, "--key", key, "--state", alone.state, "--listen", "localhost:1")
    assert code == 64 and "127.0.0.1:8470" in text
    key.chmod(0o644)
    code, text = says("--log", vkey, "--key", key, "--state", alone.state)
    assert code == 78 and "chmod 600" in text
    assert says("--new-key", "two words", tmp_path / "k")[0] == 64
    assert says("--new-key", "name")[0] == 64
    assert says("--new-key", "name", key)[0] == 73
    made = run(AUDIT, "witness", "--new-key", 'a"b', tmp_path / "k", "--json")
    found = json.loads(made.stdout)
    assert found["vkey"].startswith('a"b+') and found["file"] == str(tmp_path / "k")
    failed = run(AUDIT, "witness", "--new-key", "name", key, "--json", ok=(73,))
    assert json.loads(failed.stdout)["error"]["exit"] == 73
    assert says("extra")[0] == 64


def test_65536_keys_of_logs_are_read_and_no_more(alone):
    vkey = alone.log_of_test.key.vkey
    alone.log_file.write_text(f"{vkey}\n" * 65536)
    alone.start()
    alone.stop()
    alone.log_file.write_text(f"{vkey}\n" * 65537)
    code, text = alone.refuses_to_start()
    assert code == 65 and "65536" in text


def test_a_log_cannot_be_its_own_witness(alone):
    """One key in both places: its owner could say that it watches itself."""
    seed = base64.b64decode(alone.key.read_text().strip().split("+", 4)[4])[1:]
    alone.watch(tlog.Key("self.example", tlog.LOG, seed).vkey)
    code, text = alone.refuses_to_start()
    assert code == 78 and "its own witness" in text


def test_a_new_key_is_private_and_its_own(tmp_path):
    first = run(AUDIT, "witness", "--new-key", "one.example", tmp_path / "one").stdout.strip()
    second = run(AUDIT, "witness", "--new-key", "one.example", tmp_path / "two").stdout.strip()
    assert first != second
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600
    name, _, kind, public = tlog.parse_vkey(first)
    assert (name, kind) == ("one.example", tlog.WITNESS)
    seed = base64.b64decode((tmp_path / "one").read_text().strip().split("+", 4)[4])[1:]
    assert tlog.Key("one.example", tlog.WITNESS, seed).public == public
