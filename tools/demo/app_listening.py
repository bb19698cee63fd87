#!/usr/bin/python3
"""app_listening.py - a demo app that knows what people listen to

Answers in the shape of Spotify's Web API, "Get Recently Played Tracks", with full artist objects
(so with genres). Three people share one history here, from different places in it.

  GET /v1/users/<user>/player/recently-played?limit=20&before=<ms since 1970>
"""
import datetime
import json
import pathlib

from serving import number, serve

DATA = pathlib.Path(__file__).resolve().parent / "data" / "listens.json"
FIRST_LISTEN = {"lotte": 0, "daan": 70, "mila": 140}


def milliseconds(item):
    when = datetime.datetime.fromisoformat(item["played_at"].replace("Z", "+00:00"))
    return round(when.timestamp() * 1000)


ITEMS = json.loads(DATA.read_text(encoding="utf-8"))["items"]
TIMES_MS = [milliseconds(item) for item in ITEMS]


def answer(segments, query):
    match segments:
        case ["v1", "users", user, "player", "recently-played"] if user in FIRST_LISTEN:
            return "application/json", page(user, query)
    return None


def page(user, query):
    limit = number(query, "limit", 20, 1, 50)
    before = number(query, "before", 1 << 62, 0, 1 << 62)
    older = [i for i in range(FIRST_LISTEN[user], len(ITEMS)) if TIMES_MS[i] < before]
    shown = older[:limit]
    href = f"https://api.spotify.com/v1/me/player/recently-played?limit={limit}"
    cursors = None
    if shown:
        cursors = {"after": str(TIMES_MS[shown[0]]), "before": str(TIMES_MS[shown[-1]])}
    return {
        "items": [ITEMS[i] for i in shown],
        "next": f"{href}&before={cursors['before']}" if len(older) > limit else None,
        "cursors": cursors,
        "limit": limit,
        "href": href,
    }


if __name__ == "__main__":
    serve("Answers what people listened to, as Spotify's Web API does.", answer)
