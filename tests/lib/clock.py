"""clock.py - a daemon that runs by a clock of the test's own

libfaketime reads the time from a file, so the test can let days pass, or set the clock back, while
the daemon runs. Its monotonic clock, which deadlines are measured by, stays the real one.
"""
import datetime
import pathlib

import pytest

import gateway as gateway_


class Clock:
    def __init__(self, file):
        self.file = pathlib.Path(file)
        self.now = None

    def set(self, text):
        """"2031-10-26T00:30:00": UTC; from then on it goes on by itself."""
        self.now = datetime.datetime.fromisoformat(text)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"@{self.now:%Y-%m-%d %H:%M:%S}\n", encoding="ascii")
        fresh.replace(self.file)

    def drive(self, gateway):
        """The daemon's clock is this one from its next start on."""
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
        if library is None:
            pytest.skip("libfaketime is not installed")
        environment = {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC",
            # The library comes before ASan's own, which ASan has to be told.
            "ASAN_OPTIONS": gateway_.ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}
        gateway.environment = gateway_.ENVIRONMENT | environment
