"""SIGKILL before each step on the disk, of what may not stop half-way: a change of key, an erasure.

A step is a write, a sync, a rename or a removal in the state folder (tests/lib/killing.c). The real
daemon is killed before the first one, started again and looked at; then before the second one, and
so on, until what was asked for comes to its end.
"""
import json
import os
import pathlib
import signal
import subprocess

import pytest

import answers
import gateway as gateway_
from gateway import AUDIT, Failed, consent, run
from process import wait_for
from traces import MARK, found_in_files, policy, traces
from world import feature

SOURCE = pathlib.Path(gateway_.__file__).parent / "killing.c"
STRIDE = int(os.environ.get("SLUIS_STRIDE", 1))  # to look at every n-th step alone
STEPS_MAX = 2000


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    built = tmp_path_factory.mktemp("killing") / "killing.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(built), str(SOURCE), "-ldl"], check=True)
    return built


class Doomed:
    """A running gateway that is killed before a step of what `act` does."""

    def __init__(self, world, library, folder):
        self.world = world
        self.gateway = world.gateway
        self.when = folder / "kill-before-step"
        # The library comes before ASan's own, which ASan has to be told.
        asan = gateway_.ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0"
        self.gateway.environment = gateway_.ENVIRONMENT | {
            "LD_PRELOAD": str(library), "KILLING_WHEN": str(self.when),
            "KILLING_BELOW": str(self.gateway.state.resolve()), "ASAN_OPTIONS": asan}

    def act(self, step, act):
        """What it gave, or None when the gateway was killed before it could say so.

        It may be killed before it is even asked, by what it does of its own; then `sluis` opens the
        node itself, and does what it was told.
        """
        new = self.when.with_suffix(".new")
        new.write_text(str(step), encoding="utf-8")
        new.rename(self.when)
        given = None
        try:
            given = act()
            status = self.gateway.process.poll()
        except Failed:
            status = self.gateway.process.wait(gateway_.WAIT_S)
        self.when.unlink()
        assert status in (None, -signal.SIGKILL), self.gateway.text()
        return given if status is None else None

    def start_again(self):
        """Killed where it stands, when it wasn't yet: that is the moment after the last step."""
        self.gateway.kill()
        self.gateway.start()
        self.gateway.verify()


@pytest.fixture
def doomed(fresh, library, tmp_path):
    fresh.gateway.start()
    fresh.gateway.stop()  # nothing is left to be made for the first time
    one = Doomed(fresh, library, tmp_path)
    one.gateway.start()
    return one


# --- a change of key -----------------------------------------------------------------------------

class KeyState:
    """Which key signs, as ledger, files and daemon have it; they must agree."""

    def __init__(self, gateway):
        done = run(AUDIT, "verify", gateway.ledger, "--key", gateway.vkey, "--json")
        report = json.loads(done.stdout)
        status = json.loads(gateway.sluis("status", "--json").stdout)
        self.n = report["keys"]
        self.receipts = gateway.receipts()
        self.pem = (gateway.state / "keys/ledger.pem").read_bytes()
        listed = gateway.vkey.read_text(encoding="utf-8").split()
        self.newest = listed[-1]
        assert len(listed) == len(set(listed)) == self.n == status["keys"]
        assert self.newest == status["key"]
        assert self.n == 1 or self.newest == report["newest_key"]
        others = {file.name for file in (gateway.state / "keys").iterdir()} - {
            "kek.key", "ledger.pem", "ledger.vkey", "pseudonym.key"}
        assert others <= {"ledger.pem.next", "ledger.pem.drawn"}


def secret_of(pem):
    """What of a private key's file no other file has."""
    return b"".join(pem.splitlines()[1:-1])


def test_a_change_of_key_is_whole_or_was_not(doomed):
    gateway = doomed.gateway
    name = doomed.world.person(consent())
    before = KeyState(gateway)
    first = gateway.folder / "first.vkey"
    first.write_text(before.newest + "\n", encoding="utf-8")
    seen, answer = set(), None
    for step in range(1, STEPS_MAX, STRIDE):
        gateway.sluis("ledger", "rotate-key", "--discard")  # so that each draws one anew
        answer = doomed.act(step, lambda: gateway.sluis("ledger", "rotate-key", "--json"))
        doomed.start_again()
        after = KeyState(gateway)
        assert after.receipts[:len(before.receipts)] == before.receipts
        has_changed = after.n == before.n + 1
        if has_changed:
            assert after.newest != before.newest
            kinds = [one["kind"] for one in after.receipts[len(before.receipts):]]
            assert kinds == ["key"]
            assert found_in_files(gateway, {"old": secret_of(before.pem)})["old"] == []
        else:
            assert (after.n, after.newest, after.pem) == (before.n, before.newest, before.pem)
            assert after.receipts == before.receipts
        gateway.verify(vkey=first)
        got = doomed.world.ask(name)
        assert (got.status, got.receipt) == (200, len(after.receipts))
        before = KeyState(gateway)
        seen.add(has_changed)
        if answer:
            break
    assert answer and json.loads(answer.stdout)["new"] == before.newest
    assert seen == {True, False}, "it was killed on one side only"
    print(f"{step} steps")


# --- an erasure ----------------------------------------------------------------------------------

def make_person(world, name):
    gateway = world.gateway
    gateway.put(name, policy(f"{MARK}-{name}"))
    gateway.sluis("subject", "account", name, "waze", f"{name}-at-waze")
    world.waze.on(f"/v1/drivers/{name}-at-waze/position",
                  answers.well(feature(f"{name}-at-waze")))
    assert world.ask(name).status == 200
    return traces(gateway, name, f"{name}-at-waze")


def erase(gateway, name):
    return json.loads(gateway.sluis("subject", "erase", "--yes", "--json", name).stdout)


def is_clean(gateway):
    upkeep = json.loads(gateway.sluis("status", "--json").stdout)["upkeep"]
    return upkeep["clean"] and upkeep["state"] == "idle"


def assert_no_trace(gateway, gone):
    found = found_in_files(gateway, gone)
    assert not any(found.values()), found


def test_an_erasure_is_finished_or_was_not_begun(doomed):
    world, gateway = doomed.world, doomed.gateway
    stays = world.person(consent())
    before = gateway.receipts()
    seen, answer = set(), None
    for step in range(1, STEPS_MAX, STRIDE):
        name = f"lotte.van.dam.{step}"
        gone = make_person(world, name)
        before = gateway.receipts()
        answer = doomed.act(step, lambda: erase(gateway, name))
        if answer:
            assert answer["wiped"]
            assert_no_trace(gateway, gone)
        doomed.start_again()
        after = gateway.receipts()
        assert after[:len(before)] == before
        kinds = [one["kind"] for one in after[len(before):]]
        is_erased = kinds == ["erasure"]
        if not is_erased:
            assert kinds == [] and answer is None
            assert world.ask(name).status == 200
            erase(gateway, name)
        wait_for("a clean disk", lambda: is_clean(gateway))
        assert_no_trace(gateway, gone)
        assert world.ask(name).reason == "no_consent"
        assert world.ask(stays).status == 200
        seen.add(is_erased)
        if answer:
            break
    assert answer and seen == {True, False}, "it was killed on one side only"
    print(f"{step} steps")
