"""What is left after a real retention run, and after a real erasure: said, counted, and still proven.

The gateway lives three days in the past (libfaketime) and then today, so that old versions of
policies are superseded for long enough.
"""
import json
import pathlib
import shutil

import pytest

from gateway import AUDIT, CONTROLLER, ENVIRONMENT, consent, run


def past():
    """A command that starts what follows three days ago."""
    library = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
    if library is None:
        pytest.skip("libfaketime is not installed")
    # Sanitizers want to be the first library; faketime's comes before them.
    return ["env", f"LD_PRELOAD={library}", "FAKETIME=-3d", "FAKETIME_DONT_FAKE_MONOTONIC=1",
            f"ASAN_OPTIONS={ENVIRONMENT['ASAN_OPTIONS']}:verify_asan_link_order=0"]


class Auditing:
    def __init__(self, gateway, folder):
        self.gateway, self.folder = gateway, folder

    def evidence(self, name, *more):
        file = self.folder / f"{name}.evidence"
        self.gateway.sluis("evidence", "export", "-o", file, *more)
        return file

    def run_replay(self, evidence, *more, ledger=None, ok=(0,)):
        return run(AUDIT, "replay", ledger or self.gateway.ledger, "--key", self.gateway.vkey,
                   "--evidence", evidence, *more, ok=ok)

    def replay(self, evidence, *more, ledger=None, result="same", ok=(0,)):
        found = json.loads(self.run_replay(evidence, "--json", *more, ledger=ledger, ok=ok).stdout)
        assert found["result"] == result and found["differences"] == []
        return {name: n for name, n in found["counts"].items() if n > 0 and name != "node"}

    def export(self, evidence, form, *more, ok=(0,)):
        """The export, what was said beside it, and what verify-export says of it."""
        file = self.folder / "export"
        file.unlink(missing_ok=True)
        done = run(AUDIT, "export", self.gateway.ledger, "--key", self.gateway.vkey, "--format", form,
                   "--evidence", evidence, "-o", file, *more, ok=ok)
        if done.returncode != 0:
            return None, done.stderr, None
        verified = run(AUDIT, "verify-export", file, "--key", self.gateway.vkey).stdout
        return file.read_text(encoding="utf-8"), done.stderr, verified


@pytest.fixture
def auditing(fresh, tmp_path):
    fresh.gateway.sections = f"{CONTROLLER}retention:\n  policies: 1d\n"
    fresh.gateway.write_config()
    return Auditing(fresh.gateway, tmp_path)


def test_after_a_retention_run_it_is_said_which_policies_are_gone(fresh, auditing):
    gateway = fresh.gateway
    gateway.start(prefix=past())
    name = fresh.person(consent())
    assert fresh.ask(name).status == 200
    for km in (2, 3):
        gateway.put(name, consent(data=f"location: {{precision: {km}km}}"))
        assert fresh.ask(name).status == 200
    gateway.stop()
    before = auditing.evidence("before")
    assert auditing.replay(before) == {"flows_repeated": 3, "policies": 3}
    assert auditing.export(before, "ndjson", "--for", "auditor")[1] == ""
    assert gateway.sluis("retention", "run", "--dry-run").stdout.startswith("2 superseded")

    gateway.start()  # which looks what is kept for long enough, and may be quicker than the command
    gateway.sluis("retention", "run")
    assert gateway.sluis("retention", "run", "--dry-run").stdout.startswith("0 superseded")
    gateway.put(name, consent(data="location: {precision: 4km}"))
    assert fresh.ask(name).status == 200
    after = auditing.evidence("after")
    assert auditing.replay(after) == {"flows_repeated": 2, "flows_not_kept": 2, "policies": 4,
                                      "policies_not_kept": 2}

    text, said, verified = auditing.export(after, "ndjson", "--for", "auditor")
    assert "2 policy changes are exported without the policy's text: it is not kept" in said
    lines = [json.loads(line) for line in text.splitlines()]
    policies = [line["basis"] for line in lines if '"kind":"policy"' in line["receipt"]]
    assert [set(one["policy"]) == {"digest"} for one in policies] == [True, True, False, False]
    assert ["text" in one for one in policies] == [False, False, True, True]
    assert f"receipts  {len(lines)}, each proven" in verified

    text, said, verified = auditing.export(after, "kantara", "--subject", name)
    assert "2 versions of the policy can't be read: the text is not kept" in said
    first, second = json.loads(text)
    assert [one["event"] for one in first["sluis"]["events"]] == ["given", "changed"]
    assert "3km" in first["services"][0]["purposes"][0]["piiCategory"][0]
    assert "basis" in first["sluis"]["receipts"][0] and len(first["sluis"]["receipts"]) == 3
    assert [one["event"] for one in second["sluis"]["events"]] == ["changed"]
    assert "but for 1 policy change that is not opened" in verified


def test_a_copy_from_before_an_erasure_is_too_old_for_evidence_from_after_it(fresh, auditing):
    fresh.gateway.start()
    gone, stays = fresh.person(consent()), fresh.person(consent())
    assert fresh.ask(gone).status == fresh.ask(stays).status == 200
    older = auditing.folder / "older"
    shutil.copytree(fresh.gateway.ledger, older)
    fresh.gateway.sluis("subject", "erase", "--yes", gone)
    after = auditing.evidence("after")
    for more in ([], ["--accept-erased"]):
        assert auditing.replay(after, *more, ledger=older, result="partly", ok=(2,)) == {
            "flows_repeated": 1, "unplaced": 2, "policies": 2}
        done = auditing.run_replay(after, *more, ledger=older, ok=(2,))
        assert "as new as the evidence" in done.stderr and "missing" not in done.stderr


def test_after_an_erasure_its_receipts_are_counted_and_closed(fresh, auditing):
    gateway = fresh.gateway
    gateway.start()
    gone, stays = fresh.person(consent()), fresh.person(consent())
    for _ in range(2):
        assert fresh.ask(gone).status == fresh.ask(stays).status == 200
    own = auditing.evidence("own", "--subject", gone)
    receipts = len(gateway.receipts())
    gateway.sluis("subject", "erase", "--yes", gone)
    fresh.ask(stays)

    after = auditing.evidence("after")
    counts = {"flows_repeated": 3, "releases_of_erased": 2, "policies": 2, "policies_of_erased": 1,
              "erasures": 1}
    assert auditing.replay(after, result="partly", ok=(2,)) == counts
    assert auditing.replay(after, "--accept-erased", result="partly") == counts
    done = auditing.run_replay(after, ok=(2,))
    assert done.stdout.startswith("not all repeated\n") and "--accept-erased" in done.stderr
    done = auditing.run_replay(after, "--accept-erased")
    assert done.stdout.startswith("not all repeated\n") and done.stderr == ""

    text, said, verified = auditing.export(after, "ndjson", "--for", "auditor")
    assert "4 receipts are exported closed" in said and "erasures in the ledger: 1)" in said
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == receipts + 2
    closed = [line for line in lines if "basis" not in line]
    assert [json.loads(line["receipt"])["kind"] for line in closed] == \
        ["policy", "pull", "pull", "erasure"]
    assert gone not in text and f"receipts  {len(lines)}, each proven" in verified
    assert "no subject" in auditing.export(after, "kantara", "--subject", gone, ok=(2,))[1]

    # Who kept the evidence can show that the consent ended.
    text, said, verified = auditing.export(own, "kantara")
    record, = json.loads(text)
    assert [one["event"] for one in record["sluis"]["events"]] == ["given", "erased"]
    assert "records   1 of consents, with 2 events" in verified
