"""How often: `at_most` of a consent in its person's calendar, and a partner's budget of flows."""
import concurrent.futures
import json
import threading

import pytest

import answers
from clock import Clock
from gateway import PARTNERS, ROUTES, consent
from world import World, feature

DAY_S, MONTH_S = 86400, 31 * 86400


def limited(at_most, ident="c1", **more):
    return consent(ident, more=f"at_most: {at_most}", **more)


def reason(answer):
    """None: released."""
    return None if answer.status == 200 else answer.reason


def reasons(world, name, n, **more):
    return [reason(world.ask(name, **more)) for _ in range(n)]


def budget_partners(at_most):
    return {name: facts | ({"at_most": at_most} if name == "spotify" else {})
            for name, facts in PARTNERS.items()}


@pytest.fixture
def timed(tmp_path):
    """A gateway whose clock the test sets."""
    one = World(tmp_path / "node")
    one.clock = Clock(tmp_path / "clock")
    one.clock.drive(one.gateway)
    try:
        yield one
    finally:
        one.close()


# One consent.

def test_as_many_are_released_as_the_consent_allows_and_then_none(world):
    name = world.person(limited("3 per month"))
    other = world.person(limited("3 per month"))
    answers_ = [world.ask(name) for _ in range(5)]
    assert [one.status for one in answers_] == [200, 200, 200, 403, 403]
    for refused in answers_[3:]:
        assert refused.reason == "quota"
        receipt = world.gateway.receipt(refused.receipt)
        assert (receipt["decision"], receipt["reason"]) == ("refuse", "quota")
    assert world.ask(other).status == 200


@pytest.mark.parametrize("period, longest", [("hour", 3600), ("day", DAY_S), ("week", 7 * DAY_S),
                                             ("month", MONTH_S)])
def test_retry_after_tells_the_kind_of_window_and_not_where_midnight_is(world, period, longest):
    # Everywhere the same, though it is another time of the day in each of them.
    told = set()
    for zone in ("Pacific/Kiritimati", "Europe/Amsterdam", "America/Los_Angeles"):
        name = world.person(limited(f"1 per {period}"), timezone=zone)
        assert world.ask(name).status == 200
        refused = world.ask(name)
        assert refused.reason == "quota"
        told.add(refused.header("retry-after"))
    assert told == {str(longest)}


def test_refusals_use_nothing(world):
    name = world.person(limited("1 per month"))
    path = f"/v1/drivers/{name}/position"
    world.waze.on(path, answers.raw(b"nothing like HTTP"))
    assert reasons(world, name, 3) == ["app_malformed"] * 3
    world.waze.on(path, answers.well(feature(name)))
    assert reasons(world, name, 2) == [None, "quota"]


def test_when_one_of_two_is_used_up_what_the_other_grants_is_still_released(world):
    name = world.person(limited("2 per month", "narrow", data="location: {precision: 50km}"),
                        consent("wide", data="location: {precision: 1km}"))
    at = {True: [], False: []}
    for i in range(4):
        answer = world.ask(name)
        assert answer.status == 200
        at[i < 2].append(answer.json()["geometry"]["coordinates"])
    # The narrower of both for as long as both apply.
    assert at[True][0] == at[True][1] != at[False][0] == at[False][1]


def test_each_contributing_consent_is_charged(world):
    both = world.person(limited("1 per month", "a"),
                        limited("3 per month", "b", data="location.speed: {}"))
    first, second = world.ask(both), world.ask(both)
    assert "speed_kmh" in first.json()["properties"] and "geometry" in first.json()
    assert "speed_kmh" in second.json()["properties"] and "geometry" not in second.json()
    assert world.ask(both).status == 200 and world.ask(both).reason == "quota"


def test_a_change_of_the_policy_does_not_give_back_what_was_used(world):
    name = world.person(limited("2 per month"))
    assert reasons(world, name, 3) == [None, None, "quota"]
    world.gateway.put(name, limited("3 per month"))
    assert reasons(world, name, 2) == [None, "quota"]
    world.gateway.withdraw(name, "c1")
    world.gateway.put(name, limited("3 per month"))
    assert reasons(world, name, 1) == ["quota"]


def test_what_is_used_and_left_is_told_to_the_operator(world):
    name = world.person(limited("3 per month", "m"), limited("1 per month", "d"))
    explain = ("policy", "explain", name, "--partner", "spotify", "--route", "position", "--json")
    assert reasons(world, name, 2) == [None, None]
    found = json.loads(world.gateway.sluis(*explain).stdout)
    uses = {one["id"]: (one["verdict"], one["uses"]["used"], one["uses"]["left"])
            for one in found["consents"]}
    assert uses == {"m": ("contributes", 2, 1), "d": ("quota", 1, 0)}
    assert reasons(world, name, 2) == [None, "quota"]
    found = json.loads(world.gateway.sluis(*explain).stdout)
    assert (found["effect"], found["reason"]) == ("refuse", "quota")
    text = world.gateway.sluis(*explain[:-1]).stdout
    assert "3 of 3 per month used, 0 left until" in text


# Many at once.

def gathered(world, name, n):
    """An app that answers when all n requests have come: each was judged before any is recorded."""
    gate = threading.Barrier(n)

    def behave(exchange):
        gate.wait(60)
        return answers.well(feature(name))(exchange)
    world.waze.on(f"/v1/drivers/{name}/position", behave)


@pytest.mark.parametrize("n, at_most", [(16, 5), (24, 23)])
def test_of_many_requests_at_once_exactly_as_many_are_released(world, n, at_most):
    name = world.person(limited(f"{at_most} per month"))
    gathered(world, name, n)
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        found = list(pool.map(lambda _: world.ask(name), range(n)))
    assert sorted(one.status for one in found) == [200] * at_most + [403] * (n - at_most)
    assert {one.reason for one in found if one.status == 403} == {"quota"}
    assert len({one.receipt for one in found}) == n
    released = [one["index"] for one in world.gateway.receipts("--decision", "release")]
    assert {one.receipt for one in found if one.status == 200} <= set(released)
    world.gateway.verify()


def test_one_that_loses_is_released_under_another_consent_that_grants_the_same(world):
    name = world.person(limited("2 per month", "a"), limited("3 per month", "b"))
    # Both contribute to the first two; "b" alone to the third.
    gathered(world, name, 6)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: world.ask(name), range(6)))
    assert sorted(one.status for one in found) == [200] * 3 + [403] * 3


def test_what_a_loser_would_get_now_is_not_what_was_made_for_it(world):
    name = world.person(limited("1 per month", "narrow", data="location: {precision: 50km}"),
                        consent("wide", data="location: {precision: 1km}"))
    gathered(world, name, 2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: world.ask(name), range(2)))
    assert {reason(one) for one in found} == {None, "consent_changed"}


# Restarts.

def test_a_killed_gateway_remembers_what_was_used(fresh):
    fresh.gateway.start()
    name = fresh.person(limited("5 per month"))
    assert reasons(fresh, name, 3) == [None] * 3
    fresh.gateway.kill()
    fresh.gateway.start()
    assert reasons(fresh, name, 3) == [None, None, "quota"]
    fresh.gateway.kill()
    fresh.gateway.start()
    assert reasons(fresh, name, 1) == ["quota"]
    fresh.gateway.verify()


@pytest.mark.parametrize("n_before", [1, 7, 18])
def test_killed_while_many_ask_it_never_releases_more(fresh, n_before):
    at_most, enough, lock = 30, threading.Event(), threading.Lock()
    fresh.gateway.start()
    name = fresh.person(limited(f"{at_most} per month"))
    received = []

    def ask_on():
        try:
            while True:
                answer = fresh.ask(name)
                with lock:
                    received.append(answer)
                    if len(received) >= n_before:
                        enough.set()
        except (OSError, AssertionError, AttributeError):
            pass  # killed in the middle of an answer
    askers = [threading.Thread(target=ask_on) for _ in range(4)]
    fresh.gateway.pseudonym("spotify", name)
    for one in askers:
        one.start()
    assert enough.wait(60)
    fresh.gateway.kill()
    for one in askers:
        one.join()
    fresh.gateway.start()
    for _ in range(at_most + 1):
        if reasons(fresh, name, 1) == ["quota"]:
            break
    else:
        pytest.fail("it never was used up")
    n_released = len(fresh.gateway.receipts("--decision", "release"))
    # What was counted and not written may be lost to the person; one batch of four at the most.
    assert at_most - 4 <= n_released <= at_most


# Calendars.

def test_a_day_ends_at_midnight_where_the_person_is(timed):
    timed.clock.set("2031-06-10T21:50:00")  # 23:50 in Amsterdam, 17:50 in New York
    timed.gateway.start()
    amsterdam = timed.person(limited("1 per day"))
    new_york = timed.person(limited("1 per day"), timezone="America/New_York")
    for name in (amsterdam, new_york):
        assert reasons(timed, name, 2) == [None, "quota"]
    timed.clock.set("2031-06-10T22:00:01")
    assert reasons(timed, amsterdam, 2) == [None, "quota"]
    assert reasons(timed, new_york, 1) == ["quota"]
    timed.clock.set("2031-06-11T04:00:01")
    assert reasons(timed, new_york, 2) == [None, "quota"]
    assert reasons(timed, amsterdam, 1) == ["quota"]


def test_midnight_on_the_days_on_which_the_clocks_change(timed):
    # 2031-10-26 has 25 hours in Amsterdam: 22:00 UTC the day before to 23:00.
    timed.clock.set("2031-10-25T21:59:00")
    timed.gateway.start()
    name = timed.person(limited("1 per day"))
    assert reasons(timed, name, 2) == [None, "quota"]
    timed.clock.set("2031-10-25T22:00:01")
    assert reasons(timed, name, 2) == [None, "quota"]
    timed.clock.set("2031-10-26T22:30:00")  # 24 hours and a half later it is 23:30 still
    assert reasons(timed, name, 1) == ["quota"]
    timed.clock.set("2031-10-26T23:00:01")
    assert reasons(timed, name, 2) == [None, "quota"]


def test_the_hour_that_comes_twice_is_one_and_the_one_left_out_is_none(timed):
    timed.clock.set("2031-03-30T00:59:00")  # 01:59, and then it is 03:00
    timed.gateway.start()
    name = timed.person(limited("1 per hour"))
    assert reasons(timed, name, 2) == [None, "quota"]
    timed.clock.set("2031-03-30T01:00:01")
    assert reasons(timed, name, 2) == [None, "quota"]
    timed.clock.set("2031-10-26T00:30:00")  # 02:30
    assert reasons(timed, name, 2) == [None, "quota"]
    timed.clock.set("2031-10-26T01:30:00")  # 02:30 once more
    assert reasons(timed, name, 1) == ["quota"]
    timed.clock.set("2031-10-26T02:00:01")  # 03:00
    assert reasons(timed, name, 2) == [None, "quota"]


def test_weeks_begin_on_monday_and_months_on_the_first(timed):
    timed.clock.set("2031-11-30T22:59:00")  # a Sunday, 23:59 in Amsterdam
    timed.gateway.start()
    week, month = timed.person(limited("1 per week")), timed.person(limited("1 per month"))
    for name in (week, month):
        assert reasons(timed, name, 2) == [None, "quota"]
    timed.clock.set("2031-11-30T23:00:01")  # Monday the first
    for name in (week, month):
        assert reasons(timed, name, 2) == [None, "quota"]


def test_a_clock_set_back_a_day_gives_nothing_back(timed):
    timed.clock.set("2031-06-10T12:00:00")
    timed.gateway.start()
    name = timed.person(limited("2 per day"))
    assert reasons(timed, name, 2) == [None, None]
    timed.clock.set("2031-06-09T12:00:00")
    assert reasons(timed, name, 2) == ["clock"] * 2
    timed.gateway.restart()
    assert reasons(timed, name, 1) == ["clock"]
    timed.clock.set("2031-06-10T12:10:00")
    assert reasons(timed, name, 2) == ["quota"] * 2
    timed.clock.set("2031-06-10T22:00:01")
    assert reasons(timed, name, 3) == [None, None, "quota"]


def test_a_person_who_moves_gains_no_flows(timed):
    timed.clock.set("2031-06-10T22:30:00")  # 00:30 on the 11th in Amsterdam, 18:30 in New York
    timed.gateway.start()
    name = timed.person(limited("2 per day"))
    assert reasons(timed, name, 3) == [None, None, "quota"]
    timed.gateway.put(name, limited("2 per day"), timezone="America/New_York")
    assert reasons(timed, name, 1) == ["quota"]
    timed.clock.set("2031-06-11T04:00:01")  # the 11th there, too, but the flows were on an 11th
    assert reasons(timed, name, 1) == ["quota"]
    timed.clock.set("2031-06-12T04:00:01")
    assert reasons(timed, name, 3) == [None, None, "quota"]


# A partner's budget.

def test_a_partner_gets_no_more_flows_than_its_contract_allows(tmp_path):
    one = World(tmp_path / "node", partners=budget_partners("3 per week"))
    try:
        one.gateway.start()
        names = [one.person(consent(), consent("c2", partner_="recommender")) for _ in range(5)]
        found = [one.ask(name) for name in names]
        assert [answer.status for answer in found] == [200, 200, 200, 429, 429]
        refused = found[-1]
        assert refused.reason == "budget"
        assert 0 < int(refused.header("retry-after")) <= 7 * DAY_S
        assert one.gateway.receipt(refused.receipt)["reason"] == "budget"
        # What the person does not allow is said first, and others have their own.
        assert one.ask(one.person()).reason == "no_consent"
        assert one.ask(names[0], "recommender", purpose="recommendation").status == 200
        one.gateway.kill()
        one.gateway.start()
        assert one.ask(names[0]).status == 429
    finally:
        one.close()


def test_a_budget_is_exact_when_many_ask_at_once_about_different_people(tmp_path):
    one = World(tmp_path / "node", partners=budget_partners("7 per month"))
    try:
        one.gateway.start()
        names = [one.person(consent()) for _ in range(12)]
        gate = threading.Barrier(12)
        for name in names:
            one.gateway.pseudonym("spotify", name)

            def behave(exchange, name=name):
                gate.wait(60)
                return answers.well(feature(name))(exchange)
            one.waze.on(f"/v1/drivers/{name}/position", behave)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            found = list(pool.map(one.ask, names))
        assert sorted(answer.status for answer in found) == [200] * 7 + [429] * 5
    finally:
        one.close()


# Lists about many people.

LISTS = ROUTES + """
  - id: nearby
    app: waze
    request: GET /v1/nearby
    answers:
      type: application/json
      records: $.items[*]
      fields:
        $.items[*].user: subject
        $.items[*].kmh: location.speed
  - id: friends
    app: waze
    request: GET /v1/drivers/{subject}/friends
    answers:
      type: application/json
      records: $.items[*]
      fields:
        $.items[*].user: subject
        $.items[*].kmh: location.speed
"""


def listing(*names):
    return answers.well({"items": [{"user": name, "kmh": 48} for name in names]},
                        "application/json")


def n_in(answer):
    return len(answer.json()["items"]) if answer.status == 200 else reason(answer)


def test_in_a_list_each_ones_own_consent_is_charged(tmp_path):
    one = World(tmp_path / "node", routes=LISTS, partners=budget_partners("9 per month"))
    speed = {"data": "location.speed: {}"}
    try:
        one.gateway.start()
        once = one.person(limited("1 per month", **speed))
        twice = one.person(limited("2 per month", **speed))
        always = one.person(consent(**speed))
        one.waze.on("/v1/nearby", listing(once, twice, always))
        spotify = one.partner()
        assert [n_in(spotify.get("/v1/nearby")) for _ in range(3)] == [3, 2, 1]
        # Who is the list's own and in it uses their consent twice; without that, once.
        owner = one.person(limited("3 per month", **speed))
        one.waze.on(f"/v1/drivers/{owner}/friends", listing(owner))
        path = "/v1/drivers/{subject}/friends"
        assert [n_in(one.ask(owner, route=path)) for _ in range(3)] == [1, 0, "quota"]
        # Nine flows were released by now.
        assert n_in(spotify.get("/v1/nearby")) == "budget"
        one.gateway.verify()
    finally:
        one.close()


def test_lists_asked_for_at_once_release_no_one_more_often_than_they_allow(tmp_path):
    one = World(tmp_path / "node", routes=LISTS)
    try:
        one.gateway.start()
        names = [one.person(limited(f"{k} per month", data="location.speed: {}"))
                 for k in (1, 2, 3, 5)]
        gate = threading.Barrier(6)

        def behave(exchange):
            gate.wait(60)
            return listing(*names)(exchange)
        one.waze.on("/v1/nearby", behave)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: one.partner().get("/v1/nearby"), range(6)))
        assert [answer.status for answer in found] == [200] * 6
        assert sum(n_in(answer) for answer in found) == 1 + 2 + 3 + 5
    finally:
        one.close()
