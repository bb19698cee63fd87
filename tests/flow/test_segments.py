"""A ledger of several segments: it rolls over under flows, and everything works across them."""
from gateway import AUDIT, consent, run


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
    gateway.start()
    assert fresh.ask(name).receipt == last + 1
    gateway.verify()
