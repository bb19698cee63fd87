"""gateway.py - a real gateway in a folder of its own, driven from outside as an operator would

Nothing is mocked: `sluis init` makes the folder, sluisd listens on a port of the system's choice,
policies go through `sluis policy put`, and what the ledger holds is what `sluis-audit` says.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading

import partner

BUILD = pathlib.Path(os.environ.get("SLUIS_BUILD", "build/asan")).resolve()
SLUISD = BUILD / "gateway/daemon/sluisd"
SLUIS = BUILD / "tools/sluis/sluis"
AUDIT = BUILD / "tools/sluis-audit/sluis-audit"
ORIGIN = "test.example/gateway"
WAIT_S = 60  # sanitizers on a busy machine; only something broken takes so long

# A limit of its own for what a test has to wait for; and small segments, quickly written.
QUICK_LIMITS = {
    "segment_bytes": 1 << 20,
    "consent_reserve_bytes": 1 << 16,
    "app_connect_ms": 1000,
    "app_head_ms": 700,
    "app_body_ms": 900,
}

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
    "LC_ALL": "C.UTF-8",
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "TSAN_OPTIONS": "halt_on_error=1:exitcode=99:second_deadlock_stack=1",
}

PARTNERS = {
    "spotify": dict(purposes=["recommendation"], benefits=["Playlists that fit the drive"]),
    "recommender": dict(purposes=["recommendation", "marketing"],
                        benefits=["Playlists that fit the drive", "Better finds"]),
}

ROUTES = """
  - id: position
    app: waze
    request: GET /v1/drivers/{subject}/position
    answers:
      type: application/geo+json
      fields:
        $.type: structure
        $.geometry.type: structure
        $.geometry.coordinates[0]: location.longitude
        $.geometry.coordinates[1]: location.latitude
        $.properties.user: subject
        $.properties.recorded_at: time
        $.properties.speed_kmh: location.speed
        $.properties.heading: location.heading
        $.properties.street: location.place
  - id: trace
    app: waze
    request: GET /v1/drivers/{subject}/trace
    query: [limit]
    answers:
      type: application/geo+json
      fields:
        $.type: structure
        $.features[*].type: structure
        $.features[*].geometry.type: structure
        $.features[*].geometry.coordinates[0]: location.longitude
        $.features[*].geometry.coordinates[1]: location.latitude
        $.features[*].properties.user: subject
        $.features[*].properties.recorded_at: time
        $.features[*].properties.speed_kmh: location.speed
  - id: listening
    app: spotify
    request: GET /v1/listeners/{subject}/recently-played
    forward: GET /v1/users/{subject}/player/recently-played
    query: [limit, before]
    answers:
      type: application/json
      fields:
        $.items[*].track.name: listening.track
        $.items[*].track.album.name: listening.album
        $.items[*].track.artists[*].name: listening.artist
        $.items[*].track.artists[*].genres[*]: listening.genre
        $.items[*].played_at: time
"""

POSITION = "/v1/drivers/{subject}/position"
TRACE = "/v1/drivers/{subject}/trace"
LISTENING = "/v1/listeners/{subject}/recently-played"


class Failed(Exception):
    """A command of ours ended badly; the message has what it printed."""

    def __init__(self, command, done):
        super().__init__(f"{' '.join(map(str, command))} -> {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
        self.status = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr


def check_sanitizers(text):
    for mark in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                 "WARNING: ThreadSanitizer"):
        assert mark not in text, f"a sanitizer has found something:\n{text}"


def run(*command, ok=(0,), given=None):
    done = subprocess.run([str(part) for part in command], input=given, text=True, timeout=WAIT_S,
                          stdin=subprocess.DEVNULL if given is None else None,
                          capture_output=True, env=ENVIRONMENT, check=False)
    check_sanitizers(done.stderr)
    if done.returncode not in ok:
        raise Failed(command, done)
    return done


def policy_text(subject, consents="", refuse="", timezone="Europe/Amsterdam"):
    """A policy from YAML list items."""
    def part(key, items):
        lines = "".join(f"  {line}\n" for line in items.strip("\n").split("\n"))
        return f"{key}:\n{lines}" if items.strip() else ""
    return (f"sluis: 1\nsubject: {subject}\ntimezone: {timezone}\n"
            + part("consents", consents) + part("refuse", refuse))


def consent(ident="c1", app="waze", partner_="spotify", purpose="recommendation",
            data="location: {precision: 5km, time: 15min}", more=""):
    """One consent as a YAML list item; `data` and `more` are lines of YAML."""
    lines = [f"- id: {ident}", f"  app: {app}", f"  partner: {partner_}", f"  purpose: {purpose}",
             "  data:", *(f"    {line}" for line in data.strip("\n").split("\n")),
             "  in_return: Playlists that fit the drive",
             *(f"  {line}" for line in more.strip("\n").split("\n") if line)]
    return "\n".join(lines) + "\n"


class Gateway:
    def __init__(self, folder, apps, limits=None, partners=None, routes=ROUTES, threads=2):
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "sluis.yaml"
        self.state = self.folder / "state"
        self.ledger = self.state / "ledger"
        self.vkey = self.state / "keys/ledger.vkey"
        self.apps = apps
        self.limits = QUICK_LIMITS | (limits or {})
        self.routes = routes
        self.threads = threads
        self.sections = ""  # more of sluis.yaml
        self.process = None
        self.environment = ENVIRONMENT
        self.address = self.ledger_address = None
        self.log = []
        self._pseudonyms = {}
        run(SLUIS, "init", self.folder, "--origin", ORIGIN)
        self.partners = {name: {**facts, "token": None, "hash": None}
                         for name, facts in (partners or PARTNERS).items()}
        for facts in self.partners.values():
            facts |= json.loads(run(SLUIS, "-c", self.config, "partner", "token", "--json").stdout)
        self.write_config()

    def write_config(self):
        self.config.write_text(self.config_text(), encoding="utf-8")

    def config_text(self):
        """sluis.yaml as docs/configuration.md has it."""
        apps = "".join(f"  - id: {name}\n    url: http://127.0.0.1:{app.port}\n"
                       for name, app in self.apps.items())
        partners = "".join(
            f"  - id: {name}\n    tokens: [\"{facts['hash']}\"]\n    contract:\n"
            f"      purposes: [{', '.join(facts['purposes'])}]\n"
            f"      benefits: [{', '.join(facts['benefits'])}]\n"
            for name, facts in self.partners.items())
        limits = "".join(f"  {name}: {value}\n" for name, value in self.limits.items())
        return (f"sluis: 1\n"
                f"node:\n  origin: {ORIGIN}\nstate: state\n"
                f"listen:\n  partners: 127.0.0.1:0\n  ledger: 127.0.0.1:0\n"
                f"  threads: {self.threads}\n"
                f"apps:\n{apps}partners:\n{partners}routes:{self.routes}{self.sections}"
                f"limits:\n{limits}")

    # The daemon.

    def start(self, prefix=()):
        """Returns when it listens. `prefix`: a command that starts it, such as unshare."""
        assert self.process is None
        self.process = subprocess.Popen(
            [*prefix, str(SLUISD), "-c", str(self.config)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
            env=self.environment)
        self.log = []
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read_log, args=(self.process, ready),
                                        daemon=True)
        self._reader.start()
        if not ready.wait(WAIT_S) or self.address is None:
            status = self._end(signal.SIGKILL)
            raise AssertionError(f"sluisd did not get ready (status {status}):\n{self.text()}")
        return self

    def _read_log(self, process, ready):
        self.address = None
        for line in process.stderr:
            self.log.append(line)
            found = re.search(r"ready: partners on (\S+):(\d+)", line)
            if found:
                self.address = (found[1].strip("[]"), int(found[2]))
                found = re.search(r"ledger on (\S+):(\d+)", line)
                self.ledger_address = found and (found[1].strip("[]"), int(found[2]))
                ready.set()
        ready.set()

    def text(self):
        return "".join(self.log)

    def _end(self, number):
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(number)
        try:
            status = process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = None
        self._reader.join()
        process.stderr.close()
        check_sanitizers(self.text())
        return status

    def stop(self):
        """As an operator would; a clean end is part of the deal."""
        if self.process is not None:
            status = self._end(signal.SIGTERM)
            assert status == 0, f"sluisd ended with {status}:\n{self.text()}"

    def kill(self):
        """SIGKILL: what a power cut leaves of the process, with all that was not yet written."""
        self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    def refuses_to_start(self):
        """Starts sluisd, which has to give up by itself; returns what it says."""
        done = subprocess.run([str(SLUISD), "-c", str(self.config)], stdin=subprocess.DEVNULL,
                              text=True, errors="replace", capture_output=True, env=ENVIRONMENT,
                              timeout=WAIT_S, check=False)
        check_sanitizers(done.stderr)
        assert done.returncode > 0, f"sluisd started, or crashed ({done.returncode}): {done.stderr}"
        return done.stderr

    # The operator.

    def sluis(self, *arguments, **more):
        return run(SLUIS, "-c", self.config, *arguments, **more)

    def put_policy(self, text, **more):
        file = self.folder / "policy-to-put.yaml"
        file.write_text(text, encoding="utf-8")
        return self.sluis("policy", "put", file, **more)

    def put(self, subject, *consents, refuse="", timezone="Europe/Amsterdam"):
        return self.put_policy(policy_text(subject, "".join(consents), refuse, timezone))

    def withdraw(self, subject, ident):
        return self.sluis("policy", "withdraw", subject, ident)

    def pseudonym(self, partner_, subject):
        key = (partner_, subject)
        if key not in self._pseudonyms:
            done = self.sluis("subject", "pseudonym", "--partner", partner_, subject)
            self._pseudonyms[key] = done.stdout.strip()
        return self._pseudonyms[key]

    def partner(self, name):
        return partner.Partner(self, name, self.partners[name]["token"])

    # The auditor.

    def verify(self, ledger=None, vkey=None, ok=(0,)):
        return run(AUDIT, "verify", ledger or self.ledger, "--key", vkey or self.vkey, ok=ok)

    def receipts(self, *filters):
        """All receipts as the auditor reads them, oldest first."""
        text = run(AUDIT, "list", self.ledger, "--json", *filters).stdout
        if text.startswith("["):
            return json.loads(text)
        return [json.loads(line) for line in text.splitlines()]

    def receipt(self, index):
        return json.loads(run(AUDIT, "show", index, self.ledger, "--json").stdout)
