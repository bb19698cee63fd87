"""What a partner gets when somebody has consented: the reduced answer, its receipt, nothing else."""
import json

import pytest

import answers
import gateway
from world import DATA, feature
from gateway import LISTENING, POSITION, TRACE, consent

EXACT = "location: {}\nlocation.speed: {}"
SONGS = json.loads((DATA / "listens.json").read_text(encoding="utf-8"))["items"]


def spotify_page(n=50):
    return {"items": SONGS[:n], "next": "https://api.spotify.com/v1/me/player/recently-played?x",
            "cursors": {"after": "1", "before": "2"}, "limit": n,
            "href": "https://api.spotify.com/v1/me/player/recently-played"}


def listener(world, data, app_answer=None):
    name = world.person(consent(app="spotify", partner_="recommender", data=data))
    behaviour = answers.well(app_answer or spotify_page(), media_type="application/json")
    world.spotify.on(f"/v1/users/{name}/player/recently-played", behaviour)
    return name


def test_consented_flow_is_released_with_its_receipt(world):
    name = world.person(consent(data=EXACT))
    answer = world.ask(name)
    assert answer.status == 200
    assert answer.header("content-type") == "application/geo+json"
    receipt = world.gateway.receipt(answer.receipt)
    assert receipt["decision"] == "release" and receipt["reason"] == "consented"
    assert receipt["partner"] == "spotify" and receipt["route"] == "position"
    assert receipt["benefit"] == "Playlists that fit the drive"


def test_only_what_is_consented_passes(world):
    name = world.person(consent(data=EXACT))
    released = world.ask(name).json()
    assert released == {"type": "Feature",
                        "geometry": {"type": "Point", "coordinates": [4.901282, 52.378796]},
                        "properties": {"user": world.gateway.pseudonym("spotify", name),
                                       "recorded_at": "2026-11-02T07:16:40Z",
                                       "speed_kmh": 25.6}}


def test_of_a_part_of_the_answer_that_is_dropped_nothing_is_left(world):
    name = world.person(consent(data="location: {}"))
    assert world.ask(name).json() == {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [4.901282, 52.378796]}}


def test_kept_values_leave_byte_for_byte(world):
    body = (b'{ "type" : "Feature", "geometry":{"type":"Point","coordinates":[4.9012820,52.37879600]},'
            b' "properties":{"speed_kmh":1.10e+1,"street":"\\u0041 \xc3\xa9\\n"}}')
    name = world.person(consent(data="location: {}\nlocation.speed: {}\nlocation.place: {}"),
                        answer=answers.well(body))
    released = world.ask(name).body
    for kept in (b"4.9012820", b"52.37879600", b"1.10e+1", b'"\\u0041 \xc3\xa9\\n"'):
        assert kept in released


def test_position_is_snapped_to_the_granted_grid(world):
    name = world.person(consent(data="location: {precision: 5km}"))
    longitude, latitude = world.ask(name).json()["geometry"]["coordinates"]
    assert (longitude, latitude) != (4.901282, 52.378796)
    assert abs(latitude - 52.378796) < 0.05 and abs(longitude - 4.901282) < 0.08


def test_asking_again_teaches_nothing_more(world):
    name = world.person(consent(data="location: {precision: 5km, time: 15min}"))
    assert len({world.ask(name).body for _ in range(5)}) == 1


def test_two_positions_in_one_cell_look_the_same(world):
    name = world.person(consent(data="location: {precision: 5km}"))
    seen = set()
    for latitude in (52.37800, 52.37805, 52.37810):
        path = f"/v1/drivers/{name}/position"
        world.waze.on(path, answers.well(feature(name, latitude=latitude)))
        seen.add(tuple(world.ask(name).json()["geometry"]["coordinates"]))
    assert len(seen) == 1


def test_times_fall_into_the_granted_bucket(world):
    name = world.person(consent(data="location: {precision: 5km, time: 15min}\nlocation.speed: {}"))
    assert world.ask(name).json()["properties"]["recorded_at"] == "2026-11-02T07:15:00Z"


def test_of_two_consents_the_narrowest_holds(world):
    name = world.person(consent("wide", data="location: {precision: 1km}"),
                        consent("narrow", data="location: {precision: 20km}"))
    only_narrow = world.person(consent("narrow", data="location: {precision: 20km}"))
    both = world.ask(name).json()["geometry"]["coordinates"]
    assert both == world.ask(only_narrow).json()["geometry"]["coordinates"]


def test_a_refusal_wins_over_every_consent(world):
    name = world.person(consent(data=EXACT), refuse="- data: [location.speed]")
    released = world.ask(name).json()
    assert "speed_kmh" not in json.dumps(released)
    assert released["geometry"]["coordinates"] == [4.901282, 52.378796]


def test_the_subject_is_named_by_the_partners_pseudonym_only(world):
    name = world.person(consent(data=EXACT), consent("c2", partner_="recommender", data=EXACT))
    one, other = world.ask(name, "spotify"), world.ask(name, "recommender", purpose="recommendation")
    assert name.encode() not in one.body + other.body
    assert one.json()["properties"]["user"] == world.gateway.pseudonym("spotify", name)
    assert other.json()["properties"]["user"] == world.gateway.pseudonym("recommender", name)
    assert one.json()["properties"]["user"] != other.json()["properties"]["user"]


def test_new_fields_of_the_app_are_dropped_until_classified(world):
    new = feature("somebody")
    new["properties"] |= {"user": None, "geohash": "u173zt", "home": {"lat": 52.1, "lon": 4.2}}
    del new["properties"]["user"]
    new["bbox"] = [4.9, 52.3, 4.9, 52.3]
    name = world.person(consent(data=EXACT), answer=answers.well(new))
    released = world.ask(name).json()
    assert set(released) == {"type", "geometry", "properties"}
    assert set(released["properties"]) == {"recorded_at", "speed_kmh"}


def test_the_account_names_the_subject_at_the_app(world):
    name = world.person(consent(data=EXACT))
    world.gateway.sluis("subject", "account", name, "waze", "Zoë 47+11?")
    world.waze.on("/v1/drivers/Zo%C3%AB%2047%2B11%3F/position", answers.well(feature("Zoë 47+11?")))
    released = world.ask(name)
    assert released.status == 200
    assert released.json()["properties"]["user"] == world.gateway.pseudonym("spotify", name)


def test_five_hundred_positions_are_each_reduced(world):
    text = (DATA / "positions.json").read_text(encoding="utf-8")
    features = [one for one in json.loads(text)["features"]
                if one["properties"]["user"] == "lotte"]
    name = world.person(consent(data="location: {precision: 1km, time: 15min}\nlocation.speed: {}"))
    for one in features:
        one["properties"]["user"] = name
    world.waze.on(f"/v1/drivers/{name}/trace",
                  answers.well({"type": "FeatureCollection", "features": features}))
    released = world.ask(name, route=TRACE + "?limit=500").json()
    assert world.waze.requests[-1].target == f"/v1/drivers/{name}/trace?limit=500"
    assert len(released["features"]) == 500
    exact = {tuple(one["geometry"]["coordinates"]) for one in features}
    for one in released["features"]:
        assert set(one["properties"]) == {"user", "recorded_at", "speed_kmh"}
        assert one["properties"]["recorded_at"][14:] in ("00:00Z", "15:00Z", "30:00Z", "45:00Z")
        assert tuple(one["geometry"]["coordinates"]) not in exact


def test_an_empty_collection_is_released_as_one(world):
    name = world.person(consent(data=EXACT))
    world.waze.on(f"/v1/drivers/{name}/trace",
                  answers.well({"type": "FeatureCollection", "features": []}))
    assert world.ask(name, route=TRACE).json() == {"type": "FeatureCollection", "features": []}


@pytest.mark.parametrize("data, track, album, artist, genre", [
    ("listening.track: {}", True, True, True, True),
    ("listening.album: {}", False, True, True, True),
    ("listening.artist: {}", False, False, True, True),
    ("listening.genre: {}", False, False, False, True),
    ("listening.track: {detail: listening.artist}", False, False, True, True),
    ("listening.track: {detail: listening.genre}", False, False, False, True),
])
def test_listening_is_reduced_from_track_to_genre(world, data, track, album, artist, genre):
    name = listener(world, data)
    answer = world.ask(name, "recommender", LISTENING, purpose="recommendation")
    assert answer.status == 200, answer
    for item, song in zip(answer.json()["items"], SONGS):
        got = item["track"]
        assert got.get("name") == (song["track"]["name"] if track else None)
        assert got.get("album") == ({"name": song["track"]["album"]["name"]} if album else None)
        for one, whole in zip(got["artists"], song["track"]["artists"]):
            assert one.get("name") == (whole["name"] if artist else None)
            assert one.get("genres") == (whole["genres"] if genre else None)
    for never in (b"isrc", b"popularity", b"open.spotify.com", b"cursors", b"played_at\":null"):
        assert never not in answer.body


def test_the_app_is_asked_anew_and_learns_nothing_of_the_partner(world):
    name = world.person(consent(data=EXACT))
    extra = [("Cookie", "session=1"), ("X-Forwarded-For", "10.1.2.3"), ("X-User", "admin"),
             ("Range", "bytes=0-10"), ("If-None-Match", "\"x\""), ("Referer", "http://x/"),
             ("X-HTTP-Method-Override", "DELETE"), ("Accept-Encoding", "gzip, br"),
             ("Forwarded", "for=10.1.2.3"), ("Accept", "text/html"), ("User-Agent", "partner/1")]
    assert world.ask(name, headers=extra).status == 200
    asked = world.waze.requests[-1]
    assert asked.method == "GET" and asked.target == f"/v1/drivers/{name}/position"
    assert asked.version == "HTTP/1.1"
    assert asked.header("host") == f"127.0.0.1:{world.waze.port}"
    assert asked.header("accept-encoding") == "identity"
    assert asked.header("accept") == "application/geo+json"
    assert {field.lower() for field, _ in asked.fields} <= {
        "host", "accept", "accept-encoding", "user-agent", "connection"}
    assert b"partner/1" not in asked.raw and b"sluis_" not in asked.raw


def test_nothing_of_the_apps_headers_passes(world):
    name = world.person(consent(data=EXACT))
    noise = ["Set-Cookie: a=b", "ETag: \"1\"", "Last-Modified: Mon, 02 Nov 2026 07:16:40 GMT",
             "Server: app/1", "Link: </v1/drivers/lotte>; rel=self", "X-Served-For: lotte",
             "Server-Timing: db;dur=1", "Cache-Control: public, max-age=3600", "Age: 3",
             "Access-Control-Allow-Origin: *"]
    world.waze.on(f"/v1/drivers/{name}/position", answers.well(feature(name), more=noise))
    answer = world.ask(name)
    assert answer.status == 200
    assert {field for field, _ in answer.fields} <= {
        "content-type", "content-length", "cache-control", "x-content-type-options",
        "sluis-receipt", "date", "connection"}
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("sluis-receipt").startswith(gateway.ORIGIN + "/")


def test_many_requests_share_one_connection_in_order(world):
    people = [world.person(consent(data=EXACT)) for _ in range(5)]
    partner = world.partner()
    with partner.connect() as connection:
        for name in people * 3:
            connection.send(partner.request(partner.path(POSITION, name)))
            answer = connection.read_answer()
            assert answer.json()["properties"]["user"] == world.gateway.pseudonym("spotify", name)


def test_pipelined_requests_are_answered_in_their_order(world):
    people = [world.person(consent(data=EXACT)) for _ in range(4)]
    partner = world.partner()
    with partner.connect() as connection:
        connection.send(b"".join(partner.request(partner.path(POSITION, name)) for name in people))
        for name in people:
            answer = connection.read_answer()
            assert answer.json()["properties"]["user"] == world.gateway.pseudonym("spotify", name)


def test_a_request_in_single_bytes_is_understood(world):
    name = world.person(consent(data=EXACT))
    partner = world.partner()
    with partner.connect() as connection:
        for byte in partner.request(partner.path(POSITION, name)):
            connection.send(bytes([byte]))
        assert connection.read_answer().status == 200
