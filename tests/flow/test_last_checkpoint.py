"""The last checkpoint on another disk: an old, cut or forked ledger does not start, and says why."""
import json
import os
import shutil
import time

import pytest

import gateway as gateway_
from gateway import AUDIT, SLUISD, consent, run


@pytest.fixture
def kept(fresh, tmp_path):
    """A gateway that keeps its last checkpoint elsewhere; three flows, and stopped."""
    (tmp_path / "elsewhere").mkdir()
    fresh.file = tmp_path / "elsewhere/checkpoint"
    fresh.gateway.sections += f"ledger:\n  last_checkpoint: {fresh.file}\n"
    fresh.gateway.write_config()
    fresh.gateway.start()
    fresh.name = fresh.person(consent())
    fresh.last = [fresh.ask(fresh.name).receipt for _ in range(3)][-1]
    fresh.gateway.stop()
    return fresh


def size_of(file):
    return int(file.read_text(encoding="utf-8").splitlines()[1])


def status_of(gateway):
    return json.loads(gateway.sluis("status", "--json", ok=(0, 69)).stdout)


def wait_until(happens):
    """Only something broken takes so long."""
    end = time.monotonic() + gateway_.WAIT_S
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_is_the_newest_one_when_sluisd_stops_and_follows_while_it_runs(kept):
    assert size_of(kept.file) == kept.last + 1
    kept.gateway.start()
    assert kept.ask(kept.name).status == 200
    wait_until(lambda: size_of(kept.file) == kept.last + 2)
    assert status_of(kept.gateway)["last_checkpoint"] == {"receipts": kept.last + 2}
    assert f"{kept.last + 2}" in kept.gateway.sluis("status").stdout


def test_what_sluis_records_without_a_daemon_is_kept_as_well(kept):
    kept.gateway.withdraw(kept.name, "c1")
    assert size_of(kept.file) == kept.last + 2
    kept.gateway.start()


def test_it_checks_out_as_a_checkpoint_of_the_ledger(kept):
    run(AUDIT, "consistency", kept.file, kept.gateway.ledger, "--key", kept.gateway.vkey)


def set_back(world, folder):
    """The state folder as it was, index and all."""
    shutil.rmtree(world.gateway.state)
    shutil.copytree(folder, world.gateway.state)


def test_an_older_copy_of_the_whole_state_folder_does_not_start(kept, tmp_path):
    gateway = kept.gateway
    shutil.copytree(gateway.state, tmp_path / "older")
    gateway.start()
    kept.ask(kept.name)
    gateway.stop()
    set_back(kept, tmp_path / "older")
    gateway.verify()  # by itself there is nothing wrong with it
    said = gateway.refuses_to_start()
    assert str(kept.file) in said and "old copy" in said and "restore the newest copy" in said
    assert f"holds {kept.last + 1} receipts" in said and f"over {kept.last + 2}" in said
    shutil.rmtree(gateway.state / "index")
    assert "restore the newest copy" in gateway.refuses_to_start()
    # Commands that would write are refused as well; what was there is untouched.
    done = gateway.sluis("policy", "withdraw", kept.name, "c1", ok=(74,))
    assert "restore the newest copy" in done.stderr
    gateway.verify()


def test_an_older_copy_that_was_gone_on_with_does_not_start(kept, tmp_path):
    gateway = kept.gateway
    shutil.copytree(gateway.state, tmp_path / "older")
    gateway.start()
    kept.ask(kept.name)
    gateway.stop()
    newest = kept.file.read_bytes()
    set_back(kept, tmp_path / "older")
    kept.file.unlink()
    gateway.start()  # nobody knew
    for _ in range(3):
        kept.ask(kept.name)
    gateway.stop()
    kept.file.write_bytes(newest)
    assert "is another one than the checkpoint kept in" in gateway.refuses_to_start()
    shutil.rmtree(gateway.state / "index")
    assert "is another one than the checkpoint kept in" in gateway.refuses_to_start()


def test_a_lost_ledger_and_a_lost_state_folder_do_not_begin_anew(kept, tmp_path):
    gateway = kept.gateway
    shutil.rmtree(gateway.ledger)
    shutil.rmtree(gateway.state / "index")
    shutil.rmtree(gateway.state / "store")  # or it would know, too
    assert "holds 0 receipts" in gateway.refuses_to_start()


def test_a_store_of_an_earlier_time_is_refused_though_the_ledger_is_the_newest(kept, tmp_path):
    """The last checkpoint is of the ledger; that policies belong to it is the store's own count."""
    gateway = kept.gateway
    shutil.copytree(gateway.state / "store", tmp_path / "older")
    gateway.withdraw(kept.name, "c1")
    shutil.rmtree(gateway.state / "store")
    shutil.copytree(tmp_path / "older", gateway.state / "store")
    assert "the store is an older copy" in gateway.refuses_to_start()
    # And the other way round: store and index of now, ledger of then.
    assert size_of(kept.file) == kept.last + 2


@pytest.mark.parametrize("text, says", [
    ("", "is empty, 0 bytes"),
    ("garbage\n", "is not a checkpoint"),
    ("x" * 5000, "is not a checkpoint"),
])
def test_a_file_that_is_no_checkpoint_is_named(kept, text, says):
    kept.file.write_text(text, encoding="utf-8")
    said = kept.gateway.refuses_to_start()
    assert says in said and str(kept.file) in said


def test_the_file_of_another_node_is_refused(kept, tmp_path):
    run(gateway_.SLUIS, "init", tmp_path / "other", "--origin", "test.example/other")
    config = tmp_path / "other/sluis.yaml"
    run(gateway_.SLUIS, "-c", config, "policy", "put", tmp_path / "other/policies/lotte.yaml")
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\nledger:\n  last_checkpoint: {kept.file}\n", encoding="utf-8")
    done = run(SLUISD, "-c", config, ok=(74,))
    assert "of the ledger \"test.example/gateway\"" in done.stderr


def test_a_disk_that_is_not_mounted_stops_the_start_and_nothing_that_runs(kept):
    gateway = kept.gateway
    gateway.start()
    kept.file.parent.rename(kept.file.parent.with_name("gone"))
    assert kept.ask(kept.name).status == 200
    wait_until(lambda: "failure" in status_of(gateway)["last_checkpoint"])
    assert "ALARM" in gateway.sluis("status").stdout
    wait_until(lambda: "the last checkpoint can't be written" in gateway.text())
    gateway.withdraw(kept.name, "c1")  # also by a `sluis` that is started now
    assert kept.ask(kept.name).status == 403
    gateway.stop()
    assert "is its disk mounted?" in gateway.refuses_to_start()
    kept.file.parent.with_name("gone").rename(kept.file.parent)
    gateway.start()


def test_a_check_of_the_configuration_says_what_a_start_would_say(kept):
    assert run(SLUISD, "-t", "-c", kept.gateway.config).stdout.endswith(": right\n")
    kept.file.parent.rename(kept.file.parent.with_name("gone"))
    done = run(SLUISD, "-t", "-c", kept.gateway.config, ok=(74,))
    assert done.stdout == "" and "is its disk mounted?" in done.stderr
    assert "sluisd would not start with it" in done.stderr
    kept.file.parent.with_name("gone").rename(kept.file.parent)
    kept.file.write_text("nonsense")
    done = run(SLUISD, "-t", "-c", kept.gateway.config, ok=(74,))
    assert str(kept.file) in done.stderr and done.stdout == ""


def test_an_alarm_ends_when_the_disk_is_back(kept):
    gateway = kept.gateway
    gateway.start()
    kept.file.parent.rename(kept.file.parent.with_name("gone"))
    kept.ask(kept.name)
    wait_until(lambda: "the last checkpoint can't be written" in gateway.text())
    kept.file.parent.with_name("gone").rename(kept.file.parent)
    wait_until(lambda: "the last checkpoint is written again" in gateway.text())
    assert gateway.text().count("the last checkpoint can't be written") == 1
    assert size_of(kept.file) == kept.last + 2


def test_a_file_in_the_state_folder_is_a_mistake_in_the_configuration(kept):
    kept.gateway.sections = kept.gateway.sections.replace(
        str(kept.file), str(kept.gateway.state / "checkpoint"))
    kept.gateway.write_config()
    done = run(SLUISD, "-t", "-c", kept.gateway.config, ok=(78,))
    assert "is in the state folder" in done.stderr and "another disk" in done.stderr


def test_the_same_disk_is_said_but_no_mistake(kept):
    done = run(SLUISD, "-t", "-c", kept.gateway.config)
    assert os.stat(kept.file.parent).st_dev != os.stat(kept.gateway.state).st_dev \
        or "is on the disk of the state folder" in done.stderr


def test_the_first_start_with_it_says_that_nothing_was_compared(kept):
    kept.file.unlink()
    kept.gateway.start()
    assert "could not be checked" in kept.gateway.text()
    wait_until(lambda: kept.file.exists() and size_of(kept.file) == kept.last + 1)
