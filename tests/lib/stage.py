"""stage.py - the player of tools/demo, for tests"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/demo"))

import exchange  # noqa: E402,F401
