"""A gateway and its witnesses: what is cosigned, what is not, and what follows from it.

Real sluisd, real witnesses where they are honest; dishonest ones are made up (fake_witness.py).
"""
import base64
import json
import shutil
import ssl
import re
import time

import pytest

import answers
import tlog
from fake_witness import FakeWitness
from gateway import AUDIT, CONTROLLER, ORIGIN, SLUISD, consent, run
from process import wait_for
from witness import Witness
from world import World, feature

QUICK = {"witness_answer_ms": 500, "witness_alarm_ms": 3000}


class Watched:
    """A world whose ledger is watched. `witnesses` have a name in the trust file, vkey and url."""

    def __init__(self, folder, witnesses, quorum, refuse_after="never", limits=None, more=""):
        self.world = World(folder / "node", limits=QUICK | (limits or {}))
        self.gateway = self.world.gateway
        self.trust = folder / "trust"
        self.refuse_after = refuse_after
        self.every = "1s"
        self.more = more
        self.set(witnesses, quorum)

    def set(self, witnesses, quorum, log_vkey=None):
        log_vkey = log_vkey or self.gateway.vkey.read_text(encoding="utf-8").strip()
        lines = [f"log {log_vkey}"]
        lines += [f"witness {name} {one.vkey} {one.url}" for name, one in witnesses.items()]
        if quorum not in witnesses:
            lines.append(f"group enough {quorum} {' '.join(witnesses)}")
            quorum = "enough"
        self.trust.write_text("\n".join(lines) + f"\nquorum {quorum}\n", encoding="utf-8")
        self.gateway.sections = (f"witnesses:\n  policy: {self.trust}\n  every: {self.every}\n"
                                 f"  refuse_after: {self.refuse_after}\n{self.more}")
        self.gateway.write_config()

    def status(self):
        return json.loads(self.gateway.sluis("status", "--json").stdout)["witnesses"]

    def one(self, name):
        return next(one for one in self.status()["each"] if one["name"] == name)

    def size(self):
        return json.loads(self.gateway.sluis("status", "--json").stdout)["receipts"]

    def add_receipts(self, n=1):
        for _ in range(n):
            self.world.person(consent())

    def wait_until_cosigned(self):
        size = self.size()
        wait_for(f"a quorum at {size}", lambda: self.status()["cosigned"] >= size)
        return size

    def wait_for_state(self, name, state):
        wait_for(f"{name} {state}", lambda: self.one(name)["state"] == state)
        return self.one(name).get("text", "")

    @property
    def kept(self):
        return (self.gateway.state / "cosigned.checkpoint").read_text(encoding="utf-8")

    def close(self):
        self.world.close()


@pytest.fixture
def make(tmp_path):
    """Watched worlds that end with the test."""
    made = []

    def watched(*arguments, **more):
        folder = tmp_path / f"w{len(made)}"
        folder.mkdir()
        made.append(Watched(folder, *arguments, **more))
        return made[-1]
    yield watched
    for one in made:
        one.close()


@pytest.fixture
def real(tmp_path):
    """Real witnesses, by name; they watch a ledger when they are told its key, and start then."""
    made = {}

    def witness(*names):
        for name in names:
            made[name] = Witness(tmp_path / name, f"{name}.example/w")
            made[name].watch(tlog.Key("nobody.example", tlog.LOG, 99).vkey)
            made[name].start()  # takes a port, and keeps it
        return {name: made[name] for name in names}

    def watch(watched, *names):
        for name in names:
            made[name].stop()
            made[name].watch(watched.gateway.vkey.read_text(encoding="utf-8").strip())
            made[name].start()
    witness.watch, witness.made = watch, made
    yield witness
    for one in made.values():
        if one.process is not None:
            one.stop()


@pytest.fixture
def fake():
    one = FakeWitness()
    yield one
    one.close()


@pytest.fixture
def ticking():
    """A witness that always fails: each request to it tells that the gateway's time has gone on.

    The pauses between them are of 0.75, 1.5 and 3 s at least, then more; `every` is a second.
    """
    one = FakeWitness("ticking.example", 154)
    one.behave = one.be_broken
    yield one
    one.close()


def wait_for_ticks(ticking, n):
    at = len(ticking.bodies)
    wait_for(f"{n} more requests", lambda: len(ticking.bodies) >= at + n)


# --- what is cosigned ----------------------------------------------------------------------------

def test_two_of_three_real_witnesses_are_a_quorum(make, real, tmp_path):
    """One is killed, and one lies: what the two others cosigned verifies for an auditor."""
    three = real("north", "south", "east")
    watched = make(three, 2)
    real.watch(watched, "north", "south", "east")
    watched.gateway.start()
    watched.add_receipts(3)
    size = watched.wait_until_cosigned()
    three["east"].kill()
    watched.add_receipts(2)
    assert watched.wait_until_cosigned() == size + 2
    assert "no answer" in watched.wait_for_state("east", "fails")

    text, lines = tlog.split_note(watched.kept)
    assert text.splitlines()[:2] == [ORIGIN, str(size + 2)]
    for name in ("north", "south"):
        tlog.cosigned_at(three[name].vkey, text, lines)
    assert check_under_the_trust_file(watched, tmp_path, size)["witnesses"] == 2

    three["east"].start()
    watched.add_receipts()
    watched.wait_for_state("east", "agrees")
    assert "witness east cosigns again" in watched.gateway.text()


def check_under_the_trust_file(watched, folder, index):
    """A proof under the cosigned checkpoint, by the auditor's tool."""
    proof, leaf = folder / "proof", folder / "leaf"
    prove = [AUDIT, "prove", index, watched.gateway.ledger, "--key", watched.gateway.vkey, "-o",
             proof, "--leaf", leaf]
    verify = [AUDIT, "verify-proof", proof, "--leaf", leaf, "--policy", watched.trust, "--json"]
    proof.unlink(missing_ok=True)
    leaf.unlink(missing_ok=True)
    run(*prove)
    assert "too few" in run(*verify, ok=(1,)).stdout  # the ledger's signature alone
    proof.unlink()
    leaf.unlink()
    run(*prove, "--checkpoint", watched.gateway.state / "cosigned.checkpoint")
    return json.loads(run(*verify).stdout)


def test_an_export_carries_the_cosignatures_that_there_are(make, fake, tmp_path):
    watched = make({"fake": fake}, "fake", more=CONTROLLER)
    gateway, file, evidence = watched.gateway, tmp_path / "export", tmp_path / "evidence"
    gateway.start()
    who = watched.world.person(consent())
    watched.world.ask(who)
    size = watched.wait_until_cosigned()

    def export(*more, **ok):
        file.unlink(missing_ok=True)
        return run(AUDIT, "export", gateway.ledger, "--key", gateway.vkey, "--format", "ndjson",
                   "--evidence", evidence, "--for", "auditor", "-o", file, *more, **ok)
    verify = [AUDIT, "verify-export", file, "--policy", watched.trust, "--json"]
    gateway.sluis("evidence", "export", "-o", evidence)
    assert export().stderr == ""
    found = json.loads(run(*verify).stdout)
    assert (found["receipts"], found["witnesses"]) == (size, 1)
    assert "1 or more have cosigned each" in run(*verify[:-1]).stdout

    record = tmp_path / "record"
    run(AUDIT, "export", gateway.ledger, "--key", gateway.vkey, "--format", "dpv", "--evidence",
        evidence, "--subject", who, "-o", record)
    found = json.loads(run(AUDIT, "verify-export", record, "--policy", watched.trust,
                           "--json").stdout)
    assert (found["records"], found["witnesses"], found["ledgers"]) == (1, 1, [ORIGIN])
    nobody = tmp_path / "nobody"
    nobody.write_text("quorum none\n", encoding="utf-8")
    done = run(AUDIT, "verify-export", record, "--policy", nobody, ok=(2,))
    assert "names no log" in done.stderr

    fake.behave = lambda body: (503, None, "")
    watched.add_receipts()
    said = export().stderr
    assert f"witnesses have cosigned the first {size} of {size + 1} receipts" in said
    assert "too few of the trusted witnesses" in run(*verify, ok=(1,)).stderr
    assert "valid" in run(AUDIT, "verify-export", file, "--key", gateway.vkey).stdout
    given = ["--checkpoint", gateway.state / "cosigned.checkpoint"]
    export(*given)
    assert json.loads(run(*verify).stdout)["receipts"] == size

    other = tmp_path / "other.checkpoint"
    other.write_text(watched.kept.replace(f"\n{size}\n", f"\n{size + 9}\n", 1), encoding="utf-8")
    assert "receipts are missing" in export("--checkpoint", other, ok=(1,)).stderr
    root = watched.kept.split("\n")[2]
    other.write_text(watched.kept.replace(root, "A" * 43 + "="), encoding="utf-8")
    assert "not over this ledger" in export("--checkpoint", other, ok=(1,)).stderr
    other.write_text("nothing", encoding="utf-8")
    assert "is not a checkpoint" in export("--checkpoint", other, ok=(2,)).stderr
    table = [AUDIT, "export", gateway.ledger, "--key", gateway.vkey, "--format", "csv"]
    assert "no proofs" in run(*table, *given, ok=(64,)).stderr


def test_a_partner_gets_its_receipt_under_the_cosignatures(make, fake, tmp_path):
    watched = make({"fake": fake}, "fake")
    watched.gateway.start()
    who = watched.world.person(consent())
    index = watched.world.ask(who).receipt
    watched.wait_until_cosigned()
    answer = watched.world.partner().get(f"/sluis/v1/receipts/{index}").json()
    (tmp_path / "proof").write_text(answer["proof"], encoding="utf-8")
    (tmp_path / "leaf").write_text(answer["receipt"], encoding="utf-8")
    done = run(AUDIT, "verify-proof", tmp_path / "proof", "--leaf", tmp_path / "leaf", "--policy",
               watched.trust, "--json")
    assert json.loads(done.stdout)["witnesses"] == 1


def test_a_lie_does_not_hold_up_the_others(make, real, fake, tmp_path):
    two = real("north", "south")
    watched = make(two | {"fake": fake}, 2)
    real.watch(watched, "north", "south")
    fake.behave = fake.cosign_other_text
    watched.gateway.start()
    watched.add_receipts(2)
    size = watched.wait_until_cosigned()
    assert "something else" in watched.wait_for_state("fake", "fails")
    assert "fake.example" not in watched.kept
    assert check_under_the_trust_file(watched, tmp_path, size - 1)["witnesses"] == 2


def test_what_is_served_is_what_a_quorum_has_cosigned(make, real):
    """Before there is a quorum: the newest checkpoint, with the ledger's signature alone."""
    watched = make(real("north"), "north")
    watched.gateway.start()
    watched.add_receipts()
    text, lines = tlog.split_note(served(watched))
    assert text.splitlines()[1] == "1" and lines.count(tlog.DASH) == 1
    watched.wait_for_state("north", "fails")
    real.watch(watched, "north")
    watched.wait_until_cosigned()
    assert served(watched) == watched.kept and served(watched).count(tlog.DASH) == 2


def test_a_receipt_that_is_not_cosigned_yet_is_said_to_be_not_served(make, real):
    """The auditor is told how far the server goes, and what to try."""
    watched = make(real("north"), "north")
    real.watch(watched, "north")
    watched.gateway.start()
    watched.add_receipts(2)
    size = watched.wait_until_cosigned()
    real.made["north"].stop()
    watched.add_receipts(1)
    assert watched.size() == size + 1
    host, port = watched.gateway.ledger_address
    for command in ("prove", "show"):
        said = run(AUDIT, command, size, f"http://{host}:{port}", "--key", watched.gateway.vkey,
                   ok=(2,)).stderr
        assert f"receipt {size} is not served" in said and "have cosigned" in said
        assert f"serves the first {size} receipts, 0 to {size - 1}" in said
    run(AUDIT, "prove", size, watched.gateway.ledger, "--key", watched.gateway.vkey)


def served(watched):
    import partner  # noqa: PLC0415
    with partner.Connection(watched.gateway.ledger_address) as connection:
        connection.send(partner.request("/checkpoint", host="x"))
        return connection.read_answer().body.decode()


def test_a_witness_that_knows_the_ledger_already_is_asked_from_there(make, fake, real):
    watched = make(real("north") | {"fake": fake}, 2)
    real.watch(watched, "north")
    watched.gateway.start()
    watched.add_receipts(5)
    size = watched.wait_until_cosigned()
    watched.gateway.stop()
    fake.bodies.clear()
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    assert watched.one("north")["size"] == size + 1
    assert "cosigns again" not in watched.gateway.text()  # a 409 is no failure
    watched.add_receipts(2)
    watched.wait_until_cosigned()
    assert fake.old_of(fake.bodies[0]) == 0 and fake.old_of(fake.bodies[-1]) == size + 1


def test_the_proof_is_right_at_every_pair_of_sizes(make, real):
    """By a real witness, which checks it."""
    watched = make(real("north"), "north")
    real.watch(watched, "north")
    watched.gateway.start()
    for n in (1, 1, 2, 3, 5):
        watched.add_receipts(n)
        watched.wait_until_cosigned()
    assert watched.one("north")["state"] == "agrees" and "DISAGREES" not in watched.gateway.text()


def test_nothing_new_is_not_submitted(make, fake, ticking):
    watched = make({"fake": fake, "ticking": ticking}, "fake")
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    n = len(fake.bodies)
    wait_for_ticks(ticking, 3)
    assert len(fake.bodies) == n


def test_an_answer_may_have_16384_bytes(make, fake):
    fake.behave = fake.say_as_much_as_is_read
    watched = make({"fake": fake}, "fake")
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    assert watched.kept.count(tlog.DASH) == 2  # lines of others are not kept


def test_a_url_may_have_a_path(make, fake):
    watched = make({"fake": fake}, "fake")
    text = watched.trust.read_text(encoding="utf-8").replace(fake.url, fake.url + "/deep/er/")
    watched.trust.write_text(text, encoding="utf-8")
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    assert set(fake.paths) == {"/deep/er/add-checkpoint"}


def test_no_proxy_of_the_environment_is_used(make, fake):
    watched = make({"fake": fake}, "fake")
    nowhere = "http://127.0.0.1:9"
    watched.gateway.environment = watched.gateway.environment | {
        "http_proxy": nowhere, "https_proxy": nowhere, "ALL_PROXY": nowhere, "all_proxy": nowhere}
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()


def certificate(folder, name):
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}", "-addext",
        f"subjectAltName=DNS:{name}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def test_a_witness_behind_tls_must_have_the_right_certificate(make, tmp_path):
    cert, context = certificate(tmp_path, "localhost")
    one = FakeWitness(wrap=context)
    try:
        watched = make({"one": one}, "one", more=f"  ca: {cert}\n")
        watched.gateway.start()
        watched.add_receipts()
        watched.wait_until_cosigned()
        watched.gateway.stop()
        watched.more = ""
        watched.set({"one": one}, "one")
        watched.gateway.start()
        watched.add_receipts()
        assert "certificate" in watched.wait_for_state("one", "fails")
    finally:
        one.close()


# --- witnesses that lie, hang, or answer anything -------------------------------------------------

CONDUCT = {
    "cosign_other_text": ("fails", "something else"),
    "cosign_in_the_future": ("fails", "after now"),
    "cosign_in_the_past": ("fails", "before now"),
    "cosign_with_another_key": ("fails", "no cosignature of the key"),
    "sign_as_a_log": ("fails", "no cosignature of the key"),
    "echo_the_checkpoint": ("fails", "not made of signature lines"),
    "say_nothing_with_200": ("fails", "no cosignature of the key"),
    "say_garbage_with_200": ("fails", "not made of signature lines"),
    "say_too_much": ("fails", "too large"),
    "say_one_byte_more": ("fails", "too large"),
    "conflict_with_its_own": ("fails", "the size that it was asked from"),
    "conflict_differently_each_time": ("fails", "409 each time"),
    "conflict_with_garbage": ("fails", "something else than a size"),
    "conflict_without_a_size": ("fails", "without a size"),
    "conflict_with_more_than_there_is": ("disagrees", "another gateway"),
    "conflict_with_2_to_64": ("disagrees", "18446744073709551615 receipts"),
    "find_it_inconsistent": ("disagrees", "did not grow"),
    "not_watch_it": ("fails", "404"),
    "not_know_the_key": ("fails", "403"),
    "be_broken": ("fails", "500"),
    "redirect": ("fails", "redirects are not followed"),
    "hang": ("fails", "no answer"),
    "trickle": ("fails", "no answer"),
    "send_head_fields_for_ever": ("fails", "too large"),
    "send_a_body_for_ever": ("fails", "too large"),
    "hang_up": ("fails", "no answer"),
    "speak_no_http": ("fails", "no answer"),
}


RAW = {"trickle", "send_head_fields_for_ever", "send_a_body_for_ever", "hang_up", "speak_no_http"}


@pytest.fixture(scope="module")
def among_liars(tmp_path_factory):
    """One honest witness is the quorum; one for each conduct does what it should not."""
    honest = FakeWitness("honest.example", 200)
    liars = {conduct: FakeWitness(f"{number}.example", 1 + number)
             for number, conduct in enumerate(CONDUCT)}
    for conduct, one in liars.items():
        one.behave = getattr(one, conduct)() if conduct in RAW else getattr(one, conduct)
    watched = Watched(tmp_path_factory.mktemp("liars"), {"honest": honest} | liars, "honest")
    try:
        watched.gateway.start()
        watched.add_receipts(20)
        yield watched, liars
    finally:
        watched.close()
        for one in (honest, *liars.values()):
            one.close()


def test_no_liar_holds_up_the_quorum_or_a_flow(among_liars):
    watched, _ = among_liars
    for _ in range(3):
        assert watched.world.ask(watched.world.person(consent())).status == 200
        watched.wait_until_cosigned()
        assert watched.kept.count(tlog.DASH) == 2  # the log's and the honest one's
    assert not watched.status()["missed"]


@pytest.mark.parametrize("conduct", CONDUCT)
def test_whatever_a_witness_does_is_named(among_liars, conduct):
    watched, _ = among_liars
    state, part = CONDUCT[conduct]
    wait_for(conduct, lambda: watched.one(conduct)["state"] == state and
             part in watched.one(conduct).get("text", ""))
    assert f"witness {conduct}" in watched.gateway.text()


def test_a_liar_that_mends_its_ways_counts_again(among_liars):
    watched, liars = among_liars
    for one in liars.values():
        one.behave = one.cosign
    watched.add_receipts()
    wait_for("all agree", lambda: all(one["state"] == "agrees" for one in watched.status()["each"]))
    watched.wait_until_cosigned()
    wait_for("all lines", lambda: watched.kept.count(tlog.DASH) == 2 + len(liars))


def test_a_slow_witness_is_part_of_a_quorum_that_needs_it(make, fake, ticking):
    """Slower than `every`, faster than the deadline: the round waits for it."""
    slow = FakeWitness("slow.example", 153)

    def late(body):
        wait_for_ticks(ticking, 1 if len(slow.bodies) > 1 else 2)
        return slow.cosign(body)
    slow.behave = late
    try:
        watched = make({"fake": fake, "slow": slow, "ticking": ticking}, 2,
                       limits={"witness_answer_ms": 60000})
        watched.gateway.start()
        for _ in range(2):
            watched.add_receipts(2)
            watched.wait_until_cosigned()
    finally:
        slow.close()


def test_pauses_grow_while_a_witness_fails(make, fake):
    fake.behave = fake.be_broken
    watched = make({"fake": fake}, "fake")
    watched.gateway.start("--debug")
    watched.add_receipts()

    def pauses():
        said = re.findall(r"witness fake is asked again in (\d+) ms", watched.gateway.text())
        return [int(ms) for ms in said]
    wait_for("three pauses", lambda: len(pauses()) >= 3)
    assert pauses() == sorted(set(pauses())) and len(fake.bodies) <= len(pauses()) + 1


# --- without a quorum ----------------------------------------------------------------------------

def test_an_alarm_when_the_quorum_is_missed_and_when_it_is_back(make, fake):
    fake.behave = fake.be_broken
    watched = make({"fake": fake}, "fake")
    watched.gateway.start()
    watched.add_receipts()
    wait_for("the alarm", lambda: "no quorum of witnesses for" in watched.gateway.text())
    status = watched.status()
    assert status["missed"] and not status["refuses"] and status["cosigned"] == 0
    shown = watched.gateway.sluis("status").stdout
    assert "no quorum" in shown and "fake fails" in shown and "500" in shown
    who = watched.world.person(consent())
    assert watched.world.ask(who).status == 200  # refuse_after is never
    fake.behave = fake.cosign
    watched.wait_until_cosigned()
    wait_for("it is back", lambda: "the quorum of witnesses is back" in watched.gateway.text())
    assert not watched.status()["missed"]
    assert "a quorum has cosigned" in watched.gateway.sluis("status").stdout


def test_past_the_window_flows_are_refused_and_come_back_by_themselves(make, fake):
    watched = make({"fake": fake}, "fake", refuse_after="10s")
    watched.gateway.start()
    who = watched.world.person(consent())
    watched.wait_until_cosigned()
    assert watched.world.ask(who).status == 200
    fake.behave = fake.hang
    watched.add_receipts()
    wait_for("refusal", lambda: watched.status()["refuses"])
    answer = watched.world.ask(who)
    assert (answer.status, answer.reason) == (503, "unwitnessed")
    assert watched.gateway.receipt(answer.receipt)["reason"] == "unwitnessed"
    assert "flows are refused" in watched.gateway.text()
    assert "flows are refused" in watched.gateway.sluis("status").stdout
    watched.gateway.withdraw(who, "c1")
    other = watched.world.person(consent())
    fake.behave = fake.cosign
    wait_for("service", lambda: watched.world.ask(other).status == 200)
    assert watched.world.ask(who).reason == "no_consent"
    assert "flows are served again" in watched.gateway.text()


def test_a_flow_under_way_is_refused_when_the_window_ends(make, fake):
    """The app is asked in time, and answers too late."""
    watched = make({"fake": fake}, "fake", refuse_after="10s",
                   limits={"app_head_ms": 60000, "app_body_ms": 60000, "flow_ms": 120000})
    watched.gateway.start()
    fake.behave = fake.be_broken

    def late(exchange):
        wait_for("refusal", lambda: watched.status()["refuses"])
        answers.well(feature(exchange.path.split("/")[3]))(exchange)
    answer = watched.world.ask(watched.world.person(consent(), answer=late))
    assert (answer.status, answer.reason) == (503, "unwitnessed")
    assert watched.gateway.receipts("--decision", "release") == []


def test_an_idle_ledger_is_never_overdue(make, fake, ticking):
    watched = make({"fake": fake, "ticking": ticking}, "fake", refuse_after="10s")
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    fake.behave = fake.hang
    wait_for_ticks(ticking, 3)  # longer than witness_alarm_ms
    status = watched.status()
    assert status["waiting_s"] == 0 and not status["missed"]


# --- starting again ------------------------------------------------------------------------------

def test_the_cosigned_checkpoint_survives_a_kill(make, fake):
    watched = make({"fake": fake}, "fake")
    watched.gateway.start()
    watched.add_receipts(3)
    watched.wait_until_cosigned()
    kept = watched.kept
    watched.gateway.kill()
    fake.behave = fake.be_broken
    watched.gateway.start()
    assert watched.kept == kept == served(watched)
    assert watched.status()["cosigned"] == 3


def test_what_waited_before_a_restart_is_not_forgotten(make, fake):
    """The window does not begin anew with the process."""
    watched = make({"fake": fake}, "fake", refuse_after="10s")
    fake.behave = lambda body: (200, "text/plain", fake.line(fake.text_of(body),
                                                             int(time.time()) - 290))
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    fake.behave = fake.be_broken
    watched.add_receipts()
    watched.gateway.restart()
    assert watched.status()["refuses"]
    fake.behave = fake.cosign
    wait_for("service", lambda: not watched.status()["refuses"])


def test_a_ledger_that_lost_cosigned_receipts_does_not_start(make, fake, tmp_path):
    watched = make({"fake": fake}, "fake")
    watched.gateway.start()
    watched.add_receipts(2)
    watched.wait_until_cosigned()
    watched.gateway.stop()
    shutil.copytree(watched.gateway.state, tmp_path / "older")
    watched.gateway.start()
    watched.add_receipts(2)
    watched.wait_until_cosigned()
    watched.gateway.stop()
    kept = watched.kept
    shutil.rmtree(watched.gateway.state)
    shutil.copytree(tmp_path / "older", watched.gateway.state)
    (watched.gateway.state / "cosigned.checkpoint").write_text(kept, encoding="utf-8")
    said = watched.gateway.refuses_to_start()
    assert "the ledger has 2 receipts, but witnesses have cosigned 4" in said


def test_a_trust_file_with_another_key_of_the_ledger_is_no_quorum(make, fake):
    watched = make({"fake": fake}, "fake")
    watched.set({"fake": fake}, "fake", log_vkey=tlog.Key(ORIGIN, tlog.LOG, 42).vkey)
    watched.gateway.start()
    watched.add_receipts()
    wait_for("the alarm", lambda: "another key of this ledger" in watched.gateway.text())
    status = watched.status()
    assert status["cosigned"] == 0 and "keys/ledger.vkey" in status["text"]
    assert "another key of this ledger" in watched.gateway.sluis("status").stdout


def test_a_kept_checkpoint_that_the_trust_file_does_not_know_counts_for_nothing(make, fake):
    watched = make({"fake": fake}, "fake")
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    watched.gateway.stop()
    other = FakeWitness("other.example", 160)
    try:
        other.behave = other.be_broken
        watched.set({"other": other}, "other")
        watched.gateway.start()
        assert watched.status()["cosigned"] == 0
    finally:
        other.close()


def test_the_ledger_may_change_its_key_when_all_were_told_before(make, real):
    """The next key goes to the witness and into the trust file, beside the old one; then it signs."""
    north = real("north")
    watched = make(north, "north")
    real.watch(watched, "north")
    watched.gateway.start()
    watched.add_receipts(2)
    watched.wait_until_cosigned()
    old_key = watched.gateway.vkey.read_text(encoding="utf-8").strip()
    said = watched.gateway.sluis("ledger", "rotate-key", "--prepare").stdout
    new_key, = {word for word in said.split() if word.startswith(f"{ORIGIN}+")} - {old_key}
    north["north"].stop()
    north["north"].watch(old_key, new_key)
    north["north"].start()
    text = watched.trust.read_text(encoding="utf-8")
    watched.trust.write_text(text + f"log {new_key}\n", encoding="utf-8")
    watched.gateway.restart()
    assert rotate(watched)[1] == ""
    watched.add_receipts(2)
    size = watched.wait_until_cosigned()
    note, lines = tlog.split_note(watched.kept)
    assert note.splitlines()[1] == str(size)
    tlog.cosigned_at(north["north"].vkey, note, lines)
    signature = next(line for line in lines.splitlines() if f" {ORIGIN} " in line).split(" ")[2]
    assert base64.b64decode(signature)[:4] == tlog.parse_vkey(new_key)[1]
    watched.gateway.restart()
    assert watched.status()["cosigned"] == size


def config_check(watched):
    """What `sluisd -t` warns of."""
    return run(SLUISD, "-t", "-c", watched.gateway.config).stderr


def rotate(watched, *options):
    done = watched.gateway.sluis("ledger", "rotate-key", "--json", *options)
    return json.loads(done.stdout), done.stderr


def assert_warned(said, watched, vkey):
    assert f"{watched.trust}: found `log` lines, and none for the key" in said
    assert f"Add the line `log {vkey}`" in said


def test_a_trust_file_that_lacks_the_next_key_is_told_of_while_it_can_be_mended(make, fake):
    watched = make({"fake": fake}, "fake")
    watched.gateway.start()
    assert config_check(watched) == "" and "WARN" not in watched.gateway.text().upper()
    prepared, said = rotate(watched, "--prepare")
    new_key = prepared["new"]
    for text in (said, prepared["warning"], config_check(watched)):
        assert_warned(text, watched, new_key)
        assert "is prepared to sign" in text
    watched.gateway.restart()
    assert_warned(watched.gateway.text(), watched, new_key)
    rotated, said = rotate(watched)
    watched.gateway.restart()
    for text in (said, rotated["warning"], config_check(watched), watched.gateway.text()):
        assert_warned(text, watched, new_key)
        assert "the key that signs this ledger" in text and "refuse_after" not in text
    watched.gateway.stop()
    watched.refuse_after = "1d"
    text = watched.trust.read_text(encoding="utf-8")
    watched.set({"fake": fake}, "fake", log_vkey=rotated["old"])
    assert "flows are refused after `witnesses.refuse_after`" in config_check(watched)
    watched.trust.write_text(text + f"log {new_key}\n", encoding="utf-8")
    assert config_check(watched) == ""
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    assert "found `log` lines" not in watched.gateway.text()


def test_a_trust_file_without_logs_lacks_no_key(make, fake):
    watched = make({"fake": fake}, "fake")
    text = watched.trust.read_text(encoding="utf-8")
    watched.trust.write_text(text.split("\n", 1)[1], encoding="utf-8")
    watched.gateway.start()
    answer, said = rotate(watched)
    assert "warning" not in answer and said == "" and config_check(watched) == ""


# --- forks ---------------------------------------------------------------------------------------

def test_a_copied_state_folder_that_goes_on_elsewhere_is_caught(make, real):
    """Two gateways under one key: the witness holds to the first that comes on."""
    north = real("north")
    first = make(north, "north")
    real.watch(first, "north")
    first.gateway.start()
    first.add_receipts(3)
    first.wait_until_cosigned()
    first.gateway.stop()
    second = make(north, "north")
    shutil.rmtree(second.gateway.state)
    shutil.copytree(first.gateway.state, second.gateway.state)
    second.set(north, "north")

    first.gateway.start()
    first.add_receipts(2)
    size = first.wait_until_cosigned()
    second.gateway.start()
    second.add_receipts()
    assert f"has cosigned {size} receipts" in second.wait_for_state("north", "disagrees")
    second.add_receipts(4)
    wait_for("422", lambda: "did not grow" in second.one("north").get("text", ""))
    assert "witness north DISAGREES" in second.gateway.text()
    wait_for("the alarm", lambda: "no quorum of witnesses" in second.gateway.text())
    assert second.status()["cosigned"] == 3
    assert "does not fit what was cosigned" in north["north"].text()
    assert second.one("north")["state"] == "disagrees"
    first.add_receipts()
    first.wait_until_cosigned()
    assert first.one("north")["state"] == "agrees"


def n_failed(watched):
    return watched.gateway.text().count("witness north is asked again in")


def test_a_fork_of_the_same_size_is_called_one_at_once_and_from_then_on(make, real):
    """Both gateways write as many receipts: never is it said that the witness fails."""
    north = real("north")
    first = make(north, "north")
    real.watch(first, "north")
    first.gateway.start()
    first.add_receipts(3)
    first.wait_until_cosigned()
    first.gateway.stop()
    second = make(north, "north")
    shutil.rmtree(second.gateway.state)
    shutil.copytree(first.gateway.state, second.gateway.state)
    second.set(north, "north")
    first.gateway.start()
    second.gateway.start("--debug")
    for _ in range(4):
        first.add_receipts()
        second.add_receipts()
        first.wait_until_cosigned()
        second.wait_for_state("north", "disagrees")
        assert first.size() == second.size()
    north["north"].kill()
    n_tried = n_failed(second)
    wait_for("a request that is not answered", lambda: n_failed(second) > n_tried)
    first.add_receipts()
    first.wait_for_state("north", "fails")
    assert second.one("north")["state"] == "disagrees"
    said = second.gateway.text()
    assert said.count("witness north DISAGREES") == 1 and "witness north:" not in said


# --- the end -------------------------------------------------------------------------------------

def test_what_came_since_the_last_round_is_cosigned_at_a_stop(make, real):
    """Whoever stops a node for good leaves nothing behind that no witness has seen."""
    north = real("north")
    watched = make(north, "north", limits={"witness_alarm_ms": 30000})
    watched.every = "10s"
    watched.set(north, "north")
    real.watch(watched, "north")
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    watched.add_receipts(3)
    size = watched.size()
    watched.gateway.stop()
    text, lines = tlog.split_note(watched.kept)
    assert text.splitlines()[1] == str(size)
    tlog.cosigned_at(north["north"].vkey, text, lines)
    assert north["north"].newest(tlog.Log(ORIGIN))[0] == text
    assert "a quorum of witnesses has seen" not in watched.gateway.text()


def test_a_stop_waits_no_longer_than_for_one_answer(make, fake):
    """It hangs twice as long as a test waits for an end."""
    watched = make({"fake": fake}, "fake")
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    fake.behave = fake.hang
    watched.add_receipts()
    watched.gateway.stop()
    assert "ended with 2 receipts, and a quorum of witnesses has seen 1" in watched.gateway.text()
    fake.behave = fake.cosign
    watched.gateway.start()
    assert watched.wait_until_cosigned() == 2


def test_who_has_just_failed_does_not_hold_up_a_stop(make, fake, ticking):
    watched = make({"fake": fake, "ticking": ticking}, "fake",
                   limits={"witness_answer_ms": 60000})
    watched.gateway.start()
    watched.add_receipts()
    watched.wait_until_cosigned()
    watched.wait_for_state("ticking", "fails")
    wait_for_ticks(ticking, 2)
    ticking.behave = ticking.hang
    watched.add_receipts()
    watched.gateway.stop()
    assert fake.size_of(fake.bodies[-1]) == 2
