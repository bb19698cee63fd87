"""A subject can see that nothing is missing, and who forges a ledger is found out.

The forgeries are signed with the gateway's own key: what is tried here is what a gateway could do
that wants to hide a receipt from the person it is about.
"""
import base64
import json
import os
import shutil
import stat
import time

import pytest

import answers
from app import App
from forge import Heads, Ledger, SubjectKey, root_of, unpadded
import tiles
from gateway import AUDIT, ORIGIN, Failed, POSITION, WAIT_S, consent, run
from process import wait_for
from world import World


def key_of(gateway, name, file):
    gateway.sluis("subject", "key", name, "-o", file)
    return file


def mine(ledger, key, *more, ok=(0,)):
    return run(AUDIT, "mine", ledger, "--key", key, *more, ok=ok)


def mine_json(ledger, key, ok=(0,)):
    return json.loads(mine(ledger, key, "--json", ok=ok).stdout)


def await_heads(gateway, n_epochs):
    """Until the heads of so many epochs are in the ledger."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = [one for one in gateway.receipts() if one["kind"] == "heads"]
        if len(found) >= n_epochs:
            return found
        assert time.monotonic() < deadline, f"no heads: {gateway.text()}"
        time.sleep(0.05)


class People:
    """Three persons in two epochs, and receipts after them; the gateway has stopped."""

    def __init__(self, folder):
        self.world = World(folder / "node", limits={"epoch_ms": 1000})
        gateway = self.gateway = self.world.gateway
        gateway.start()
        try:
            self.anna = self.world.person(consent())
            self.ben = self.world.person(consent())
            self.cleo = self.world.person()
            for name in (self.anna, self.anna, self.ben, self.cleo):
                self.world.ask(name)
            self.ask_stranger("aaaa", 3)
            await_heads(gateway, 1)
            for name in (self.anna, self.ben, self.ben):
                self.world.ask(name)
            await_heads(gateway, 2)
            gateway.limits["epoch_ms"] = 86400000
            gateway.write_config()
            gateway.restart()
            for name in (self.anna, self.cleo):
                self.world.ask(name)
            self.keys = {name: key_of(gateway, name, folder / f"{name}.key")
                         for name in (self.anna, self.ben, self.cleo)}
            gateway.stop()
        except BaseException:
            self.world.close()
            raise
        self.pem = gateway.state / "keys/ledger.pem"

    def ask_stranger(self, letters, n):
        partner = self.world.partner()
        pseudonym = self.gateway.pseudonym("spotify", self.anna)
        forged = letters + pseudonym[len(letters):]
        for _ in range(n):
            partner.get(POSITION.replace("{subject}", forged))

    def forge(self, folder, change):
        """The ledger after `change`, signed anew."""
        ledger = Ledger(self.gateway.ledger)
        change(ledger)
        return ledger.write(folder / "forged", self.pem, ORIGIN)

    def key(self, name):
        return SubjectKey(self.keys[name])


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    one = People(tmp_path_factory.mktemp("heads"))
    yield one
    one.world.close()


# An honest ledger.


def test_the_ledger_verifies_with_its_heads(people):
    said = people.gateway.verify().stdout
    assert "heads       of 2 epochs, sorted and adding up" in said
    done = json.loads(run(AUDIT, "verify", people.gateway.ledger, "--key", people.gateway.vkey,
                          "--json").stdout)
    assert done["epochs"] == 2 and 0 < done["covered"] < done["receipts"]


def test_a_verifier_written_from_the_documents_agrees(people):
    """Every list against the receipts, the tags and the keys, recomputed."""
    ledger = Ledger(people.gateway.ledger)
    leaves = [json.loads(leaf) for leaf in ledger.leaves()]
    next_first, next_number = 0, dict.fromkeys(people.keys, 0)
    for epoch, (index, heads) in enumerate(ledger.heads()):
        one = ledger.lists[epoch]
        assert heads["epoch"] == epoch and heads["first"] == next_first == one.first
        assert heads["first"] < heads["end"] <= index and heads["end"] == one.end
        assert heads["entries"] == len(one.entries)
        assert heads["root"] == unpadded(root_of(one.leaves()))
        assert [label for label, _ in one.entries] == sorted({label for label, _ in one.entries})
        tags = [leaf["tag"] for leaf in leaves[one.first:one.end] if "tag" in leaf]
        assert sum(delta for _, delta in one.entries) == len(tags)
        for name in people.keys:
            key, found = people.key(name), 0
            while key.tag(next_number[name]) in tags:
                next_number[name] += 1
                found += 1
            assert one.delta(key.label(epoch)) == found
        next_first = one.end
    assert next_first > 0


def test_a_stranger_has_an_entry_as_a_person_has(people):
    """Three requests for one stranger are one entry of three, as they are for somebody known."""
    ledger = Ledger(people.gateway.ledger)
    known = {people.key(name).label(0): name for name in people.keys}
    strangers = [delta for label, delta in ledger.lists[0].entries if label not in known]
    assert strangers == [3]


def test_a_subject_sees_its_receipts_and_that_none_is_missing(people):
    said = mine(people.gateway.ledger, people.keys[people.anna]).stdout
    assert "nothing of yours is missing" in said
    assert "5 are yours, numbered 0 to 4 without a gap" in said
    assert "1 of them came later" in said
    assert "left out together" in said
    assert "location 5000m 900s" in said and "soundmap" not in said
    done = mine_json(people.gateway.ledger, people.keys[people.anna])
    assert done["result"] == "valid" and done["problems"] == []
    assert [one["number"] for one in done["receipts"]] == [0, 1, 2, 3, 4]
    assert [one["kind"] for one in done["receipts"]] == ["policy", "pull", "pull", "pull", "pull"]
    assert done["epochs"] == 2 and done["epochs_active"] == 2 and done["newer"] == 1


def test_a_subject_without_receipts_in_an_epoch_sees_that_it_has_no_entry(people):
    said = mine(people.gateway.ledger, people.keys[people.cleo]).stdout
    assert "in epoch 1 you had none: your label would stand" in said
    done = mine_json(people.gateway.ledger, people.keys[people.cleo])
    assert done["epochs_active"] == 1 and len(done["receipts"]) == 3


def test_many_threads_say_the_same(people):
    one = mine(people.gateway.ledger, people.keys[people.ben], "--jobs", "1").stdout
    assert mine(people.gateway.ledger, people.keys[people.ben], "--jobs", "3").stdout == one


# The key.


def test_a_key_file_is_for_its_owner_and_never_overwritten(people, tmp_path):
    file = tmp_path / "anna.key"
    done = people.gateway.sluis("subject", "key", people.anna, "-o", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "whoever has this key" in done.stderr and done.stdout == ""
    assert people.key(people.anna).vkey == people.gateway.vkey.read_text().strip()
    before = file.read_bytes()
    with pytest.raises(Failed):
        people.gateway.sluis("subject", "key", people.anna, "-o", file)
    assert file.read_bytes() == before
    shown = people.gateway.sluis("subject", "key", people.anna)
    assert shown.stdout.encode() == before and "whoever has this key" in shown.stderr


def test_there_is_no_key_of_nobody(people):
    done = people.gateway.sluis("subject", "key", "nobody", ok=(66,))
    assert "nobody" in done.stderr and done.stdout == ""


def test_a_key_that_others_can_read_is_refused(people, tmp_path):
    file = tmp_path / "open.key"
    shutil.copy(people.keys[people.anna], file)
    os.chmod(file, 0o644)
    assert str(file) in mine(people.gateway.ledger, file, ok=(2,)).stderr


@pytest.mark.parametrize("change", [
    lambda text: "",
    lambda text: text[:-1],
    lambda text: text + "\n",
    lambda text: text.replace("v1", "v2"),
    lambda text: text.replace("ledger ", "ledger  "),
    lambda text: text.replace("+", "-", 1),
    lambda text: text.replace("\nkey ", "\nkey A"),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text * 20,
])
def test_what_is_no_key_file_is_named(people, tmp_path, change):
    file = tmp_path / "odd.key"
    file.write_bytes(change(people.keys[people.anna].read_text()).encode())
    os.chmod(file, 0o600)
    assert str(file) in mine(people.gateway.ledger, file, ok=(2,)).stderr


def test_a_key_of_another_ledger_finds_another_ledger(people, tmp_path):
    other = World(tmp_path / "other")
    try:
        other.gateway.start()
        key = key_of(other.gateway, other.person(consent()), tmp_path / "other.key")
    finally:
        other.close()
    assert "another key" in mine(people.gateway.ledger, key, ok=(1,)).stdout


def test_a_stranger_to_the_ledger_finds_nothing_of_its_own(people, tmp_path):
    """A key of this ledger, under which there is no receipt."""
    text = people.keys[people.anna].read_text().splitlines()
    text[2] = "key " + base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
    file = tmp_path / "stranger.key"
    file.write_text("\n".join(text) + "\n")
    os.chmod(file, 0o600)
    said = mine(people.gateway.ledger, file).stdout
    assert "none here is yours" in said and "in epoch 1 you had none" in said


# Forgeries, signed by the gateway itself.


def assert_invalid(people, folder, because):
    done = people.gateway.verify(ledger=folder, ok=(1,))
    assert because in done.stdout, done.stdout
    assert "account of how many each person had does not hold" in done.stderr


def test_forging_nothing_gives_a_valid_ledger(people, tmp_path):
    folder = people.forge(tmp_path, Ledger.commit_to_lists)
    people.gateway.verify(ledger=folder)
    mine(folder, people.keys[people.anna])


def test_a_receipt_that_was_left_out_is_missed(people, tmp_path):
    anna = people.key(people.anna)

    def leave_out(ledger):
        ledger.leave_out(ledger.find(anna.tag(1)))
        one = ledger.lists[0].entries
        one[[label for label, _ in one].index(anna.label(0))][1] -= 1
        ledger.commit_to_lists()
    folder = people.forge(tmp_path, leave_out)
    people.gateway.verify(ledger=folder)  # nobody else can tell
    done = mine(folder, people.keys[people.anna], ok=(1,))
    assert "INCOMPLETE" in done.stdout
    assert "your receipt with number 1 is missing" in done.stderr
    mine(folder, people.keys[people.ben])
    assert mine_json(folder, people.keys[people.anna], ok=(1,))["result"] == "invalid"


def test_the_newest_receipts_of_an_epoch_that_were_left_out_are_missed(people, tmp_path):
    """Without the heads there would be no gap to see."""
    ben = people.key(people.ben)

    def leave_out(ledger):
        ledger.leave_out(ledger.find(ben.tag(3)))
        # So that the sums hold, somebody else's entry makes room for it.
        ledger.lists[1].entries = [entry for entry in ledger.lists[1].entries
                                   if entry[0] != people.key(people.anna).label(1)]
        ledger.commit_to_lists()
    folder = people.forge(tmp_path, leave_out)
    people.gateway.verify(ledger=folder)
    done = mine(folder, people.keys[people.ben], ok=(1,))
    assert "the heads of epoch 1 account for 2 receipts of yours, but the ledger has 1" in done.stderr
    assert "account for 0 receipts of yours" in mine(folder, people.keys[people.anna], ok=(1,)).stderr


def test_a_delta_that_is_too_small_is_seen_by_whom_it_is_about(people, tmp_path):
    anna = people.key(people.anna)

    def shrink(ledger):
        one = ledger.lists[0].entries
        one[[label for label, _ in one].index(anna.label(0))][1] -= 1
        one[[label for label, _ in one].index(people.key(people.ben).label(0))][1] += 1
        ledger.commit_to_lists()
    folder = people.forge(tmp_path, shrink)
    people.gateway.verify(ledger=folder)
    done = mine(folder, people.keys[people.anna], ok=(1,))
    assert "account for 2 receipts of yours, but the ledger has 3" in done.stderr


def test_an_entry_that_is_missing_is_seen_by_whom_it_is_about(people, tmp_path):
    anna, ben = people.key(people.anna), people.key(people.ben)

    def drop(ledger):
        one = ledger.lists[0]
        lost = one.delta(anna.label(0))
        one.entries = [entry for entry in one.entries if entry[0] != anna.label(0)]
        one.entries[[label for label, _ in one.entries].index(ben.label(0))][1] += lost
        ledger.commit_to_lists()
    folder = people.forge(tmp_path, drop)
    people.gateway.verify(ledger=folder)
    done = mine(folder, people.keys[people.anna], ok=(1,))
    assert "account for 0 receipts of yours, but the ledger has 3" in done.stderr
    assert "account for" in mine(folder, people.keys[people.ben], ok=(1,)).stderr


def test_a_list_that_does_not_add_up_is_seen_by_everybody(people, tmp_path):
    def add(ledger):
        ledger.lists[1].entries[0][1] += 1
        ledger.commit_to_lists()
    folder = people.forge(tmp_path, add)
    assert_invalid(people, folder, "the list of heads of epoch 1 is what the ledger commits to, but "
                                   "it accounts for 4 receipts, and subjects have 3 from receipt")
    done = mine(folder, people.keys[people.cleo], ok=(1,))
    assert "accounts for 4 receipts" in done.stdout


def test_a_list_that_is_not_sorted_is_seen_by_everybody(people, tmp_path):
    def swap(ledger):
        ledger.lists[0].entries[0:2] = ledger.lists[0].entries[1::-1]
        ledger.commit_to_lists()
    folder = people.forge(tmp_path, swap)
    assert_invalid(people, folder, "it is not sorted: entry 1 does not come after entry 0")


def test_a_label_that_is_there_twice_is_seen_by_everybody(people, tmp_path):
    def split(ledger):
        one = ledger.lists[0].entries
        at = next(i for i, (_, delta) in enumerate(one) if delta > 1)
        one[at][1] -= 1
        one.insert(at, [one[at][0], 1])
        ledger.commit_to_lists()
    folder = people.forge(tmp_path, split)
    assert_invalid(people, folder, "it is not sorted")


def test_an_entry_of_nothing_is_seen_by_everybody(people, tmp_path):
    def add(ledger):
        ledger.lists[0].entries.append([b"\xff" * 32, 0])
        ledger.commit_to_lists()
    assert_invalid(people, people.forge(tmp_path, add), "is of no receipt")


def test_a_list_that_was_changed_after_it_was_signed_is_told_from_a_forged_one(people, tmp_path):
    def change(ledger):
        ledger.lists[0].entries[0][1] += 1
    folder = people.forge(tmp_path, change)
    assert_invalid(people, folder, "epoch 0 is not the one that the ledger commits to; it accounts")


def test_the_list_of_another_epoch_is_not_this_one(people, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(people.gateway.ledger, folder)
    shutil.copy(folder / "heads" / Heads.name(0), folder / "heads" / Heads.name(1))
    assert_invalid(people, folder, "the list of heads of epoch 1 is that of epoch 0 under another name")


def test_a_list_that_is_gone_is_named(people, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(people.gateway.ledger, folder)
    (folder / "heads" / Heads.name(1)).unlink()
    assert_invalid(people, folder, "epoch 1 is missing: there is no heads/00000000000000000001.heads")
    assert "epoch 1 is missing" in mine(folder, people.keys[people.anna], ok=(1,)).stdout


def edited(people, tmp_path, index_of_heads, **members):
    def edit(ledger):
        index, receipt = ledger.heads()[index_of_heads]
        ledger.replace(index, json.dumps(receipt | members, separators=(",", ":")).encode())
    return people.forge(tmp_path, edit)


def test_heads_of_an_epoch_that_is_not_next_are_named(people, tmp_path):
    folder = edited(people, tmp_path, 1, epoch=2)
    assert_invalid(people, folder, "has the heads of epoch 2, but those of epoch 1 are next")


def test_heads_that_leave_receipts_between_epochs_are_named(people, tmp_path):
    heads = Ledger(people.gateway.ledger).heads()[1][1]
    folder = edited(people, tmp_path, 1, first=heads["first"] + 1)
    assert_invalid(people, folder, "the heads of epoch 1 begin with receipt")


def test_heads_about_receipts_that_come_after_them_are_named(people, tmp_path):
    index = Ledger(people.gateway.ledger).heads()[1][0]
    folder = edited(people, tmp_path, 1, end=index + 1)
    assert_invalid(people, folder, "are about the receipts from")


def test_a_heads_receipt_that_was_left_out_is_named(people, tmp_path):
    def leave_out(ledger):
        ledger.leave_out(ledger.heads()[0][0])
    assert_invalid(people, people.forge(tmp_path, leave_out),
                   "has the heads of epoch 1, but those of epoch 0 are next")


def cut_to(people, tmp_path, size):
    """Its first receipts, as a copy that was made then; the folder of lists is of today."""
    def cut(ledger):
        left = size
        for number, batch in enumerate(ledger.batches):
            ledger.batches[number] = batch[:left]
            left -= len(ledger.batches[number])
        ledger.batches = [batch for batch in ledger.batches if batch]
    return people.forge(tmp_path, cut)


def test_lists_that_lie_beyond_the_end_of_a_ledger_that_was_cut_are_noted(people, tmp_path):
    whole = Ledger(people.gateway.ledger)
    (first_heads, _), (second_heads, second) = whole.heads()
    for size, beyond in {first_heads: "up to ", second["end"] - 1: f"up to {second['end'] - 1},",
                         second["end"]: None, second_heads: None, second_heads + 1: None}.items():
        folder = cut_to(people, tmp_path / str(size), size)
        said = people.gateway.verify(ledger=folder).stdout
        assert f"receipts    {size}\n" in said
        found = json.loads(run(AUDIT, "verify", folder, "--key", people.gateway.vkey, "--json").stdout)
        assert found["result"] == "valid"
        if beyond is None:  # whole, or a list that waits for its heads
            assert "beyond" not in said and "list_beyond" not in found
            continue
        assert f"{Heads.name(1)} tells of receipts {beyond}" in said and "was cut off" in said
        assert (found["list_beyond"], found["list_beyond_end"]) == (1, second["end"])
        assert "was cut off" in mine(folder, people.keys[people.anna]).stdout


def test_a_list_of_an_epoch_that_can_not_be_there_yet_is_noted_whatever_it_holds(people, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(people.gateway.ledger, folder)
    (folder / "heads" / Heads.name(7)).write_bytes(b"nothing")
    assert f"{Heads.name(7)} tells of receipts of a later time" in \
        people.gateway.verify(ledger=folder).stdout
    found = json.loads(run(AUDIT, "verify", folder, "--key", people.gateway.vkey, "--json").stdout)
    assert (found["list_beyond"], found["list_beyond_end"]) == (7, None)


# Over HTTP.


@pytest.fixture(scope="module")
def served(people):
    people.gateway.start()
    yield people
    people.gateway.stop()


@pytest.fixture
def client(served, tmp_path):
    return tiles.Tiles(served.gateway.ledger_address, served.gateway.vkey, tmp_path)


def test_lists_are_served_as_their_files_are(served, client):
    for epoch in range(2):
        answer = client.ask(f"/heads/{epoch}")
        assert answer.status == 200 and answer.header("content-type") == "application/octet-stream"
        assert answer.header("cache-control") == "public, max-age=31536000, immutable"
        assert answer.body == (served.gateway.ledger / "heads" / Heads.name(epoch)).read_bytes()
        head = client.ask(f"/heads/{epoch}", method="HEAD")
        assert head.status == 200 and head.header("content-length") == str(len(answer.body))


def test_verify_over_http_checks_lists_that_are_served_and_says_when_they_are_not(served, client):
    def verify(url, *more):
        return run(AUDIT, "verify", url, "--key", served.gateway.vkey, *more).stdout
    size, _ = client.head()
    mirror = App()  # of tiles only
    try:
        for path in ("/checkpoint", *(tiles.path(*one) for one in tiles.tiles_of(size)),
                     tiles.path("entries", 0, tiles.width_of(0, 0, size))):
            mirror.on(path, answers.well(client.get(path), media_type="application/octet-stream"))
        mirror.on("/heads/0", answers.well(b"", status="404 Not Found"))
        mirror.on("/heads/1", answers.well(b"", status="404 Not Found"))
        url = f"http://127.0.0.1:{mirror.port}"
        said = verify(url)
        assert said.startswith("valid\n") and "heads       not checked: of 2 lists, 2 not" in said
        found = json.loads(verify(url, "--json"))
        assert (found["result"], found["epochs"], found["covered"]) == ("valid", None, None)
    finally:
        mirror.stop()
    url = "http://%s:%d" % served.gateway.ledger_address
    assert "heads       of 2 epochs, sorted and adding up" in verify(url)
    assert json.loads(verify(url, "--json"))["epochs"] == 2


@pytest.mark.parametrize("path", [
    "/heads", "/heads/", "/heads/2", "/heads/00", "/heads/-1", "/heads/+1", "/heads/1/", "/heads/1?",
    "/heads/1.heads", "/heads/00000000000000000001", "/heads/18446744073709551615",
    "/heads/18446744073709551616", "/heads/0/../1", "/heads/0x1"])
def test_what_is_no_list_is_not_there(client, path):
    answer = client.ask(path)
    assert answer.status in (400, 404), answer
    assert answer.header("cache-control") == "no-store"


def test_a_list_that_was_damaged_is_not_served_and_the_operator_is_told(served, client):
    file = served.gateway.ledger / "heads" / Heads.name(0)
    whole = file.read_bytes()
    try:
        file.write_bytes(whole[:-1])
        answer = client.ask("/heads/0")
        assert answer.status == 500 and answer.reason == "unreadable"
        wait_for("the log's word", lambda: "the list of heads of epoch 0 has" in
                 served.gateway.text())
        file.unlink()
        assert client.ask("/heads/0").status == 500
    finally:
        file.write_bytes(whole)
    assert client.ask("/heads/0").body == whole


@pytest.fixture
def log(served, client):
    """A server of the same ledger, to be told to lie."""
    server = App()
    size, _ = client.head()
    heads = [f"/heads/{epoch}" for epoch in range(2)]
    parts = [tiles.path(*one) for one in tiles.tiles_of(size)]
    for path in ["/checkpoint", tiles.path("entries", 0, size), *parts, *heads]:
        server.on(path, answers.well(client.get(path), media_type="application/octet-stream"))
    server.url = f"http://127.0.0.1:{server.port}"
    yield server
    server.stop()


def test_a_person_asks_the_served_ledger_and_gets_the_same_answer(served, log):
    for name in (served.anna, served.ben):
        folder = mine(served.gateway.ledger, served.keys[name]).stdout
        host, port = served.gateway.ledger_address
        assert mine(f"http://{host}:{port}", served.keys[name]).stdout == folder != ""
        assert mine(log.url + "/", served.keys[name]).stdout == folder
        assert mine_json(log.url, served.keys[name]) == mine_json(served.gateway.ledger,
                                                                  served.keys[name])


@pytest.mark.parametrize("change, because", [
    (lambda data: data[:-1], "the list of heads of epoch 1 has"),
    (lambda data: data[:520] + bytes([data[520] ^ 1]) + data[521:], "the list of heads of epoch 1"),
    (lambda data: data[:24] + bytes([data[24] ^ 1]) + data[25:], "the list of heads of epoch 1"),
    (lambda data: b"", "the list of heads of epoch 1"),
])
def test_a_served_list_that_is_not_the_one_that_was_signed_for_is_found(served, log, client, change,
                                                                        because):
    log.on("/heads/1", answers.well(change(client.get("/heads/1"))))
    done = mine(log.url, served.keys[served.anna], ok=(1,))
    assert "INVALID: " in done.stdout and because in done.stdout
    assert "/heads/1" in done.stderr and "nobody can be sure" in done.stderr
    assert mine_json(log.url, served.keys[served.anna], ok=(1,))["result"] == "invalid"


def test_a_server_without_lists_can_not_answer(served, log):
    log.on("/heads/0", answers.raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
    done = mine(log.url, served.keys[served.anna], ok=(2,))
    assert "lists of heads are not served here; use a copy of the folder" in done.stderr
    log.on("/heads/0", answers.well(b"x" * 100000))
    assert "more than the" in mine(log.url, served.keys[served.anna], ok=(2,)).stderr


# The gateway.


def test_a_full_folder_of_lists_holds_no_flow_up_and_is_said_once(tmp_path):
    world = World(tmp_path / "node", limits={"epoch_ms": 1000})
    try:
        world.gateway.start()
        name = world.person(consent())
        blocker = world.gateway.ledger / "heads"
        blocker.write_text("no folder")
        deadline = time.monotonic() + WAIT_S
        while "heads of epoch 0" not in world.gateway.text():
            assert time.monotonic() < deadline
            assert world.ask(name).status == 200
        blocker.unlink()
        await_heads(world.gateway, 1)
        world.gateway.stop()
        assert world.gateway.text().count("heads of epoch 0") == 1
        world.gateway.verify()
    finally:
        world.close()


def test_an_erased_subject_that_kept_its_key_sees_that_all_is_accounted_for(tmp_path):
    world = World(tmp_path / "node", limits={"epoch_ms": 2000})
    try:
        world.gateway.start()
        name, other = world.person(consent()), world.person(consent())
        world.ask(name)
        world.ask(other)
        key = key_of(world.gateway, name, tmp_path / "gone.key")
        erase(world.gateway, name)
        await_heads(world.gateway, 1)
        world.gateway.stop()
        done = mine_json(world.gateway.ledger, key)
        assert [one["kind"] for one in done["receipts"]] == ["policy", "pull", "erasure"]
        assert done["newer"] == 0 and done["epochs_active"] == 1
        assert "the gateway has forgotten you" in mine(world.gateway.ledger, key).stdout
        with pytest.raises(Failed):
            key_of(world.gateway, name, tmp_path / "again.key")
    finally:
        world.close()


def erase(gateway, name):
    try:
        gateway.sluis("subject", "erase", name, "--yes")
    except Failed as failed:
        if failed.status == 64:
            pytest.skip("there is no `sluis subject erase` yet")
        raise
