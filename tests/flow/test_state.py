"""The state folder: missing, read-only, full, damaged, or in use. Refuse, say what to do, lose nothing."""
import os
import shutil
import subprocess

import pytest

import partner as partner_
from gateway import AUDIT, Failed, POSITION, SLUIS, consent, run

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system, so needs root")


@pytest.fixture
def used(fresh):
    """A gateway that has released three flows, and is stopped."""
    fresh.gateway.start()
    fresh.name = fresh.person(consent())
    fresh.last = [fresh.ask(fresh.name).receipt for _ in range(3)][-1]
    fresh.gateway.stop()
    return fresh


def segments(gateway):
    files = sorted(file for file in gateway.ledger.rglob("*") if file.is_file())
    assert files, "no segment in the ledger folder"
    return files


def last_written(gateway):
    """The segment that holds the newest receipt, and where its written part ends."""
    written = [(file, len(file.read_bytes().rstrip(b"\0"))) for file in segments(gateway)]
    return [pair for pair in written if pair[1] > 0][-1]


def flip(file, offset):
    data = bytearray(file.read_bytes())
    data[offset] ^= 0x01
    file.write_bytes(data)


def test_a_missing_state_folder_is_named_with_what_to_do(fresh):
    shutil.rmtree(fresh.gateway.state)
    said = fresh.gateway.refuses_to_start()
    assert "state" in said and "sluis init" in said


@pytest.mark.parametrize("key", ["ledger.pem", "pseudonym.key", "kek.key"])
def test_a_missing_key_is_named(fresh, key):
    (fresh.gateway.state / "keys" / key).unlink()
    assert key in fresh.gateway.refuses_to_start()


def test_a_key_that_others_can_read_is_refused(fresh):
    key = next(file for file in (fresh.gateway.state / "keys").iterdir() if file.suffix != ".vkey")
    key.chmod(0o644)
    said = fresh.gateway.refuses_to_start()
    assert key.name in said and ("600" in said or "chmod" in said)


def test_a_second_sluisd_on_the_same_state_is_refused(fresh):
    fresh.gateway.start()
    name = fresh.person(consent())
    said = fresh.gateway.refuses_to_start()
    assert str(fresh.gateway.process.pid) in said
    assert fresh.ask(name).status == 200, "the first one is not disturbed"


def test_after_a_crash_the_lock_is_free(fresh):
    fresh.gateway.start()
    fresh.gateway.kill()
    fresh.gateway.start()


def test_a_restart_goes_on_where_it_stopped(used):
    used.gateway.start()
    assert used.ask(used.name).receipt == used.last + 1
    used.gateway.verify()


def test_a_lost_index_is_built_again(used):
    shutil.rmtree(used.gateway.state / "index")
    used.gateway.start()
    assert used.ask(used.name).receipt == used.last + 1
    used.gateway.verify()


def test_a_flipped_bit_is_named_by_the_auditor_wherever_it_is(used):
    file, end = last_written(used.gateway)
    for offset in range(64, end, max(1, end // 7)):
        flip(file, offset)
        done = used.gateway.verify(ok=(1,))
        assert file.name in done.stdout + done.stderr
        flip(file, offset)
    used.gateway.verify()


def test_a_flipped_bit_in_what_was_written_last_stops_the_start(used):
    """The start looks at what it goes on from; the whole is the auditor's to check."""
    file, end = last_written(used.gateway)
    last = file.read_bytes().rfind(b'{"sluis":', 0, end)
    for offset in (last + 20, last + 300, end - 1):
        flip(file, offset)
        said = used.gateway.refuses_to_start()
        assert file.name in said and "ledger" in said, said
        flip(file, offset)
    used.gateway.start()
    assert used.ask(used.name).receipt == used.last + 1


def test_a_ledger_cut_short_is_noticed_at_the_start(used):
    file, end = last_written(used.gateway)
    data = file.read_bytes()
    # All that the last batch wrote is gone, as if an older backup had been put back.
    cut = data.rfind(b'{"sluis":', 0, end)
    file.write_bytes(data[:cut - 64] + b"\0" * (len(data) - cut + 64))
    said = used.gateway.refuses_to_start()
    assert "ledger" in said


def test_an_emptied_ledger_is_noticed_at_the_start(used):
    shutil.rmtree(used.gateway.ledger)
    used.gateway.ledger.mkdir()
    assert "ledger" in used.gateway.refuses_to_start()


def test_an_older_store_does_not_bring_a_withdrawn_consent_back(used, tmp_path):
    shutil.copytree(used.gateway.state / "store", tmp_path / "older")
    used.gateway.withdraw(used.name, "c1")
    used.gateway.stop()
    shutil.rmtree(used.gateway.state / "store")
    shutil.copytree(tmp_path / "older", used.gateway.state / "store")
    said = used.gateway.refuses_to_start()
    assert "the store is an older copy" in said and "one and the same copy" in said


def test_a_lost_store_is_noticed_at_the_start(used):
    used.gateway.stop()
    shutil.rmtree(used.gateway.state / "store")
    assert "store" in used.gateway.refuses_to_start()


def test_a_ledger_that_is_gone_with_its_index_is_not_begun_anew(used):
    used.gateway.stop()
    shutil.rmtree(used.gateway.ledger)
    shutil.rmtree(used.gateway.state / "index")
    assert "the ledger is an older copy" in used.gateway.refuses_to_start()


def test_another_nodes_pseudonym_key_is_noticed(used, tmp_path):
    used.gateway.stop()
    run(SLUIS, "init", tmp_path / "other", "--origin", "test.example/other")
    shutil.copy2(tmp_path / "other/state/keys/pseudonym.key",
                 used.gateway.state / "keys/pseudonym.key")
    assert "pseudonym.key" in used.gateway.refuses_to_start()


def test_a_ledger_of_another_key_is_refused(used, tmp_path):
    run(SLUIS, "init", tmp_path / "other", "--origin", "test.example/gateway")
    for name in os.listdir(tmp_path / "other/state/keys"):
        if name.startswith("ledger"):
            shutil.copy2(tmp_path / "other/state/keys" / name, used.gateway.state / "keys" / name)
    assert "key" in used.gateway.refuses_to_start()
    assert used.gateway.verify(ok=(1, 2)).returncode != 0


def test_an_unfinished_tail_that_nobody_has_seen_is_dropped(used):
    file, end = last_written(used.gateway)
    data = bytearray(file.read_bytes())
    # Batches begin at multiples of 4 KiB; this one was being written when the power went.
    begin = -(-end // 4096) * 4096
    batch = data.rfind(b"SLB1", 0, end)
    data[begin:begin + (end - batch) // 2] = data[batch:batch + (end - batch) // 2]
    file.write_bytes(data)
    used.gateway.start()
    assert used.ask(used.name).receipt == used.last + 1
    used.gateway.verify()


def test_without_its_daemon_the_ledger_verifies_from_a_copy(used, tmp_path):
    shutil.copytree(used.gateway.ledger, tmp_path / "copy")
    shutil.copy2(used.gateway.vkey, tmp_path / "key.vkey")
    used.gateway.verify(tmp_path / "copy", tmp_path / "key.vkey")


def mount(folder, options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB; gone after the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "size=16m")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@needs_root
def test_a_read_only_state_folder_is_refused_and_said_so(used, small_disk):
    shutil.copytree(used.gateway.state, small_disk / "state")
    shutil.rmtree(used.gateway.state)
    used.gateway.state.symlink_to(small_disk / "state")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    said = used.gateway.refuses_to_start()
    assert "ead-only" in said or "ermission" in said, said


@needs_root
def test_a_full_disk_refuses_flows_and_still_records_a_withdrawal(used, small_disk):
    gateway = used.gateway
    shutil.copytree(gateway.state, small_disk / "state")
    shutil.rmtree(gateway.state)
    gateway.state.symlink_to(small_disk / "state")
    gateway.start()
    stays, leaves = used.person(consent()), used.person(consent())
    released = [used.ask(stays).receipt]
    with open(small_disk / "filler", "wb") as filler:
        try:
            while True:
                filler.write(b"x" * 65536)
                filler.flush()
        except OSError:
            pass

    partner = used.partner()
    answer = None
    for _ in range(40000):
        with partner.connect() as connection:
            connection.send(partner.request(partner.path(POSITION, stays)) * 50)
            for _ in range(50):
                answer = connection.read_answer()
                if answer is None or answer.status != 200:
                    break
                released.append(answer.receipt)
        if answer is None or answer.status != 200:
            break
    assert answer is not None and answer.status == 503
    assert answer.receipt is None and b"coordinates" not in answer.body

    gateway.withdraw(leaves, "c1")
    assert used.ask(leaves).status in (403, 503)
    assert used.ask(stays).status == 503

    (small_disk / "filler").unlink()
    gateway.stop()
    gateway.verify()
    held = {one["index"]: one for one in gateway.receipts()}
    assert all(held[index]["decision"] == "release" for index in released)
    gateway.start()
    assert used.ask(stays).status == 200, "with room again, it serves again"
    assert used.ask(leaves).reason == "no_consent"
    gateway.verify()


def test_sigterm_finishes_what_was_asked(used):
    gateway = used.gateway
    gateway.start()
    partner = used.partner()
    with partner.connect() as connection:
        connection.send(partner.request(partner.path(POSITION, used.name)))
        assert connection.read_answer().status == 200
        gateway.stop()
    gateway.verify()


def test_the_port_in_use_is_named(fresh):
    import socket
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    text = fresh.gateway.config.read_text(encoding="utf-8")
    fresh.gateway.config.write_text(text.replace("127.0.0.1:0\n", f"127.0.0.1:{port}\n"),
                                    encoding="utf-8")
    assert str(port) in fresh.gateway.refuses_to_start()
    taken.close()


def test_numbers_go_on_after_a_start_on_the_wrong_store(fresh, tmp_path):
    """The receipts' numbers are counted with the store's keys: those of another store count none."""
    gateway = fresh.gateway
    gateway.start()
    gateway.stop()
    shutil.copytree(gateway.state / "store", tmp_path / "empty")
    gateway.start()
    name = fresh.person(consent())
    last = [fresh.ask(name).receipt for _ in range(3)][-1]
    gateway.stop()
    shutil.move(gateway.state / "store", tmp_path / "right")
    shutil.copytree(tmp_path / "empty", gateway.state / "store")
    shutil.rmtree(gateway.state / "index")
    assert "older copy" in gateway.refuses_to_start()
    shutil.rmtree(gateway.state / "store")
    shutil.move(tmp_path / "right", gateway.state / "store")
    gateway.start()
    assert fresh.ask(name).receipt == last + 1
    gateway.verify()
