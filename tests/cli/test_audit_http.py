"""sluis-audit over HTTP: a log that is served is checked like a folder, and trusted as little.

Most logs here are made of what a real gateway served, put behind a server that then lies.
"""
import base64
import hashlib
import json
import types

import pytest

import answers
import tiles
from app import App
from certificates import TlsApp, make_certificate
from cli_node import Node, run
from gateway import AUDIT, POSITION, consent
from gateway import run as run_well
from world import World

UNKNOWN = "A" * 43
BUNDLE_BYTES_MAX = 256 * (2 + 1024)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A gateway with more than two full tiles, its folder, and all that it serves."""
    folder = tmp_path_factory.mktemp("served")
    world = World(folder / "node")
    try:
        world.gateway.start()
        world.ask(world.person(consent()))
        who = world.partner()
        with who.connect() as connection:
            for _ in range(560):
                connection.send(who.request(POSITION.replace("{subject}", UNKNOWN)))
                assert connection.read_answer().status == 403
        client = tiles.Tiles(world.gateway.ledger_address, world.gateway.vkey, folder)
        size, _ = client.head()
        paths = ["/checkpoint", *(tiles.path(*one) for one in tiles.tiles_of(size)),
                 *(tiles.path("entries", one, tiles.width_of(0, one, size)) for one in range(3))]
        host, port = world.gateway.ledger_address
        yield types.SimpleNamespace(world=world, size=size, ledger=world.gateway.ledger,
                                    vkey=world.gateway.vkey, url=f"http://{host}:{port}",
                                    content={path: client.get(path) for path in paths})
    finally:
        world.close()


@pytest.fixture
def log(served):
    """A server of the same content, to be told to lie."""
    server = App()
    server.url = f"http://127.0.0.1:{server.port}"

    def serve(path, content):
        server.on(path, answers.well(content, media_type="application/octet-stream"))
    server.serve = serve
    server.content = dict(served.content)
    for path, content in served.content.items():
        serve(path, content)
    yield server
    server.stop()


def audit(served, *arguments, **more):
    return run(AUDIT, *arguments, "--key", served.vkey, **more)


def verify(served, log, *more):
    return audit(served, "verify", log.url, *more)


# --- the same as from a folder -------------------------------------------------------------------

def test_a_served_ledger_is_valid_and_the_same_as_its_folder(served):
    over_http = json.loads(audit(served, "verify", served.url, "--json").out)
    folder = json.loads(audit(served, "verify", served.ledger, "--json").out)
    assert over_http["result"] == "valid"
    for name in ("origin", "receipts", "root"):
        assert over_http[name] == folder[name]
    assert over_http["batches"] is None and over_http["segments"] is None
    done = audit(served, "verify", served.url + "/")
    assert done.code == 0 and done.out.startswith("valid\n")
    assert "tags        not checked over HTTP" in done.out and "heads       none yet" in done.out
    assert over_http["epochs"] == 0 and "NOT IN USE" not in done.out


def test_an_export_over_http_is_that_of_the_folder(served):
    more = ("--format", "csv")
    over_http = audit(served, "export", served.url, *more)
    assert over_http.out.count("\n") > 2
    assert over_http.out == audit(served, "export", served.ledger, *more).out


@pytest.mark.parametrize("more", [[], ["--partner", "spotify"], ["--kind", "policy"],
                                  ["--decision", "refuse", "--limit", "7"], ["--json"]])
def test_list_prints_the_same(served, more):
    assert (audit(served, "list", served.url, *more).out ==
            audit(served, "list", served.ledger, *more).out != "")


@pytest.mark.parametrize("number", [0, 1, 255, 256, 511, 512, 561])
def test_show_and_prove_give_the_same(served, tmp_path, number):
    over_http = json.loads(audit(served, "show", number, served.url, "--json").out)
    assert over_http == json.loads(audit(served, "show", number, served.ledger, "--json").out)
    proof, leaf = tmp_path / "proof", tmp_path / "leaf"
    done = audit(served, "prove", number, served.url, "-o", proof, "--leaf", leaf)
    assert done.code == 0, done.err
    assert audit(served, "prove", number, served.ledger).out == proof.read_text(encoding="utf-8")
    assert audit(served, "verify-proof", proof, "--leaf", leaf).code == 0


def test_checkpoints_and_consistency_are_the_same(served, tmp_path):
    now, sizes = tmp_path / "now", [1, 2, 255, 256, 257, 512, 561, 562]
    assert audit(served, "checkpoint", served.url, "-o", now).code == 0
    assert now.read_text() == audit(served, "checkpoint", served.ledger).out
    assert (json.loads(audit(served, "checkpoint", served.url, "--json").out) ==
            json.loads(audit(served, "checkpoint", served.ledger, "--json").out))
    for old in sizes:
        growth = [tmp_path / "over-http", tmp_path / "folder"]
        for where, file in zip((served.url, served.ledger), growth):
            file.unlink(missing_ok=True)
            assert audit(served, "consistency", old, where, "-o", file).code == 0
        assert growth[0].read_text() == growth[1].read_text()
        for new in sizes:
            if new >= old:
                assert (audit(served, "consistency", old, new, served.url).out ==
                        audit(served, "consistency", old, new, served.ledger).out != "")
    assert audit(served, "consistency", now, served.url).code == 0
    assert audit(served, "consistency", "5", "9999", served.url).code == 2


def root_at(served, size):
    found = json.loads(audit(served, "consistency", size, served.ledger, "--json").out)
    return found["old"]["root"]


def sign_checkpoint(served, size, root):
    """By the openssl program, with the gateway's own key."""
    origin, key_id, _ = served.vkey.read_text(encoding="utf-8").strip().split("+", 2)
    folder = served.world.gateway.folder
    text = f"{origin}\n{size}\n{root}\n"
    (folder / "text").write_text(text, encoding="utf-8")
    run_well("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", folder / "state/keys/ledger.pem", "-in",
        folder / "text", "-out", folder / "signature")
    blob = bytes.fromhex(key_id) + (folder / "signature").read_bytes()
    return f"{text}\n\u2014 {origin} {base64.b64encode(blob).decode()}\n".encode()


def test_a_proof_under_an_older_checkpoint(served, tmp_path):
    older, proof, leaf = tmp_path / "older", tmp_path / "proof", tmp_path / "leaf"
    older.write_bytes(sign_checkpoint(served, 300, root_at(served, 300)))
    for where in (served.url, served.ledger):
        proof.unlink(missing_ok=True)
        leaf.unlink(missing_ok=True)
        done = audit(served, "prove", 5, where, "--checkpoint", older, "-o", proof, "--leaf", leaf)
        assert done.code == 0 and done.err == "", done.err
        found = json.loads(audit(served, "verify-proof", proof, "--leaf", leaf, "--json").out)
        assert (found["result"], found["size"]) == ("valid", 300)
        assert audit(served, "prove", 300, where, "--checkpoint", older).code == 2
    older.write_bytes(sign_checkpoint(served, 300, root_at(served, 301)))
    for where in (served.url, served.ledger):
        done = audit(served, "prove", 5, where, "--checkpoint", older)
        assert done.code == 1 and "not over this ledger" in done.err


def test_a_partial_tile_that_is_gone_is_taken_from_the_full_one(served, log):
    """As C2SP tlog-tiles allows: the checkpoint is of 300, the tiles are from later on."""
    log.serve("/checkpoint", sign_checkpoint(served, 300, root_at(served, 300)))
    log.serve(tiles.path(1, 0, 1), log.content[tiles.path(1, 0, 2)][:32])
    done = verify(served, log)
    assert done.code == 0 and "receipts    300" in done.out, done.err
    asked = [one.path for one in log.requests]
    for kind in (0, "entries"):
        gone = asked.index(tiles.path(kind, 1, 44))
        assert asked[gone + 1] == tiles.path(kind, 1)
    log.serve(tiles.path(0, 1), flip(log.content[tiles.path(0, 1)], 43 * 32))
    assert verify(served, log).code == 1


# --- lies ------------------------------------------------------------------------------------------

def flip(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]


@pytest.mark.parametrize("path, at", [
    ("/tile/entries/000", 100), ("/tile/entries/001", 40000), ("/tile/entries/002.p/50", 60),
    ("/tile/1/000.p/2", 3), ("/tile/1/000.p/2", 40), ("/tile/0/002.p/50", 3),
    ("/tile/0/002.p/50", 1599),
])
def test_a_changed_byte_is_found(served, log, path, at):
    log.serve(path, flip(log.content[path], at))
    done = verify(served, log)
    assert done.code == 1 and done.out.startswith("INVALID: "), done.err
    found = json.loads(verify(served, log, "--json").out)
    assert found["result"] == "invalid"
    if "entries" in path:
        first = int(path[14:17]) * 256
        assert f"receipts {first} to " in found["problem"]
        assert found["receipt"] == first


def test_what_was_proven_before_the_lie_stands(served, log):
    log.serve("/tile/entries/001", flip(log.content["/tile/entries/001"], 100))
    done = audit(served, "list", log.url)
    assert done.code == 1 and len(done.out.splitlines()) == 256
    assert audit(served, "prove", 3, log.url).code == 0
    assert audit(served, "prove", 600, log.url).code == 2
    assert audit(served, "prove", 300, log.url).code == 1
    assert audit(served, "show", 300, log.url).code == 1
    assert audit(served, "show", 10, log.url).code == 0


@pytest.mark.parametrize("change", [
    lambda one: one[:-1], lambda one: one + b"\0", lambda one: b"", lambda one: one[:1],
    lambda one: b"\0\0" + one, lambda one: b"\xff\xff" + one[2:], lambda one: one + one[:700],
    lambda one: one[2 + int.from_bytes(one[:2], "big"):],
], ids=["short", "long", "empty", "one-byte", "empty-entry", "long-entry", "more", "one-fewer"])
def test_a_bundle_of_another_form_is_invalid(served, log, change):
    log.serve("/tile/entries/001", change(log.content["/tile/entries/001"]))
    done = verify(served, log)
    assert done.code == 1, done.err


@pytest.mark.parametrize("path", ["/tile/1/000.p/2", "/tile/0/002.p/50"])
@pytest.mark.parametrize("change", [lambda one: one[:-1], lambda one: one + b"\0", lambda one: b""],
                         ids=["short", "long", "empty"])
def test_a_hash_tile_of_another_length_is_invalid(served, log, path, change):
    log.serve(path, change(log.content[path]))
    done = verify(served, log)
    assert done.code == 1 and "this is no tlog-tiles log" in done.out


def test_bundles_that_changed_places_are_found(served, log):
    log.serve("/tile/entries/000", log.content["/tile/entries/001"])
    log.serve("/tile/entries/001", log.content["/tile/entries/000"])
    assert verify(served, log).code == 1


@pytest.mark.parametrize("change, code", [
    (lambda text: text.replace(b"562", b"561"), 1), (lambda text: text.replace(b"562", b"0562"), 1),
    (lambda text: text + b"x", 1), (lambda text: b"", 1), (lambda text: b"\n", 1),
    (lambda text: text.split(b"\n\n")[0], 1), (lambda text: flip(text, 30), 1),
    (lambda text: text.replace(b"test.example", b"best.example"), 1),
    (lambda text: b"x" * 140000, 2),
], ids=["size", "zero", "more", "empty", "line", "unsigned", "root", "origin", "huge"])
def test_a_checkpoint_that_was_not_signed_so_is_refused(served, log, change, code):
    log.serve("/checkpoint", change(log.content["/checkpoint"]))
    for command in (["verify"], ["checkpoint"], ["prove", "3"], ["list"], ["consistency", "2"]):
        done = audit(served, *command, log.url)
        assert done.code == code, (command, done.err)


def other_vkey(served, tmp_path):
    """The public key of another ledger, under the name of this one."""
    name = served.vkey.read_text(encoding="utf-8").split("+", 1)[0]
    key = Node(tmp_path / "other").vkey.read_text(encoding="utf-8").strip().split("+", 2)[2]
    key_hash = hashlib.sha256(name.encode() + b"\n" + base64.b64decode(key)).hexdigest()[:8]
    file = tmp_path / "other.vkey"
    file.write_text(f"{name}+{key_hash}+{key}\n", encoding="utf-8")
    return file


def test_another_key_is_refused(served, tmp_path):
    other = Node(tmp_path / "other")
    done = run(AUDIT, "verify", served.url, "--key", other.vkey)
    assert done.code == 1


def test_another_key_of_the_name_could_not_be_checked_and_all_keys_are_asked_for(served, tmp_path):
    other = other_vkey(served, tmp_path)
    for command in (["verify"], ["checkpoint"], ["prove", "3"], ["list"], ["consistency", "2"]):
        done = run(AUDIT, *command, served.url, "--key", other)
        assert done.code == 2 and "today lists it. Give a key file with all of them" in done.err


def test_a_given_key_that_never_came_into_use_is_told(served, tmp_path):
    both = tmp_path / "both.vkey"
    both.write_text(served.vkey.read_text(encoding="utf-8").strip() + "\n" +
                    other_vkey(served, tmp_path).read_text(encoding="utf-8"), encoding="utf-8")
    for where in (served.url, served.ledger):
        done = run(AUDIT, "verify", where, "--key", both)
        assert done.code == 0 and "NOT IN USE  1 of the 2 keys given" in done.out
        done = run(AUDIT, "verify", where, "--key", both, "--json")
        assert json.loads(done.out)["keys_not_in_use"] == 1


def test_a_log_that_lost_receipts_since_a_kept_checkpoint_is_found(served, log, tmp_path):
    kept = tmp_path / "kept"
    kept.write_bytes(log.content["/checkpoint"])
    log.serve("/checkpoint", sign_checkpoint(served, 512, root_at(served, 512)))
    log.serve("/tile/1/000.p/2", log.content["/tile/1/000.p/2"])
    done = audit(served, "consistency", kept, log.url)
    assert done.code == 1 and "receipts are missing" in done.out
    # And one that was rewritten under the same key: of the same size, with another root.
    log.serve("/checkpoint", log.content["/checkpoint"])
    kept.write_bytes(sign_checkpoint(served, 512, "A" * 43 + "="))
    done = audit(served, "consistency", kept, log.url)
    assert done.code == 1 and "rewritten" in done.out


# --- a log that does not answer as it should ------------------------------------------------------

def test_a_log_that_is_not_there_could_not_be_checked(served):
    for url in ("http://127.0.0.1:1", served.url + "/elsewhere", "https://127.0.0.1:1"):
        done = audit(served, "verify", url)
        assert done.code == 2 and "could not check: http" in done.err
        assert json.loads(audit(served, "verify", url, "--json").out)["result"] == "unchecked"


@pytest.mark.parametrize("path", ["/checkpoint", "/tile/1/000.p/2", "/tile/entries/001"])
@pytest.mark.parametrize("behaviour", [
    answers.raw(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"),
    answers.raw(b"HTTP/1.1 302 Found\r\nLocation: /checkpoint\r\nContent-Length: 0\r\n\r\n"),
    answers.raw(b"HTTP/1.1 204 No Content\r\n\r\n"), answers.raw(b"nonsense\r\n\r\n"),
    answers.raw(b""), answers.cut_off(b"x" * 500),
    answers.raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (BUNDLE_BYTES_MAX + 100)),
    answers.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 300000),
], ids=["500", "redirect", "204", "nonsense", "nothing", "cut-off", "endless", "too-long"])
def test_an_answer_of_another_kind_could_not_be_checked(served, log, path, behaviour):
    log.on(path, behaviour)
    done = verify(served, log)
    assert done.code == 2 and path in done.err, done.err


def test_no_redirect_is_followed(served, log):
    log.on("/checkpoint", answers.raw(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
                                      b"Content-Length: 0\r\n\r\n"))
    done = verify(served, log)
    assert done.code == 2 and "status 302" in done.err
    assert [one.path for one in log.requests] == ["/checkpoint"]


@pytest.mark.parametrize("behaviour", [
    answers.slow_head(), answers.slow_body(b"x" * 500),
    answers.dribble(answers.head(length=100000), b"x" * 2000),
], ids=["no-head", "half-a-body", "byte-by-byte"])
def test_a_log_that_hangs_is_left_after_the_timeout(served, log, behaviour):
    log.on("/tile/entries/001", behaviour)
    done = verify(served, log, "--timeout", "1")
    assert done.code == 2 and "/tile/entries/001" in done.err


def test_wrong_use_is_explained(served):
    for url in ("http://a b", "http://a?b=c", "http://a#b", "http://me@a", "http://\u00e9", "https://" + "x" * 5000):
        assert audit(served, "verify", url).code == 64, url
    for seconds in ("0", "601", "x", "-1"):
        assert audit(served, "verify", served.url, "--timeout", seconds).code == 64
    assert audit(served, "verify", served.url, "--timeout", "600").code == 0
    for command in (["list"], ["show", "1"]):
        done = run(AUDIT, *command, served.url)
        assert done.code == 64 and "add --key" in done.err


def test_over_https_the_certificate_is_checked(served, tmp_path):
    certificate, key = make_certificate(tmp_path, "log", "localhost")
    server = TlsApp(certificate, key)
    try:
        for path, content in served.content.items():
            server.on(path, answers.well(content))
        url = f"https://localhost:{server.port}"
        assert audit(served, "verify", url).code == 2
        done = audit(served, "verify", url, "--ca", certificate)
        assert done.code == 0, done.err
        assert audit(served, "verify", url, "--ca", tmp_path / "nowhere").code == 2
        assert audit(served, "verify", url.replace("localhost", "127.0.0.1"), "--ca",
                     certificate).code == 2, "the certificate is for another name"
    finally:
        server.stop()
