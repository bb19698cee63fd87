"""A withdrawal is a line in the ledger: after it, no release rests on the withdrawn consent."""
import threading

import answers
from gateway import POSITION, consent
from test_kill import N_PARTNERS, Hammer
from world import feature


class Load:
    """Partners that ask without pause for one person, until told to stop."""

    def __init__(self, world, name, depth=4):
        self.answers = []  # (status, reason or None, receipt), in the order of arrival
        self._lock = threading.Lock()
        self._stop = False
        self._changed = threading.Condition(self._lock)
        self.hammers = [Hammer(world, name, depth, self._note).start() for _ in range(N_PARTNERS)]

    def _note(self, answer):
        with self._changed:
            reason = None if answer.status == 200 else answer.reason
            self.answers.append((answer.status, reason, answer.receipt))
            self._changed.notify_all()
            return not self._stop

    def wait_for(self, n_more):
        """Until that many more answers have come in."""
        with self._changed:
            goal = len(self.answers) + n_more
            assert self._changed.wait_for(lambda: len(self.answers) >= goal, 120)

    def stop(self):
        with self._lock:
            self._stop = True
        for hammer in self.hammers:
            hammer.join()
        return self.answers


def spans_without_consent(receipts):
    """Index ranges (after a withdrawal, before the next grant), the last one open."""
    start = None
    for one in receipts:
        if one["kind"] != "policy":
            continue
        if one["withdrawn"] > 0:
            start = one["index"]
        elif one["granted"] > 0 and start is not None:
            yield start, one["index"]
            start = None
    if start is not None:
        yield start, receipts[-1]["index"] + 1


def test_no_release_after_a_withdrawal_in_the_order_of_the_ledger(fresh):
    fresh.gateway.start()
    name = fresh.person(consent())
    load = Load(fresh, name)
    for _ in range(6):
        load.wait_for(200)
        fresh.gateway.withdraw(name, "c1")
        load.wait_for(50)
        fresh.gateway.put(name, consent())
    load.wait_for(100)
    fresh.gateway.withdraw(name, "c1")
    answers = load.stop()

    fresh.gateway.verify()
    receipts = fresh.gateway.receipts()
    spans = list(spans_without_consent(receipts))
    assert len(spans) == 7
    for start, end in spans:
        late = [one for one in receipts[start:end]
                if one["kind"] == "pull" and one["decision"] == "release"]
        assert late == [], f"released between withdrawal {start} and the next grant {end}"
    assert any(status == 200 for status, _, _ in answers)
    assert any(reason in ("no_consent", "consent_changed") for _, reason, _ in answers)


def test_once_withdrawn_is_said_nothing_more_is_released(fresh):
    fresh.gateway.start()
    name = fresh.person(consent())
    load = Load(fresh, name, depth=1)
    load.wait_for(200)
    fresh.gateway.withdraw(name, "c1")
    # From here on the person has been told. Whoever asks now, on a new connection, is refused.
    for _ in range(20):
        assert fresh.ask(name).status == 403
    load.stop()
    assert [fresh.ask(name).reason for _ in range(3)] == ["no_consent"] * 3


def answer_when_changed_meanwhile(world, change, data="location: {}"):
    """Somebody's flow during which change(name) happens, while the app takes its time."""
    world.gateway.limits |= {"app_head_ms": 20000, "flow_ms": 30000}
    world.gateway.write_config()
    world.gateway.start()
    asked, changed = threading.Event(), threading.Event()
    name = world.person(consent(data=data))

    def answer_late(exchange):
        asked.set()
        changed.wait(30)
        return answers.well(feature(name))(exchange)
    world.waze.on(f"/v1/drivers/{name}/position", answer_late)

    partner = world.partner()
    with partner.connect() as connection:
        connection.send(partner.request(partner.path(POSITION, name)))
        assert asked.wait(30)
        change(name)
        changed.set()
        answer = connection.read_answer()
    assert b"52.378796" not in answer.body
    return name, answer


def test_a_flow_under_way_is_checked_again_when_it_is_recorded(fresh):
    """The app answers only after the withdrawal: decided with consent, recorded without."""
    _, answer = answer_when_changed_meanwhile(
        fresh, lambda name: fresh.gateway.withdraw(name, "c1"))
    assert answer.status == 403 and answer.reason == "no_consent"
    assert fresh.gateway.receipt(answer.receipt)["reason"] == "no_consent"


def test_a_consent_that_ends_meanwhile_releases_nothing(fresh):
    _, answer = answer_when_changed_meanwhile(
        fresh, lambda name: fresh.gateway.put(name, consent(more="until: 2026-01-01")))
    assert answer.status == 403 and answer.reason == "expired"


def test_a_narrowed_consent_stops_the_wider_answer_under_way(fresh):
    name, answer = answer_when_changed_meanwhile(
        fresh, lambda name: fresh.gateway.put(name, consent(data="location: {precision: 20km}")))
    assert answer.status == 403 and answer.reason == "consent_changed"
    assert b"52.378796" not in fresh.ask(name).body


def test_a_change_of_something_else_does_not_stop_what_both_versions_allow(fresh):
    _, answer = answer_when_changed_meanwhile(
        fresh, lambda name: fresh.gateway.put(name, consent(data="location: {precision: 20km}"),
                                              refuse="- data: [location.speed]"),
        data="location: {precision: 20km}")
    assert answer.status == 200 and answer.receipt is not None


def test_another_account_at_the_app_stops_the_answer_about_the_old_one(fresh):
    _, answer = answer_when_changed_meanwhile(
        fresh, lambda name: fresh.gateway.sluis("subject", "account", name, "waze", "someone-else"))
    assert answer.status == 403 and answer.reason == "consent_changed"


def test_somebody_elses_withdrawal_changes_nothing(fresh):
    fresh.gateway.start()
    stays, leaves = fresh.person(consent()), fresh.person(consent())
    load = Load(fresh, stays, depth=1)
    load.wait_for(50)
    fresh.gateway.withdraw(leaves, "c1")
    load.wait_for(100)
    assert {status for status, _, _ in load.stop()} == {200}
