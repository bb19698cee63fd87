"""gateway.py - a real gateway in a folder of its own, driven from outside as an operator would

Nothing is mocked: `sluis init` makes the folder, sluisd listens on a port of the system's choice,
policies go through `sluis policy put`, and what the ledger holds is what `sluis-audit` says.
"""
import base64
import hashlib
import json
import os
import pathlib
import subprocess

import partner
from process import ENVIRONMENT, WAIT_S, Process, check_sanitizers

BUILD = pathlib.Path(os.environ.get("SLUIS_BUILD", "build/asan")).resolve()
SLUISD = BUILD / "gateway/daemon/sluisd"
SLUIS = BUILD / "tools/sluis/sluis"
AUDIT = BUILD / "tools/sluis-audit/sluis-audit"
ORIGIN = "test.example/gateway"

# A limit of its own for what a test has to wait for; and small segments, quickly written.
QUICK_LIMITS = {
    "segment_bytes": 1 << 20,
    "consent_reserve_bytes": 1 << 16,
    "app_connect_ms": 1000,
    "app_head_ms": 700,
    "app_body_ms": 900,
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

# Who runs it, for consent receipts; a part of sluis.yaml.
CONTROLLER = """\
controller:
  name: Canal Museum Foundation
  contact: Privacy desk
  email: privacy@canal.example
  phone: "+31 30 1234567"
  street: Sluiskade 1
  postal_code: 1234 AB
  city: Utrecht
  country: NL
  url: https://canal.example
  privacy_policy: https://canal.example/privacy
  withdraw_at: https://gateway.example/consents
  jurisdiction: NL
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


def new_token():
    """As `sluis partner token` makes it: 32 random bytes, and the hash for sluis.yaml."""
    token = "sluis_" + base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    return {"token": token, "hash": "sha256:" + hashlib.sha256(token.encode()).hexdigest()}


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


class Gateway(Process):
    def __init__(self, folder, apps, limits=None, partners=None, routes=ROUTES, threads=2, page=False,
                 recipients=None):
        super().__init__("sluisd")
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "sluis.yaml"
        self.state = self.folder / "state"
        self.ledger = self.state / "ledger"
        self.vkey = self.state / "keys/ledger.vkey"
        self.apps = apps
        self.limits = QUICK_LIMITS | (limits or {})
        self.routes = routes
        self.threads = threads
        self.listen = "  page: 127.0.0.1:0\n" if page else ""  # more listeners
        self.sections = ""  # more of sluis.yaml
        self.address = self.ledger_address = self.page_address = None
        self.recipients = recipients or {}  # partners that pushes go to, as servers
        self._pseudonyms = {}
        run(SLUIS, "init", self.folder, "--origin", ORIGIN)
        self.partners = {name: {**facts, "token": None, "hash": None}
                         for name, facts in (partners or PARTNERS).items()}
        self.clients = {name: new_token() for name in apps}  # apps that call the gateway
        for facts in self.partners.values():
            facts |= json.loads(run(SLUIS, "-c", self.config, "partner", "token", "--json").stdout)
        self.write_config()

    def write_config(self):
        self.config.write_text(self.config_text(), encoding="utf-8")

    def config_text(self):
        """sluis.yaml as docs/configuration.md has it."""
        apps = "".join(f"  - id: {name}\n    url: http://127.0.0.1:{app.port}\n"
                       f"    tokens: [\"{self.clients[name]['hash']}\"]\n"
                       for name, app in self.apps.items())
        partners = "".join(
            f"  - id: {name}\n    tokens: [\"{facts['hash']}\"]\n{facts.get('more', '')}"
            "    contract:\n"
            f"      purposes: [{', '.join(facts['purposes'])}]\n"
            f"      benefits: [{', '.join(facts['benefits'])}]\n"
            + (f"      at_most: {facts['at_most']}\n" if "at_most" in facts else "")
            + (f"    url: http://127.0.0.1:{self.recipients[name].port}\n"
               if name in self.recipients else "")
            for name, facts in self.partners.items())
        limits = "".join(f"  {name}: {value}\n" for name, value in self.limits.items())
        return (f"sluis: 1\n"
                f"node:\n  origin: {ORIGIN}\nstate: state\n"
                f"listen:\n  partners: 127.0.0.1:0\n  ledger: 127.0.0.1:0\n"
                f"{self.listen}  threads: {self.threads}\n"
                f"apps:\n{apps}partners:\n{partners}routes:{self.routes}{self.sections}"
                f"limits:\n{limits}")

    # The daemon.

    def command(self, *more):
        return [SLUISD, "-c", self.config, *more]

    def start(self, *more, prefix=()):
        """Returns when it listens. `prefix`: a command that starts it, such as unshare."""
        found = self.launch([*prefix, *self.command(*more)],
                            r"ready: partners on (\S+):(\d+)(?:, ledger on (\S+):(\d+))?"
                            r"(?:, page on (\S+):(\d+))?")
        self.address = (found[1].strip("[]"), int(found[2]))
        self.ledger_address = (found[3].strip("[]"), int(found[4])) if found[3] else None
        self.page_address = (found[5].strip("[]"), int(found[6])) if found[5] else None
        return self

    def restart(self):
        self.stop()
        return self.start()

    def refuses_to_start(self):
        """What it says."""
        return self.refusal(self.command())[1]

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

    def client(self, app):
        """An app as a client: it has a credential of its own, and names people as it does."""
        return partner.Partner(self, app, self.clients[app]["token"])

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
