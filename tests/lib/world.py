"""world.py - a gateway, two apps, and people made up on the spot"""
import itertools
import json
import pathlib

import answers
import app as app_
import gateway as gateway_

DATA = pathlib.Path(__file__).resolve().parents[2] / "tools/demo/data"


def feature(user, latitude=52.378796, longitude=4.901282):
    """A position as the demo's app has it, of any user."""
    one = json.loads(json.dumps(_features()[-1]))
    one["id"] = f"{user}-1"
    one["geometry"]["coordinates"] = [longitude, latitude]
    one["properties"]["user"] = user
    return one


def _features():
    if not hasattr(_features, "kept"):
        text = (DATA / "positions.json").read_text(encoding="utf-8")
        _features.kept = [one for one in json.loads(text)["features"]
                          if one["properties"]["user"] == "lotte"]
    return _features.kept


class World:
    """A gateway, its apps, and people made up on the spot."""

    numbers = itertools.count(1)

    def __init__(self, folder, **more):
        self.waze = app_.App()
        self.spotify = app_.App()
        self.gateway = gateway_.Gateway(folder, {"waze": self.waze, "spotify": self.spotify}, **more)

    def partner(self, name="spotify"):
        return self.gateway.partner(name)

    def person(self, *consents, answer=None, **more):
        """Someone with these consents, whose position the app answers. Returns the name."""
        name = f"person{next(self.numbers)}"
        self.gateway.put(name, *consents, **more)
        self.waze.on(f"/v1/drivers/{name}/position", answer or answers.well(feature(name)))
        return name

    def ask(self, name, partner="spotify", route=gateway_.POSITION, **more):
        who = self.partner(partner)
        return who.get(who.path(route, name), **more)

    def close(self):
        try:
            self.gateway.stop()
        finally:
            if self.gateway.process is not None:
                self.gateway.kill()
            self.waze.stop()
            self.spotify.stop()
