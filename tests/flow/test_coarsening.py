"""What a grant leaves of each kind of value, through the real gateway, and what the receipt says."""
import json

import pytest

import answers
from gateway import LISTENING, consent
from world import World, feature


def released(answer):
    assert answer.status == 200, answer.text()
    return json.loads(answer.text())


def test_a_speed_leaves_in_buckets_and_the_receipt_says_which(world):
    one = feature("anyone")
    one["properties"]["speed_kmh"] = 48.25
    name = world.person(consent(data="location.speed: {bucket: 10}"))
    one["properties"]["user"] = name
    world.waze.on(f"/v1/drivers/{name}/position", answers.well(one))
    answer = world.ask(name)
    assert released(answer)["properties"]["speed_kmh"] == 40
    assert world.gateway.receipt(answer.receipt)["data"]["location.speed"] == "by10"
    one["properties"]["speed_kmh"] = "fast"
    world.waze.on(f"/v1/drivers/{name}/position", answers.well(one))
    assert world.ask(name).reason == "answer_malformed"


def test_of_two_consents_the_wider_bucket_counts(world):
    name = world.person(consent("fine", data="location.speed: {bucket: 0.5}"),
                        consent("rough", data="location.speed: {bucket: 20}"))
    answer = world.ask(name)
    assert released(answer)["properties"]["speed_kmh"] % 20 == 0
    assert world.gateway.receipt(answer.receipt)["data"]["location.speed"] == "by20"


def test_a_policy_compiled_by_another_version_is_not_used_until_it_is_put_again(fresh):
    """Layout 1 read as layout 2 would be nonsense; the operator is told, and what to do."""
    fresh.gateway.start()
    name = fresh.person(consent())
    other = fresh.person(consent())
    assert fresh.ask(name).status == 200
    fresh.gateway.stop()
    file = fresh.gateway.state / "store/data.mdb"
    file.write_bytes(file.read_bytes().replace(b"sluispol\x02", b"sluispol\x01"))
    fresh.gateway.start()
    assert "2 policies were compiled by another version" in fresh.gateway.text()
    assert fresh.ask(name).reason == "no_consent"
    text = fresh.gateway.sluis("policy", "get", name).stdout
    fresh.gateway.put_policy(text)
    assert fresh.ask(name).status == 200
    assert fresh.ask(other).reason == "no_consent"


def test_of_a_list_only_the_first_so_many_leave(world):
    name = world.person(consent(app="spotify", data="listening.artist: {top: 2}"))
    items = [{"track": {"name": f"track {i}", "artists": [{"name": f"artist {i}", "genres": ["pop"]}]},
              "played_at": f"2026-11-23T08:0{i}:00Z"} for i in range(5)]
    world.spotify.on(f"/v1/users/{name}/player/recently-played",
                     answers.well({"items": items}, media_type="application/json"))
    answer = world.ask(name, route=LISTENING)
    left = released(answer)["items"]
    assert [item["track"]["artists"][0]["name"] for item in left] == ["artist 0", "artist 1"]
    assert [item["played_at"][14:16] for item in left] == ["00", "01"]
    data = world.gateway.receipt(answer.receipt)["data"]
    assert data["listening.artist"] == data["listening.genre"] == "top2"


REVIEW = "/v1/customers/{subject}/review"
FORMS = """
  - id: review
    app: waze
    request: GET /v1/customers/{subject}/review
    answers:
      type: application/json
      fields:
        $.text: review.text
        $.size: review.fit
  - id: run
    app: waze
    request: GET /v1/customers/{subject}/run
    answers:
      type: application/json
      fields:
        $.start.lat: run.route.latitude
        $.start.lon: run.route.longitude
        $.points[*].lat: run.route.latitude
        $.points[*].lon: run.route.longitude
        $.points[*].bpm: run.pace
        $.points[*].t: time
  - id: guest
    app: waze
    request: GET /v1/customers/{subject}/guest
    answers:
      type: application/json
      fields:
        $.name: profile.name
        $.born: profile.birth_date
        $.arrives: stay.arrival
        $.bought: purchase.date
"""
RUN = "/v1/customers/{subject}/run"
GUEST = "/v1/customers/{subject}/guest"


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    one = World(tmp_path_factory.mktemp("forms") / "node", routes=FORMS)
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


def asked(world, route, data, answer):
    """What is left of the app's answer under this grant, and what the receipt says was done."""
    name = f"person{next(world.numbers)}"
    world.gateway.put(name, consent(data=data))
    world.waze.on(route.format(subject=name), answers.well(answer, media_type="application/json"))
    got = world.ask(name, route=route)
    return released(got), world.gateway.receipt(got.receipt)["data"]


def test_what_people_write_leaves_without_addresses_and_numbers(forms):
    left, done = asked(forms, REVIEW, "review.text: {}", {
        "text": "Fits! \u2013 mail lotte@example.org or 06-1234 5678, IBAN NL91 ABNA 0417 1643 00 "
                "\"thanks\"", "size": 38})
    assert left == {"text": "Fits! \u2013 mail [contact] or [number], IBAN [account] \"thanks\""}
    assert done == {"review.text": "redacted", "review.fit": "dropped"}


def test_a_run_shows_neither_home_nor_the_way_home(forms):
    """Along a meridian, a point every 250 m, there and half way back."""
    metres = [*range(0, 5001, 250), *range(4750, 2499, -250)]
    points = [{"lat": 52.37 + m / 111260, "lon": 4.9, "bpm": 100 + i, "t": f"2026-11-28T08:{i:02}:00Z"}
              for i, m in enumerate(metres)]
    data = "run.route: {precision: 200m, time: 1min, cut: 500m}\nrun.pace: {}"
    left, done = asked(forms, RUN, data, {"start": {"lat": 52.37, "lon": 4.9}, "points": points})
    assert done == {"run.route": "200m 60s cut500m", "run.pace": "kept"}
    assert left["start"] == {}
    kept = [point["bpm"] - 100 for point in left["points"]]
    assert kept and all(metres[i] > 500 and abs(metres[i] - 2500) > 500 for i in kept)
    assert {metres[i] for i in kept} >= {4750, 5000}  # and not simply nothing
    again, _ = asked(forms, RUN, data, {"start": None, "points": points})
    assert again["points"] == left["points"]


ABOUT = {"name": "Sanne Visser", "born": "1990-05-17", "arrives": "2026-11-28T15:40:00+01:00",
         "bought": "2026-11-27"}


def test_of_a_name_a_first_name_and_of_a_date_a_month_leaves(forms):
    left, done = asked(forms, GUEST, "profile.first_name: {}\nprofile.age_group: {}\n"
                       "stay.arrival_hour: {}\npurchase.month: {}", ABOUT)
    assert left == {"name": "Sanne", "born": "35-44", "arrives": "15:00", "bought": "2026-11"}
    assert done["profile.name"] == "dropped" and done["profile.first_name"] == "kept"
    left, done = asked(forms, GUEST, "profile.name: {}\nstay.arrival: {time: 1h}\n"
                       "profile.birth_date: {detail: age_group}\npurchase.date: {time: 2d}", ABOUT)
    assert left == {"name": "Sanne Visser", "born": "35-44", "arrives": "2026-11-28T14:00:00Z",
                    "bought": "2026-11-27"}
    assert done["profile.birth_date"] == "dropped" and done["stay.arrival"] == "3600s"
