"""SIGKILL at any moment: what a partner has received is in the ledger, and the ledger is whole.

The moments are drawn at random, as a number of answers after which the process is killed; the seed
is printed with a failure, and SLUIS_SEED repeats it. SLUIS_ROUNDS makes it go on longer.
"""
import itertools
import os
import random
import threading

import pytest

from gateway import Failed, POSITION, consent

SEED = int(os.environ.get("SLUIS_SEED", random.randrange(1 << 32)))
ROUNDS = int(os.environ.get("SLUIS_ROUNDS", 6))
N_PARTNERS = 8


class Hammer:
    """A partner that asks without pause, several requests ahead, until its connection breaks."""

    def __init__(self, world, name, depth, noted):
        self.partner = world.partner()
        self.request = self.partner.request(self.partner.path(POSITION, name))
        self.depth = depth
        self.noted = noted  # called with each whole answer
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def join(self):
        self.thread.join()

    def _run(self):
        try:
            with self.partner.connect() as connection:
                connection.send(self.request * self.depth)
                while True:
                    answer = connection.read_answer()
                    if answer is None:
                        return
                    if not self.noted(answer):
                        return
                    connection.send(self.request)
        except (OSError, AssertionError):
            pass  # killed in the middle of an answer: that one was not received


def hammer_until_killed(world, names, n_answers, depth):
    """Returns what was received in whole: (status, receipt index) of each answer."""
    received, enough, lock = [], threading.Event(), threading.Lock()

    def note(answer):
        with lock:
            received.append((answer.status, answer.receipt))
            if len(received) >= n_answers:
                enough.set()
        return True

    hammers = [Hammer(world, names[i % len(names)], depth, note).start() for i in range(N_PARTNERS)]
    assert enough.wait(120), "the gateway stopped answering"
    world.gateway.kill()
    for hammer in hammers:
        hammer.join()
    return received


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_every_answer_that_left_has_its_receipt_after_a_crash(fresh, round_):
    rng = random.Random(f"{SEED}/{round_}")
    print(f"SLUIS_SEED={SEED}")
    fresh.gateway.start()
    names = [fresh.person(consent()), fresh.person(), fresh.person(consent(more="until: 2020-01-01"))]
    received = hammer_until_killed(fresh, names, rng.randint(1, 2500), rng.choice([1, 2, 8]))

    # The auditor needs no recovery first: what was seen is already whole on the disk.
    before = {one["index"]: one for one in fresh.gateway.receipts()}
    fresh.gateway.start()
    fresh.gateway.verify()
    after = {one["index"]: one for one in fresh.gateway.receipts()}
    assert list(after) == list(range(len(after)))
    for status, index in received:
        assert index in after, f"answer with receipt {index} left, but the ledger ends at {len(after)}"
        assert after[index]["decision"] == ("release" if status == 200 else "refuse")
    assert len({index for _, index in received}) == len(received), "one receipt for two answers"
    assert all(after[index] == one for index, one in before.items())
    assert fresh.ask(names[0]).receipt == len(after)


def test_a_ledger_that_crashed_again_and_again_only_ever_grows(fresh):
    rng = random.Random(SEED)
    print(f"SLUIS_SEED={SEED}")
    fresh.gateway.start()
    name = fresh.person(consent())
    seen = []
    for _ in range(ROUNDS):
        received = hammer_until_killed(fresh, [name], rng.randint(1, 400), 4)
        fresh.gateway.start()
        fresh.gateway.verify()
        now = fresh.gateway.receipts()
        assert now[:len(seen)] == seen, "history has changed"
        assert all(index < len(now) for _, index in received)
        seen = now


def test_a_policy_change_and_its_receipt_survive_together(fresh):
    rng = random.Random(SEED)
    print(f"SLUIS_SEED={SEED}")
    fresh.gateway.start()
    name = fresh.person()
    confirmed = 1
    serial = itertools.count(1)  # no put repeats the one before: that would change nothing
    for _ in range(ROUNDS):
        n_puts, stop = rng.randint(1, 4), threading.Event()
        done = []

        def put_on():
            for i in range(50):
                if stop.is_set():
                    return
                try:
                    fresh.gateway.put(name, consent(f"c{i % 2}", data="location: {precision: %dm}" % next(serial)))
                    done.append(i)
                except Failed:
                    return
        putting = threading.Thread(target=put_on)
        putting.start()
        while len(done) < n_puts and putting.is_alive():
            stop.wait(rng.uniform(0.001, 0.02))
        fresh.gateway.kill()
        stop.set()
        putting.join()
        confirmed += len(done)

        fresh.gateway.start()
        fresh.gateway.verify()
        n_versions = n_versions_of(fresh.gateway, name)
        n_receipts = sum(one["kind"] == "policy" for one in fresh.gateway.receipts())
        assert n_versions == n_receipts, "a version without its receipt, or the other way round"
        assert n_versions >= confirmed, "a change that was confirmed is gone"
        confirmed = n_versions


def n_versions_of(gateway, name):
    import json
    return len(json.loads(gateway.sluis("policy", "history", name, "--json").stdout))


def test_sigterm_under_load_loses_no_answer(fresh):
    fresh.gateway.start()
    name = fresh.person(consent())
    received, enough = [], threading.Event()

    def note(answer):
        received.append((answer.status, answer.receipt))
        if len(received) >= 300:
            enough.set()
        return True

    hammers = [Hammer(fresh, name, 4, note).start() for _ in range(N_PARTNERS)]
    assert enough.wait(120)
    fresh.gateway.stop()
    for hammer in hammers:
        hammer.join()
    fresh.gateway.verify()
    held = {one["index"] for one in fresh.gateway.receipts()}
    assert all(index in held for status, index in received if status == 200)
