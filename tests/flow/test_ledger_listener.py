"""The ledger's listener: what a tlog-tiles client that trusts nobody can read, and what it can't."""
import itertools
import re
import socket
import threading

import pytest

import partner
import tiles
from gateway import POSITION, consent
from world import World

UNKNOWN = "A" * 43  # the pseudonym of nobody: a refusal, and so a receipt
HUGE = "x018/x446/x744/x073/x709/x551/615"  # 2^64 - 1


def grow(world, n):
    """n more receipts, quickly."""
    who = world.partner()
    path = POSITION.replace("{subject}", UNKNOWN)
    with who.connect() as connection:
        for _ in range(n):
            connection.send(who.request(path))
            assert connection.read_answer().status == 403


@pytest.fixture
def client(world, tmp_path):
    return tiles.Tiles(world.gateway.ledger_address, world.gateway.vkey, tmp_path)


@pytest.fixture(scope="module")
def grown(world):
    """More than two full tiles."""
    world.ask(world.person(consent()))
    grow(world, 600)
    return world


def assert_problem(answer, status, reason):
    assert answer.status == status and answer.reason == reason, answer
    assert answer.header("cache-control") == "no-store"


# --- what is there ---------------------------------------------------------------------------------

def test_all_tiles_are_the_tree_that_was_signed(grown, client):
    size, root = client.head()
    entries = client.all_entries(size)
    tree = tiles.tree_of(entries)
    assert tree.root() == root and size >= 600
    for level, index, width in tiles.tiles_of(size):
        expected = tree.levels[8 * level][tiles.WIDTH * index:tiles.WIDTH * index + width]
        assert client.hashes(level, index, width) == expected
    shown = grown.gateway.receipts()
    assert len(shown) == size
    assert [one["tag"].encode() in entry for one, entry in zip(shown, entries)] == [True] * size


def test_each_width_that_was_ever_the_last_is_still_served(grown, client):
    entries = client.entries(0)
    hashes = client.hashes(0, 0)
    for width in (1, 2, 100, 127, 128, 255):
        assert client.entries(0, width) == entries[:width]
        assert client.hashes(0, 0, width) == hashes[:width]


def test_media_types_and_caching_are_those_of_the_specification(grown, client):
    size, _ = client.head()
    last = tiles.path(0, size // 256, size % 256)
    for target, media_type, caching in (
            ("/checkpoint", "text/plain; charset=utf-8", "no-cache"),
            ("/tile/0/000", "application/octet-stream", "public, max-age=31536000, immutable"),
            ("/tile/entries/001", "application/octet-stream",
             "public, max-age=31536000, immutable"),
            (last, "application/octet-stream", "public, max-age=31536000, immutable")):
        answer = client.ask(target)
        assert answer.status == 200
        assert answer.header("content-type") == media_type
        assert answer.header("cache-control") == caching
        assert answer.header("x-content-type-options") == "nosniff"


def test_head_is_get_without_the_bytes(grown, client):
    for target in ("/checkpoint", "/tile/0/000", "/tile/entries/000.p/7"):
        got, head = client.ask(target), client.ask(target, method="HEAD")
        assert head.status == 200 and head.body == b""
        for name in ("content-length", "content-type", "cache-control"):
            assert head.header(name) == got.header(name)
    assert client.ask("/tile/0/999", method="HEAD").status == 404


def test_a_connection_serves_one_request_after_the_other(grown, client):
    with client.connect() as connection:
        for target in ("/checkpoint", "/tile/0/001", "/nowhere", "/checkpoint"):
            connection.send(partner.request(target))
        statuses = [connection.read_answer().status for _ in range(4)]
    assert statuses == [200, 200, 404, 200]


def test_a_ledger_without_receipts_has_no_checkpoint(fresh, tmp_path):
    fresh.gateway.start()
    client = tiles.Tiles(fresh.gateway.ledger_address, fresh.gateway.vkey, tmp_path)
    for target in ("/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/1", "/tile/0/000"):
        assert_problem(client.ask(target), 404, "not_there")
    fresh.ask(fresh.person(consent()))
    assert client.head()[0] == 2


def test_what_was_served_before_a_restart_is_served_after_it(fresh, tmp_path):
    fresh.gateway.start()
    grow(fresh, 300)
    before = tiles.Tiles(fresh.gateway.ledger_address, fresh.gateway.vkey, tmp_path)
    size, root = before.head()
    entries = before.all_entries(size)
    fresh.gateway.restart()
    after = tiles.Tiles(fresh.gateway.ledger_address, fresh.gateway.vkey, tmp_path)
    assert after.head() == (size, root) and after.all_entries(size) == entries
    assert after.hashes(1, 0, 1) == [tiles.tree_of(entries).levels[8][0]]


def test_a_growing_ledger_is_whole_at_each_look(world, client):
    """The bundles of each checkpoint give its root, however fast receipts come in."""
    done = threading.Event()

    def keep_growing():
        while not done.is_set():
            grow(world, 20)

    writers = [threading.Thread(target=keep_growing) for _ in range(3)]
    for one in writers:
        one.start()
    try:
        sizes = []
        for _ in range(8):
            size, root = client.head()
            assert tiles.tree_of(client.all_entries(size)).root() == root
            for level, index, width in tiles.tiles_of(size):
                client.hashes(level, index, width)
            sizes.append(size)
    finally:
        done.set()
        for one in writers:
            one.join()
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


# --- what is not there -----------------------------------------------------------------------------

@pytest.mark.parametrize("target", [
    "/", "/checkpoint/", "/Checkpoint", "/checkpoint?", "/checkpoint?x=1", "/check", "/tile",
    "/tile/", "/tile/0", "/tile/0/", "/tile/0/0", "/tile/0/00", "/tile/0/0000", "/tile/00/000",
    "/tile/0/x000/000", "/tile/0/x001", "/tile/0/001/000", "/tile/0/000.p/0", "/tile/0/000.p/256",
    "/tile/0/000.p/01", "/tile/0/000.p/", "/tile/0/000.p", "/tile/0/000.p/-1", "/tile/0/000.p/1/",
    "/tile/0/000.q/1", "/tile/0/00a", "/tile/-1/000", "/tile/64/000", "/tile/x/000",
    "/tile/entries", "/tile/entries/", "/tile/entries/000.p/0", "/tile/data/000", "/tile/0/000?w=1",
    "/v1/drivers/x/position", "/sluis/v1/receipts/0", "/tile/0/%30%30%30",
])
def test_what_is_no_path_of_the_ledger_is_404(grown, client, target):
    assert_problem(client.ask(target), 404, "not_there")


def test_what_is_beyond_the_tree_is_404(grown, client):
    size, _ = client.head()
    beyond = [tiles.path(0, size // 256), tiles.path(0, size // 256 + 1, 1), tiles.path(0, 12345),
              tiles.path(1, 0), tiles.path(1, 0, 200), tiles.path(2, 0, 1), tiles.path("entries", 999),
              tiles.path("entries", size // 256, 255 if size % 256 != 255 else 256)]
    beyond += [f"/tile/{level}/{HUGE}" for level in (0, 1, 7, 8, 63, "entries")]
    beyond += [f"/tile/{level}/{HUGE}.p/255" for level in (0, 7, 63, "entries")]
    beyond += [f"/tile/{level}/000.p/1" for level in range(3, 64)]
    beyond += ["/tile/0/x018/x446/x744/x073/x709/x551/616", "/tile/0/" + "x999/" * 30 + "999"]
    for target in beyond:
        assert_problem(client.ask(target), 404, "not_there")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_the_ledger_is_only_read(grown, client, method):
    answer = client.ask("/checkpoint", method=method)
    assert_problem(answer, 405, "no_method")
    assert answer.header("allow") == "GET, HEAD"


@pytest.mark.parametrize("raw", [
    b"GET /checkpoint HTTP/1.1\r\n\r\n", b"GET /checkpoint HTTP/1.0\r\nHost: a\r\n\r\n",
    b"GET /../checkpoint HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /tile/%2e%2e/checkpoint HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /checkpoint HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /checkpoint HTTP/1.1\nHost: a\n\n", b"GET http://a/checkpoint HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
])
def test_malformed_requests_are_refused_as_by_the_partners_listener(grown, client, raw):
    with client.connect() as connection:
        connection.send(raw + partner.request("/checkpoint"))
        said = connection.read_to_end()
    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", said)
    assert len(statuses) == 1 and statuses[0][:1] in b"45", said


def test_reading_leaves_no_receipt(grown, client):
    size, _ = client.head()
    client.ask("/tile/0/000")
    client.ask("/nowhere")
    assert client.head()[0] == size


def test_partners_and_the_ledger_do_not_share_a_listener(grown, client):
    who = grown.partner()
    assert who.get("/checkpoint").status == 404
    assert who.get("/tile/0/000").status == 404
    assert client.ask(POSITION.replace("{subject}", UNKNOWN)).status == 404


# --- damage ----------------------------------------------------------------------------------------

def test_a_damaged_segment_is_never_served_and_the_log_says_so(fresh, tmp_path):
    fresh.gateway.start()
    grow(fresh, 520)
    client = tiles.Tiles(fresh.gateway.ledger_address, fresh.gateway.vkey, tmp_path)
    good = {target: client.get(target) for target in
            ("/tile/entries/000", "/tile/0/000", "/tile/entries/001", "/tile/0/001.p/9")}
    victim = client.entries(1)[44]
    assert client.entries(0)  # so that the tile below is not the one that was read last
    segment, data = next((file, file.read_bytes()) for file in fresh.gateway.ledger.glob("*.seg")
                         if victim in file.read_bytes())
    at = data.index(victim) + 30
    with open(segment, "r+b") as file:
        file.seek(at)
        file.write(bytes([data[at] ^ 4]))
    for target in ("/tile/entries/001", "/tile/0/001.p/9", "/tile/0/001"):
        assert_problem(client.ask(target), 500, "unreadable")
        assert client.get("/tile/entries/000") == good["/tile/entries/000"]
    assert "can't be served" in fresh.gateway.text() and segment.name in fresh.gateway.text()
    assert fresh.ask(fresh.person(consent())).status == 200, "flows go on"
    with open(segment, "r+b") as file:
        file.seek(at)
        file.write(data[at:at + 1])
    for target, body in good.items():
        assert client.get(target) == body


# --- strangers -------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    limits = {"request_head_ms": 300, "connection_idle_ms": 400, "ledger_connections": 40,
              "ledger_connections_per_address": 20}
    one = World(tmp_path_factory.mktemp("strict") / "node", limits=limits)
    try:
        one.gateway.start()
        one.ask(one.person(consent()))
        yield one
    finally:
        one.close()


def is_closed(connection):
    connection.socket.settimeout(10)
    try:
        return connection.read_to_end() is not None
    except socket.timeout:
        return False


def test_silence_and_half_a_head_are_cut_off(strict):
    for said in (b"", b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n"):
        with partner.Connection(strict.gateway.ledger_address) as connection:
            connection.send(said)
            assert is_closed(connection)


def test_an_idle_connection_is_closed(strict):
    with partner.Connection(strict.gateway.ledger_address) as connection:
        connection.send(partner.request("/checkpoint"))
        assert connection.read_answer().status == 200
        assert is_closed(connection)


def test_one_address_gets_only_so_many_connections_and_partners_notice_nothing(strict):
    address = strict.gateway.ledger_address
    many = [partner.Connection(address) for _ in range(60)]
    try:
        assert strict.ask(strict.person(consent())).status == 200
        n_served = 0
        for one in many:
            try:
                one.send(partner.request("/checkpoint"))
                n_served += one.read_answer() is not None
            except OSError:
                pass
        assert n_served <= 20
    finally:
        for one in many:
            one.socket.close()


def test_a_reader_that_leaves_early_harms_nobody(grown, client):
    for target in itertools.islice(itertools.cycle(["/tile/entries/000", "/tile/0/001"]), 30):
        with client.connect() as connection:
            connection.send(partner.request(target))
    assert client.ask("/checkpoint").status == 200
