"""Names of people and things: what a partner gets, for how long, and that two partners can't compare."""
import datetime
import itertools
import json
import re

import pytest

import answers
import gateway as gateway_
from gateway import consent
from world import World, feature

USERS = ["anouk-v", "bram77", "chiara.r", "dirk@home.example", "emre_1990", "fleur"]
DATA = "\n".join(["location: {precision: 50km, time: 1d}", "social.friend: {}", "profile.device: {}",
                  "profile.account: {}"])
ROUTES = """
  - id: diary
    app: waze
    request: GET /v1/diary/{subject}
    query: [page]
    answers:
      type: application/json
      fields:
        $.user: subject
        $.self: /v1/diary/{subject}?page={structure}
        $.topic: user/{subject}/geo/{location.geohash}
        $.lat: location.latitude
        $.lon: location.longitude
        $.geohash: location.geohash
        $.account: profile.account
        $.devices[*].id: profile.device
        $.devices[*].href: https://waze.example/u/{subject}/devices/{profile.device}
        $.friends[*].id: social.friend
        $.friends[*].href: /v1/diary/{social.friend}
        $.about: review.text
        $.booking: id
  - id: friends
    app: spotify
    request: GET /v1/friends/{subject}
    answers:
      type: application/json
      fields:
        $[*].who: social.friend
        $[*].device: profile.device
        $[*].play: id
"""
DIARY = "/v1/diary/{subject}"
FRIENDS = "/v1/friends/{subject}"


def diary(name, number):
    """What an app knows of somebody, with the name wherever apps put names."""
    friends = [one for one in USERS if one != name][:3]
    quoted = name.replace("@", "%40")
    return {
        "user": name, "self": f"/v1/diary/{quoted}?page=1", "topic": f"user/{name}/geo/u173zq37x014",
        "lat": 52.37, "lon": 4.89, "geohash": "u173zq37x014", "account": 4711000 + number,
        "devices": [{"id": f"phone:{number}", "href": f"https://waze.example/u/{quoted}/devices/phone%3A{number}"}],
        "friends": [{"id": one, "href": f"/v1/diary/{one.replace('@', '%40')}"} for one in [*friends, name]],
        "about": f"I am {name}, or {name.upper()}!", "booking": f"b-{number}-{name}",
        "unlisted": name,
    }


def raw_friends(name, number):
    return [{"who": one, "device": f"phone:{number}", "play": f"b-{number}-{name}"} for one in USERS if one != name]


def leaves(value):
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        yield value
        return
    for one in value:
        yield from leaves(one)


def tokens(value):
    """Every value of an answer, and every word that a value holds: whatever could be joined on."""
    for leaf in leaves(value):
        text = str(leaf)
        yield text
        yield from re.findall(r"[A-Za-z0-9_-]+", text)


def joined(one, other):
    """Pairs of people that a word ties together: one that only one person has, on both sides."""
    def owners(answers_of):
        owned = {}
        for person, answer in answers_of.items():
            for token in set(tokens(answer)):
                owned.setdefault(token, set()).add(person)
        return {token: people.pop() for token, people in owned.items() if len(people) == 1}
    left, right = owners(one), owners(other)
    return {(left[token], right[token]) for token in left.keys() & right.keys()}


def everybody(world):
    for number, name in enumerate(USERS):
        world.gateway.put(name, *[
            # What somebody wrote is the same text for whoever gets it, so only one partner does.
            consent(f"{app}-{partner}", app=app, partner_=partner,
                    data=DATA + "\nreview.text: {}" * (partner == "spotify"))
            for app, partner in itertools.product(["waze", "spotify"], gateway_.PARTNERS)])
        world.waze.on(f"/v1/diary/{name.replace('@', '%40')}", answers.well(diary(name, number), "application/json"))
        world.waze.on(f"/v1/diary/{name}", answers.well(diary(name, number), "application/json"))
        for path in (f"/v1/friends/{name}", f"/v1/friends/{name.replace('@', '%40')}"):
            world.spotify.on(path, answers.well(raw_friends(name, number), "application/json"))


def pulled(world, partner, route):
    """By the partner's own pseudonym, which is all that it has; ask somebody else who that is."""
    got = {}
    for name in USERS:
        answer = world.ask(name, partner=partner, route=route, purpose="recommendation")
        assert answer.status == 200, answer
        got[name] = (world.gateway.pseudonym(partner, name), answer.json())
    return got


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    one = World(tmp_path_factory.mktemp("names") / "node", routes=ROUTES)
    try:
        one.gateway.start()
        everybody(one)
        yield one
    finally:
        one.close()


def test_each_name_in_an_answer_is_the_partners_own(world):
    name, pseudonym = "bram77", world.gateway.pseudonym("spotify", "bram77")
    left = world.ask(name, route=DIARY).json()
    assert left["user"] == pseudonym
    assert left["self"] == f"/v1/diary/{pseudonym}?page=1"
    assert left["topic"] == f"user/{pseudonym}/geo/{left['geohash']}"
    assert len(left["geohash"]) == 3, "a cell of 3 characters is the longest that 50 km allow"
    device, = left["devices"]
    assert re.fullmatch(r"[\w-]{22}", device["id"])
    assert device["href"] == f"https://waze.example/u/{pseudonym}/devices/{device['id']}"
    *others, me = left["friends"]
    assert me == {"id": pseudonym, "href": f"/v1/diary/{pseudonym}"}
    assert all(re.fullmatch(r"[\w-]{22}", one["id"]) and one["href"].endswith(one["id"]) for one in others)
    assert len({one["id"] for one in others}) == 3
    assert left["about"] == "I am [subject], or [subject]!"
    assert "unlisted" not in left
    assert not [one for one in USERS if one in json.dumps(left)]
    # asking again teaches nothing
    assert world.ask(name, route=DIARY).json() == left


def test_one_friend_has_one_name_for_one_partner_whoever_is_asked_about(world):
    def friends(of):
        return {one["id"] for one in world.ask(of, route=DIARY).json()["friends"]}
    # anouk-v is a friend of both; the two subjects are each their own pseudonym
    assert len(friends("emre_1990") & friends("fleur")) == 3
    assert friends("emre_1990") ^ friends("fleur") == {world.gateway.pseudonym("spotify", "emre_1990"),
                                                       world.gateway.pseudonym("spotify", "fleur")}


def test_two_partners_cannot_join_what_they_got(world):
    for here, there in itertools.product([DIARY, FRIENDS], repeat=2):
        mine = pulled(world, "spotify", here)
        theirs = pulled(world, "recommender", there)
        assert joined(mine, theirs) == set(), (here, there)


def test_the_join_finds_everybody_where_there_is_something_to_join_on(world):
    """The same attack on what the apps answer, and by one partner on its own two answers."""
    raw = {name: diary(name, number) for number, name in enumerate(USERS)}
    plays = {name: raw_friends(name, number) for number, name in enumerate(USERS)}
    everyone = {(name, name) for name in USERS}
    assert everyone <= joined(raw, raw)
    assert everyone <= joined(raw, plays), "the booking is the play, the device the device"
    mine = pulled(world, "spotify", DIARY)
    assert everyone <= joined(mine, pulled(world, "spotify", DIARY))
    # and a single field that slips through is found
    leaky = {name: (pseudonym, {**answer, "x": 4711000 + USERS.index(name)})
             for name, (pseudonym, answer) in mine.items()}
    assert everyone <= joined(leaky, raw)


def test_a_device_and_an_order_of_one_number_have_two_names(world):
    name = "fleur"
    answer = {"account": 17, "devices": [{"id": "17"}], "booking": 17, "friends": [{"id": "17"}]}
    world.waze.on(f"/v1/diary/{name}", answers.well(answer, "application/json"))
    left = world.ask(name, route=DIARY).json()
    world.waze.on(f"/v1/diary/{name}", answers.well(diary(name, USERS.index(name)), "application/json"))
    names = [left["account"], left["devices"][0]["id"], left["booking"], left["friends"][0]["id"]]
    assert len(set(names)) == 4


ODD = [
    ({"self": "/v1/diary/anouk-v?page=1"}, "answer_subject"),
    ({"self": "/v2/diary/bram77?page=1"}, "answer_malformed"),
    ({"self": "https://bram77.example/v1/diary/bram77?page=1"}, "answer_malformed"),
    ({"topic": "user/bram77/geo/home-of-bram77"}, "answer_malformed"),
    ({"topic": ["bram77"], "user": "anouk-v"}, "answer_subject"),
    ({"account": {"bram77": 1}, "devices": [{"id": True}]}, "answer_malformed"),
]


def test_no_error_and_no_line_of_the_log_names_a_user(world):
    """Whatever the app says of bram77, and in whatever way it fails."""
    name = "bram77"
    path = f"/v1/diary/{name}"
    problem = json.dumps({"title": "no position for bram77", "detail": "bram77 is at home"})
    failures = [
        (answers.well(problem, "application/problem+json", status="404 Not Found"), "app_status"),
        (answers.well(problem, "application/problem+json", status="500 bram77 crashed me"), "app_status"),
        (answers.well("bram77", "text/plain"), "answer_type"),
        (answers.well("x", "application/bram77+json"), "answer_type"),
        (answers.well('{"user":"bram77"', "application/json"), "answer_malformed"),
        (answers.well('{"user":"bram77","user":"bram77"}', "application/json"), "answer_malformed"),
        (answers.raw(b"HTTP/1.1 200 OK\r\nX-User: bram77\r\nbram77\r\n\r\n", True), "app_malformed"),
        *((answers.well(odd, "application/json"), reason) for odd, reason in ODD),
    ]
    try:
        for failure, reason in failures:
            world.waze.on(path, failure)
            answer = world.ask(name, route=DIARY)
            assert answer.reason == reason, (answer, failure)
            assert name.encode() not in answer.head + answer.body
        refused = world.ask(name, partner="recommender", route=DIARY, purpose="marketing")
        assert refused.status == 403 and name not in refused.text()
    finally:
        world.waze.on(path, answers.well(diary(name, USERS.index(name)), "application/json"))
    log = world.gateway.text()
    assert not [one for one in USERS if one in log]
    receipts = json.dumps(world.gateway.receipts())
    assert not [one for one in USERS if one in receipts]


# --- generations ----------------------------------------------------------------------------------

def day(offset):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)).strftime("%Y-%m-%d")


def rotate(world, generation, until=None):
    until = f", previous_until: {until}" if until else ""
    world.gateway.partners["spotify"]["more"] = f"    pseudonyms: {{generation: {generation}{until}}}\n"
    world.gateway.write_config()
    world.gateway._pseudonyms.clear()
    world.gateway.restart()


def present(world, pseudonym, partner="spotify"):
    return world.partner(partner).get(f"/sluis/v1/pseudonyms/{pseudonym}")


def test_a_rotated_partner_goes_over_without_missing_a_request(fresh):
    fresh.gateway.start()
    name = fresh.person(consent(data="location.speed: {}"), consent("r", partner_="recommender"))
    old = fresh.gateway.pseudonym("spotify", name)
    others = fresh.gateway.pseudonym("recommender", name)
    assert present(fresh, old).json() == {"pseudonym": old}

    rotate(fresh, 2, day(+2))
    new = fresh.gateway.pseudonym("spotify", name)
    assert new != old and len(new) == len(old)
    assert fresh.gateway.pseudonym("recommender", name) == others, "nobody else is touched"
    for asked in (old, new):
        answer = fresh.partner("spotify").get(f"/v1/drivers/{asked}/position")
        assert answer.status == 200, answer
        assert answer.json()["properties"]["user"] == new
        assert present(fresh, asked).json() == {"pseudonym": new}
        assert present(fresh, asked).header("cache-control") == "no-store"
        foreign = present(fresh, asked, "recommender")
        assert (foreign.status, foreign.reason) == (404, "no_pseudonym")
    for odd in ("x", old[:-1], old[:-1] + ("A" if old[-1] != "A" else "B"), others, name):
        assert (present(fresh, odd).status, present(fresh, odd).reason) == (404, "no_pseudonym")
    n_receipts = len(fresh.gateway.receipts())
    assert present(fresh, old).status == 200
    assert len(fresh.gateway.receipts()) == n_receipts, "this is no flow"

    rotate(fresh, 2, day(0))  # the day has come
    gone = fresh.partner("spotify").get(f"/v1/drivers/{old}/position")
    assert (gone.status, gone.reason) == (403, "no_consent")
    assert present(fresh, old).status == 404
    assert fresh.partner("spotify").get(f"/v1/drivers/{new}/position").status == 200

    rotate(fresh, 3, day(+2))
    third = fresh.gateway.pseudonym("spotify", name)
    assert len({old, new, third}) == 3
    assert present(fresh, new).json() == {"pseudonym": third}
    assert present(fresh, old).status == 404, "two generations back is over"


def test_other_identifiers_rotate_with_the_pseudonyms(tmp_path):
    world = World(tmp_path / "node", routes=ROUTES)
    try:
        world.gateway.start()
        everybody(world)
        before = pulled(world, "spotify", DIARY)
        rotate(world, 2)
        after = pulled(world, "spotify", DIARY)
        for _, answer in [*before.values(), *after.values()]:
            del answer["about"]  # a text stays the text that it was
        assert joined(before, after) == set(), "what was learnt under the old names stays there"
    finally:
        world.close()


def test_the_command_says_which_generation_a_pseudonym_is_of(fresh):
    fresh.gateway.put("lotte", consent())
    def shown():
        return json.loads(fresh.gateway.sluis("subject", "pseudonym", "--partner", "spotify", "--json", "lotte").stdout)
    first = shown()
    assert first["generation"] == 1
    fresh.gateway.partners["spotify"]["more"] = "    pseudonyms: {generation: 2}\n"
    fresh.gateway.write_config()
    second = shown()
    assert second["generation"] == 2 and second["pseudonym"] != first["pseudonym"]


def test_a_position_never_leaves_twice_as_two_different_cells(world):
    """A geohash beside degrees: the same person, in degrees and as a geohash, over many places."""
    name = "chiara.r"
    cells = {}
    for step in range(40):
        one = feature(name, latitude=52.0 + step / 37, longitude=4.0 + step / 41)
        lon, lat = one["geometry"]["coordinates"]
        answer = diary(name, 0) | {"lat": lat, "lon": lon, "geohash": geohash(lat, lon, 12)}
        world.waze.on(f"/v1/diary/{name}", answers.well(answer, "application/json"))
        left = world.ask(name, route=DIARY).json()
        cells.setdefault((left["lat"], left["lon"]), set()).add(left["geohash"])
    assert len(cells) > 3 and all(len(hashes) == 1 for hashes in cells.values()), cells


def geohash(latitude, longitude, n):
    low, high, bits = [-90.0, -180.0], [90.0, 180.0], []
    at = (latitude, longitude)
    for bit in range(5 * n):
        axis = 1 - bit % 2
        middle = (low[axis] + high[axis]) / 2
        bits.append(at[axis] >= middle)
        (low if bits[-1] else high)[axis] = middle
    letters = "0123456789bcdefghjkmnpqrstuvwxyz"
    return "".join(letters[sum(b << (4 - k) for k, b in enumerate(bits[i:i + 5]))] for i in range(0, 5 * n, 5))
