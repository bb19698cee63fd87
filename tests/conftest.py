"""conftest.py - what flow and crash tests start from

`world` is a running gateway with two apps that tests of one file share; tests keep apart by using
subjects of their own. `fresh` is a gateway for one test alone.
"""
import itertools
import json
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "lib"))

import answers  # noqa: E402
import app as app_  # noqa: E402
import gateway as gateway_  # noqa: E402

DATA = ROOT.parent / "tools/demo/data"


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


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    one = World(tmp_path_factory.mktemp("world") / "node")
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


@pytest.fixture
def fresh(tmp_path):
    """A gateway that is not started yet."""
    one = World(tmp_path / "node")
    try:
        yield one
    finally:
        one.close()
