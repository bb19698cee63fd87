"""A ledger of several segments: it rolls over under flows, and everything works across them."""
import json
import shutil

from gateway import AUDIT, SLUIS, Failed, consent, run


def test_flows_roll_segments_over_and_nothing_notices(fresh, tmp_path):
    gateway = fresh.gateway
    gateway.start()
    name = fresh.person(consent())
    ledger = gateway.folder / "state/ledger"
    last = 0
    while len(list(ledger.glob("*.seg"))) < 3:
        answer = fresh.ask(name)
        assert answer.status == 200 and answer.receipt > last
        last = answer.receipt
        assert last < 2000, "a segment of 1 MiB has room for 255 batches of one receipt"
    gateway.verify()

    archive = tmp_path / "archive"
    gateway.sluis("ledger", "archive", archive)
    vkey = gateway.folder / "state/keys/ledger.vkey"
    firsts = sorted(int(file.stem) for file in ledger.glob("*.seg"))
    for folder in (ledger, archive):
        assert "segments    3\n" in run(AUDIT, "verify", folder, "--key", vkey).stdout
        for index in (0, firsts[1] - 1, firsts[1], firsts[2], last):
            proof, leaf = tmp_path / "proof", tmp_path / "leaf"
            for file in (proof, leaf):
                file.unlink(missing_ok=True)
            run(AUDIT, "prove", str(index), folder, "--key", vkey, "-o", proof, "--leaf", leaf)
            assert "valid" in run(AUDIT, "verify-proof", proof, "--leaf", leaf, "--key", vkey).stdout

    gateway.stop()
    restore_from_a_damaged_archive(gateway, archive)
    gateway.start()
    assert fresh.ask(name).receipt == last + 1
    gateway.verify()


def restore_from_a_damaged_archive(gateway, archive):
    """What holds is put back and stays; the next run goes on from there."""
    state = gateway.folder / "state"
    last = sorted(archive.glob("*.seg"))[-1]
    whole = last.read_bytes()
    data = bytearray(whole)
    data[data.index(b'"consented"') + 2] ^= 1
    last.write_bytes(data)
    shutil.rmtree(state / "ledger")
    shutil.rmtree(state / "index")
    said = ""
    try:
        gateway.sluis("ledger", "restore", archive)
    except Failed as failed:
        said = failed.stderr
    assert f"{last.name} in the archive {archive} is damaged" in said
    restoring = state / "ledger.restoring"
    assert f"stays in {restoring}: run the same again to go on from there" in said
    assert "or remove that folder to begin anew" in said
    assert len(list(restoring.glob("*.seg"))) == 2
    assert "sluis ledger restore" in gateway.refuses_to_start()
    last.write_bytes(whole)
    done = run(SLUIS, "-c", gateway.config, "ledger", "restore", archive, "--json")
    found = json.loads(done.stdout)
    assert found["segments"] == 3 and found["copied"] < 3 and not restoring.exists()
