#!/usr/bin/python3
"""app_positions.py - a demo app that knows where people are

Answers in GeoJSON (RFC 7946), as navigation apps do, and tells far more than a partner needs:
street names, the phone, its Wi-Fi network, who was near.

  GET /v1/drivers/<user>/position           the newest position: one Feature
  GET /v1/drivers/<user>/trace?limit=50     the last ones: a FeatureCollection, oldest first
"""
import json
import pathlib

from serving import number, serve

DATA = pathlib.Path(__file__).resolve().parent / "data" / "positions.json"
MEDIA_TYPE = "application/geo+json"


def load():
    people = {}
    for feature in json.loads(DATA.read_text(encoding="utf-8"))["features"]:
        people.setdefault(feature["properties"]["user"], []).append(feature)
    return people


PEOPLE = load()


def answer(segments, query):
    match segments:
        case ["v1", "drivers", user, "position"] if user in PEOPLE:
            return MEDIA_TYPE, PEOPLE[user][-1]
        case ["v1", "drivers", user, "trace"] if user in PEOPLE:
            limit = number(query, "limit", 50, 1, 500)
            return MEDIA_TYPE, {"type": "FeatureCollection", "features": PEOPLE[user][-limit:]}
    return None


if __name__ == "__main__":
    serve("Answers where people are, as GeoJSON.", answer)
