"""No receipt, no release: when the disk fails, nothing leaves, and the operator is told."""
import errno
import pathlib
import subprocess

import pytest

import gateway as gateway_
from gateway import POSITION, consent

SOURCE = pathlib.Path(gateway_.__file__).parent / "failing_disk.c"


@pytest.fixture(scope="module")
def failing_disk(tmp_path_factory):
    """The preloaded library, built once."""
    library = tmp_path_factory.mktemp("disk") / "failing_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


@pytest.mark.parametrize("call", ["write", "sync"])
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_when_the_disk_fails_nothing_leaves_without_a_receipt(fresh, failing_disk, tmp_path,
                                                              error, call):
    gateway = fresh.gateway
    now = tmp_path / "fail-now"
    environment = {"LD_PRELOAD": str(failing_disk), "FAILING_DISK_WHEN": str(now),
                   "FAILING_DISK_ERRNO": str(error), "FAILING_DISK_CALL": call}
    # The library comes before ASan's own, which ASan has to be told.
    environment["ASAN_OPTIONS"] = gateway_.ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0"
    gateway.environment = gateway_.ENVIRONMENT | environment
    gateway.start()
    name = fresh.person(consent())
    released = [fresh.ask(name).receipt for _ in range(3)]
    n_synced = len(gateway.receipts())

    now.touch()
    partner = fresh.partner()
    refused = None
    for _ in range(200):
        try:
            with partner.connect() as connection:
                connection.send(partner.request(partner.path(POSITION, name)))
                answer = connection.read_answer()
        except OSError:
            break  # it has ended already
        if answer is None:
            break
        if answer.status == 200:
            # A write by RWF_DSYNC has no sync to fail: then the receipt has to be there.
            assert call == "sync"
            released.append(answer.receipt)
            continue
        refused = answer
        assert answer.status == 503 and answer.receipt is None
        assert b"coordinates" not in answer.body
        break
    if call == "write":
        assert refused is not None or gateway.process.poll() is not None
        status = gateway.process.wait(gateway_.WAIT_S)
        assert status > 0, "a gateway whose ledger is dead has to end"
        gateway.kill()
        assert "ledger" in gateway.text()
    else:
        gateway.kill()

    now.unlink()
    gateway.start()
    gateway.verify()
    held = gateway.receipts()
    assert len(held) >= n_synced
    assert all(held[index]["decision"] == "release" for index in released)
    assert fresh.ask(name).status == 200
