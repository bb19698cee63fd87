"""Another signing key, while flows go on: the ledger names it, and who has the first can follow."""
import json
import shutil
import threading

import pytest

from gateway import AUDIT, ORIGIN, consent, run


@pytest.fixture
def used(fresh):
    fresh.gateway.start()
    fresh.name = fresh.person(consent())
    return fresh


def rotate(gateway, *options):
    return json.loads(gateway.sluis("ledger", "rotate-key", "--json", *options).stdout)


def verified(gateway, vkey=None, ok=0):
    done = run(AUDIT, "verify", gateway.ledger, "--key", vkey or gateway.vkey, "--json", ok=(ok,))
    return json.loads(done.stdout)


def key_files(gateway):
    return sorted(file.name for file in (gateway.state / "keys").iterdir())


def test_flows_before_and_after_are_one_ledger(used, tmp_path):
    gateway = used.gateway
    first = tmp_path / "first.vkey"
    first.write_bytes(gateway.vkey.read_bytes())
    old_pem = (gateway.state / "keys/ledger.pem").read_bytes()
    used.ask(used.name)
    done = rotate(gateway)
    assert done["outcome"] == "rotated" and "text" not in done
    assert used.ask(used.name).receipt == done["receipt"] + 1
    for key in (first, gateway.vkey):
        report = verified(gateway, key)
        assert report["result"] == "valid" and report["keys"] == 2
        assert report["newest_key"] == done["new"]
        assert report["newest_key_receipt"] == done["receipt"]
    assert gateway.vkey.read_text().split() == [done["old"], done["new"]]
    assert key_files(gateway) == ["kek.key", "ledger.pem", "ledger.vkey", "pseudonym.key"]
    pem = gateway.state / "keys/ledger.pem"
    assert pem.read_bytes() != old_pem and pem.stat().st_mode & 0o777 == 0o600
    status = json.loads(gateway.sluis("status", "--json").stdout)
    assert status["key"] == done["new"] and status["keys"] == 2
    receipt = gateway.receipt(done["receipt"])
    assert receipt["kind"] == "key" and receipt["old"] == done["old"]
    assert receipt["new"] == done["new"] and "tag" not in receipt


def test_rotations_under_load_lose_nothing(used):
    gateway = used.gateway
    stop, seen = threading.Event(), []

    def ask_on():
        partner = used.partner()
        request = partner.request(partner.path("/v1/drivers/{subject}/position", used.name))
        with partner.connect() as connection:
            connection.send(request * 4)
            while not stop.is_set():
                answer = connection.read_answer()
                seen.append((answer.status, answer.receipt))
                connection.send(request)

    asking = [threading.Thread(target=ask_on) for _ in range(4)]
    for thread in asking:
        thread.start()
    for n in range(2, 7):
        assert rotate(gateway)["outcome"] == "rotated"
        assert verified(gateway)["keys"] == n
    stop.set()
    for thread in asking:
        thread.join()
    assert seen and all(status == 200 for status, _ in seen)
    assert len({receipt for _, receipt in seen}) == len(seen)
    gateway.restart()
    assert used.ask(used.name).status == 200
    report = verified(gateway)
    assert report["keys"] == 6 and report["receipts"] > len(seen)
    assert len(gateway.vkey.read_text().split()) == 6


def test_without_a_daemon_sluis_does_the_same(used):
    gateway = used.gateway
    gateway.stop()
    done = rotate(gateway)
    assert done["outcome"] == "rotated"
    gateway.start()
    assert used.ask(used.name).receipt == done["receipt"] + 1
    assert verified(gateway)["newest_key"] == done["new"]


def test_a_prepared_key_is_the_one_that_is_gone_over_to(used):
    gateway = used.gateway
    prepared = rotate(gateway, "--prepare")
    assert prepared["outcome"] == "prepared"
    assert rotate(gateway, "--prepare") == prepared
    assert verified(gateway)["keys"] == 1
    gateway.restart()  # it waits
    assert rotate(gateway)["new"] == prepared["new"]


def test_a_prepared_key_can_be_discarded(used):
    gateway = used.gateway
    assert rotate(gateway, "--discard") == {"outcome": "unchanged"}
    prepared = rotate(gateway, "--prepare")
    assert rotate(gateway, "--discard") == {"outcome": "discarded"}
    assert "ledger.pem.next" not in key_files(gateway)
    assert rotate(gateway)["new"] != prepared["new"]


def test_an_earlier_proof_and_checkpoint_still_hold(used, tmp_path):
    gateway = used.gateway
    receipt = used.ask(used.name).receipt
    for at, name in enumerate(("before", "after")):
        run(AUDIT, "checkpoint", gateway.ledger, "--key", gateway.vkey, "-o", tmp_path / f"{name}.cp")
        run(AUDIT, "prove", receipt, gateway.ledger, "--key", gateway.vkey,
            "-o", tmp_path / f"{name}.tlog-proof", "--leaf", tmp_path / f"{name}.leaf")
        if at == 0:
            first = tmp_path / "first.vkey"
            first.write_bytes(gateway.vkey.read_bytes())
            rotate(gateway)
            used.ask(used.name)
    for name in ("before", "after"):
        done = run(AUDIT, "verify-proof", tmp_path / f"{name}.tlog-proof", "--leaf",
                   tmp_path / f"{name}.leaf", "--key", gateway.vkey)
        assert ("it was replaced later" in done.stdout) == (name == "before")
    run(AUDIT, "verify-proof", tmp_path / "before.tlog-proof", "--leaf", tmp_path / "after.leaf",
        "--key", first)
    run(AUDIT, "verify-proof", tmp_path / "after.tlog-proof", "--leaf", tmp_path / "before.leaf",
        "--key", first, ok=(1,))
    run(AUDIT, "consistency", tmp_path / "before.cp", gateway.ledger, "--key", gateway.vkey)
    run(AUDIT, "consistency", tmp_path / "before.cp", gateway.ledger, "--key", first)


def test_a_later_key_alone_says_which_one_is_missing(used, tmp_path):
    gateway = used.gateway
    done = rotate(gateway)
    later = tmp_path / "later.vkey"
    later.write_text(done["new"] + "\n")
    used.ask(used.name)
    report = verified(gateway, later)
    assert report["older"] == done["receipt"] + 1 and report["older_key"] == done["old"]
    said = run(AUDIT, "verify", gateway.ledger, "--key", later).stdout
    assert done["old"] in said and f"up to receipt {done['receipt']}" in said


@pytest.fixture
def rotated(used, tmp_path):
    """A ledger of two keys, with receipts on both sides, and key files of each kind."""
    gateway = used.gateway
    done = rotate(gateway)
    used.ask(used.name)
    used.first, used.later, used.newest_first = (
        tmp_path / name for name in ("first.vkey", "later.vkey", "newest_first.vkey"))
    used.first.write_text(done["old"] + "\n", encoding="utf-8")
    used.later.write_text(done["new"] + "\n", encoding="utf-8")
    used.newest_first.write_text(f"{done['new']}\n{done['old']}\n", encoding="utf-8")
    used.old_hash, used.new_hash = (done[which].split("+")[1] for which in ("old", "new"))
    used.key_receipt = done["receipt"]
    return used


def test_a_proof_under_the_first_key_alone_is_made_and_nobody_is_told_to_make_an_index(
        rotated, tmp_path):
    gateway = rotated.gateway
    url = "http://%s:%d" % gateway.ledger_address
    done = run(AUDIT, "prove", 0, url, "--key", rotated.first, ok=(2,))
    said = done.stdout + done.stderr
    assert f"of hash {rotated.new_hash}" in said

    def prove(name):
        proof, leaf = tmp_path / f"{name}.proof", tmp_path / f"{name}.leaf"
        said = run(AUDIT, "prove", rotated.key_receipt + 1, gateway.ledger, "--key", rotated.first,
                   "-o", proof, "--leaf", leaf).stderr
        assert rotated.new_hash in said and "ledger.vkey of today" in said
        assert "reading the whole ledger instead" in said and "sluis ledger index" not in said
        run(AUDIT, "verify-proof", proof, "--leaf", leaf, "--key", gateway.vkey)
        return said, ("verify-proof", proof, "--leaf", leaf)
    prove("behind")  # the index has not seen the new key yet, perhaps
    gateway.stop()
    said, verify = prove("there")
    assert f"goes on under the key {ORIGIN}+{rotated.new_hash}" in said
    done = run(AUDIT, *verify, "--key", rotated.first, ok=(1,))
    said = done.stdout + done.stderr
    assert f"of hash {rotated.new_hash}" in said
    assert f"a receipt of kind key before receipt {rotated.key_receipt + 2} says so" in said


def test_keys_may_be_given_in_any_order(rotated, tmp_path):
    gateway = rotated.gateway
    report = verified(gateway, rotated.newest_first)
    assert report["keys"] == 2 and "older" not in report
    n = len(gateway.receipts())
    for index in range(n):
        proof, leaf = tmp_path / f"proof.{index}", tmp_path / f"leaf.{index}"
        run(AUDIT, "prove", index, gateway.ledger, "--key", rotated.newest_first, "-o", proof,
            "--leaf", leaf)
        run(AUDIT, "verify-proof", proof, "--leaf", leaf, "--key", rotated.newest_first)
    listed = run(AUDIT, "list", gateway.ledger, "--key", rotated.newest_first, "--json").stdout
    assert listed.count("\n") >= n
    gateway.stop()
    bare = tmp_path / "bare"  # without an index
    shutil.copytree(gateway.ledger, bare)
    run(AUDIT, "prove", n - 1, bare, "--key", rotated.newest_first, "-o", tmp_path / "proof")


def test_a_given_key_that_never_came_into_use_is_told(used, tmp_path):
    gateway = used.gateway
    before = tmp_path / "before"
    shutil.copytree(gateway.ledger, before)
    rotate(gateway)
    for folder, n in ((before, 1), (gateway.ledger, 0)):
        report = json.loads(run(AUDIT, "verify", folder, "--key", gateway.vkey, "--json").stdout)
        assert report["result"] == "valid" and report["keys_not_in_use"] == n
        said = run(AUDIT, "verify", folder, "--key", gateway.vkey).stdout
        assert ("NOT IN USE" in said) == (n == 1)
    url = "http://%s:%d" % gateway.ledger_address
    assert "NOT IN USE" not in run(AUDIT, "verify", url, "--key", gateway.vkey).stdout


def test_a_restore_under_a_later_key_says_which_one_is_missing(rotated, tmp_path):
    gateway = rotated.gateway
    archive = tmp_path / "archive"
    gateway.sluis("ledger", "archive", archive)
    gateway.stop()
    shutil.move(gateway.ledger, tmp_path / "lost")
    shutil.rmtree(gateway.state / "index")
    said = gateway.sluis("ledger", "restore", archive, "--key", rotated.later, ok=(74,)).stderr
    assert f"{archive} begins under the key {ORIGIN}+{rotated.old_hash}" in said
    assert f"{rotated.later} does not list it (found {rotated.new_hash})" in said
    assert not gateway.ledger.exists()
    gateway.sluis("ledger", "restore", archive, "--key", rotated.newest_first)
    gateway.start()
    assert verified(gateway)["keys"] == 2


def test_the_old_key_put_back_does_not_start(used, tmp_path):
    gateway = used.gateway
    pem = gateway.state / "keys/ledger.pem"
    old = pem.read_bytes()
    rotate(gateway)
    gateway.stop()
    new = pem.read_bytes()
    pem.write_bytes(old)
    assert "the ledger is signed by another key" in gateway.refuses_to_start()
    pem.write_bytes(new)
    listed = gateway.vkey.read_text()
    gateway.vkey.write_text(listed.splitlines()[1] + "\n")
    assert "lists 1 keys, but the ledger has had 2" in gateway.refuses_to_start()
    gateway.vkey.write_text(listed)
    gateway.start()


def test_a_full_key_folder_changes_nothing(used):
    """Nothing can be made there: as a folder that is mounted read-only."""
    gateway = used.gateway
    blocker = gateway.state / "keys/ledger.pem.drawn"
    blocker.mkdir()
    done = gateway.sluis("ledger", "rotate-key", ok=(74,))
    assert "ledger.pem.drawn" in done.stderr
    assert used.ask(used.name).status == 200
    assert verified(gateway)["keys"] == 1
    blocker.rmdir()
    assert rotate(gateway)["outcome"] == "rotated"
