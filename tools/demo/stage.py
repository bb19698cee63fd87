"""stage.py - one exchange of policies/exchanges, set up and played through a real gateway

An exchange is a folder with plain files, so that a new one needs no code:

  gateway.yaml   apps, partners and routes, as sluis.yaml has them; ports and tokens are filled in
  policy.yaml    the template: the policy of a person who takes part
  NAME.yaml      policies of others, who allow more or less
  app.json       what the app answers: request -> {"type": .., "body": ..}; "{user}" is the person
  play.yaml      what happens, step by step, and what has to come out

docs/exchanges.md lists them, docs/new-exchange.md explains how to write one.
"""
import http.client
import json
import pathlib
import re
import signal
import subprocess
import threading
import urllib.parse

import yaml

from serving import JsonHandler, Server

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "policies/exchanges"
ORIGIN = "demo.sluis.example/exchanges"
WAIT_S = 60
STAGE_FILES = {"gateway.yaml", "play.yaml"}


class Unexpected(Exception):
    """Something else came out than play.yaml says."""


def names():
    """Every exchange there is."""
    return sorted(one.parent.name for one in FOLDER.glob("*/play.yaml"))


def folder_of(exchange):
    """That of an exchange by its name, or by its path; None when there is none."""
    path = pathlib.Path(exchange) if "/" in exchange else FOLDER / exchange
    return path if (path / "play.yaml").is_file() else None


def plain(path):
    """A YAML file with every scalar as text, which is how the gateway reads it."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def filled(value, words):
    """`value` with "{user}" and the like filled in, in all texts and keys."""
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace("{" + word + "}", text)
        return value
    if isinstance(value, list):
        return [filled(one, words) for one in value]
    if isinstance(value, dict):
        return {filled(key, words): filled(one, words) for key, one in value.items()}
    return value


def in_one_order(value):
    """`value` with its lists sorted."""
    if isinstance(value, dict):
        return {key: in_one_order(one) for key, one in value.items()}
    if isinstance(value, list):
        return sorted(map(in_one_order, value), key=lambda one: json.dumps(one, sort_keys=True))
    return value


class App:
    """The customer app of an exchange: a real HTTP server that knows what app.json says."""

    def __init__(self, answers):
        self.answers = [(self._pattern(request), answer) for request, answer in answers.items()]
        handler = type("Handler", (JsonHandler,), {"answer": staticmethod(self._answer)})
        self.server = Server(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def _pattern(request):
        method, path = request.split(" ")
        assert method == "GET", request
        return re.compile("(?P<user>[^/]+)".join(map(re.escape, path.split("{user}"))))

    def raw(self, path):
        """What the app answers to GET `path`: (type, body), or None."""
        for pattern, answer in self.answers:
            found = pattern.fullmatch(path)
            if found:
                user = found.groupdict().get("user", "")
                people = answer.get("people", {})
                body = people.get(user, answer.get("body"))
                return None if body is None else (answer["type"], filled(body, {"user": user}))
        return None

    def _answer(self, segments, _query):
        return self.raw("/" + "/".join(segments))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Recipient:
    """A partner that apps send to: a real HTTP server that keeps what came."""

    def __init__(self):
        self.got = []
        handler = type("Handler", (JsonHandler,), {"take": staticmethod(self._take)})
        self.server = Server(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _take(self, path, body):
        self.got.append((path, json.loads(body)))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Stage:
    """One exchange with everything that it needs, running."""

    def __init__(self, source, folder, threads=1):
        """`source`: the exchange's folder. `folder` None: to look at, not to start."""
        self.source = source
        self.folder = folder and pathlib.Path(folder)
        self.play = yaml.safe_load((self.source / "play.yaml").read_text(encoding="utf-8"))
        self.setup = plain(self.source / "gateway.yaml")
        if self.folder:
            self.config = self.folder / "sluis.yaml"
            self.ledger = self.folder / "state/ledger"
            self.vkey = self.folder / "state/keys/ledger.vkey"
        self.tokens = {}
        self.daemon = None
        self.address = None
        self.apps = {}
        self.recipients = {}
        self.verdicts, self.status, self.said = [], None, ""
        self.people = []
        self.pseudonyms = set()
        self._threads = threads

    # Setting up, and taking down.

    def run(self, *command):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=WAIT_S, check=False)
        if done.returncode != 0:
            raise Unexpected(f"{' '.join(map(str, command))} -> {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
        return done.stdout

    def sluis(self, *arguments):
        return self.run("sluis", "-c", self.config, *arguments)

    def start(self):
        self.run("sluis", "init", self.folder, "--origin", ORIGIN)
        file = self.source / "app.json"
        answers = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        for app in self.setup["apps"]:
            self.apps[app["id"]] = App(answers.get(app["id"], {}))
            app["url"] = f"http://127.0.0.1:{self.apps[app['id']].port}"
        for partner in self.setup["partners"]:
            if "url" in partner:
                self.recipients[partner["id"]] = Recipient()
                partner["url"] = f"http://127.0.0.1:{self.recipients[partner['id']].port}"
        for client in [*self.setup["apps"], *self.setup["partners"]]:
            if "tokens" in client:
                made = json.loads(self.sluis("partner", "token", "--json"))
                self.tokens[client["id"]] = made["token"]
                client["tokens"] = [made["hash"]]
        head = {"sluis": "1", "node": {"origin": ORIGIN}, "state": "state",
                "listen": {"partners": "127.0.0.1:0", "threads": str(self._threads)}}
        self.config.write_text(yaml.safe_dump(head | self.setup, sort_keys=False),
                               encoding="utf-8")
        self._start_daemon()
        for policy in sorted(self.source.glob("*.yaml")):
            if policy.name not in STAGE_FILES:
                self.people.append(plain(policy)["subject"])
                self.sluis("policy", "put", policy)
        self._bring_crowd(self.play.get("crowd", 0))
        return self

    def _bring_crowd(self, n):
        """Others who allow what the template allows: visitor-1, visitor-2, .."""
        text = (self.source / "policy.yaml").read_text(encoding="utf-8")
        file = self.folder / "one-of-the-crowd.yaml"
        for i in range(1, n + 1):
            file.write_text(re.sub("^subject: .*$", f"subject: visitor-{i}", text, flags=re.M),
                            encoding="utf-8")
            self.sluis("policy", "put", file)

    def _start_daemon(self):
        self.log = open(self.folder / "sluisd.log", "w+", encoding="utf-8")
        self.daemon = subprocess.Popen(["sluisd", "-c", str(self.config)], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                       errors="replace")
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read_log, args=(ready,), daemon=True)
        self._reader.start()
        if not ready.wait(WAIT_S) or self.address is None:
            raise Unexpected(f"sluisd did not get ready:\n{self.log_text()}")

    def _read_log(self, ready):
        for line in self.daemon.stderr:
            self.log.write(line)
            self.log.flush()
            found = re.search(r"ready: partners on (\S+):(\d+)", line)
            if found:
                self.address = (found[1], int(found[2]))
                ready.set()
        ready.set()

    def log_text(self):
        return (self.folder / "sluisd.log").read_text(encoding="utf-8")

    def stop(self):
        """Ends everything; `status` is how sluisd ended, and `said` what it logged."""
        if self.daemon:
            self.status = self._stop_daemon()
            self.said = self.log_text()
        for server in [*self.apps.values(), *self.recipients.values()]:
            server.stop()

    def _stop_daemon(self):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            status = self.daemon.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            status = self.daemon.wait()
        self._reader.join()
        self.daemon.stderr.close()
        self.log.close()
        return status

    # What happens.

    def pseudonym(self, partner, about):
        found = self.sluis("subject", "pseudonym", "--partner", partner, about).strip()
        self.pseudonyms.add(found)
        return found

    def route(self, name):
        return next(one for one in self.setup["routes"] if one["id"] == name)

    def call(self, method, path, token, headers=(), body=None):
        connection = http.client.HTTPConnection(*self.address, timeout=WAIT_S)
        try:
            connection.request(method, path, body,
                               {"Authorization": f"Bearer {token}", **dict(headers)})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def receipts(self, fields):
        """{index: receipt} of an answer: "origin/7", or "origin/7-9" when it is about several."""
        first, _, last = fields["Sluis-Receipt"].rpartition("/")[2].partition("-")
        return {index: json.loads(self.run("sluis-audit", "show", index, self.ledger, "--json"))
                for index in range(int(first), int(last or first) + 1)}

    def ask(self, step):
        """A partner asks, about a person or about a group. Returns what came of it."""
        route = self.route(step["route"])
        partner, about = step["partner"], step.get("about", "")
        pseudonym = self.pseudonym(partner, about) if about else ""
        path = route["request"].split(" ")[1].replace("{subject}", pseudonym)
        forward = route.get("forward", route["request"]).split(" ")[1]
        headers = {"Sluis-Purpose": step["purpose"]} if "purpose" in step else {}
        query = f"?{step['query']}" if "query" in step else ""
        status, fields, body = self.call("GET", path + query, self.tokens[partner], headers)
        answer = json.loads(body)
        raw = self.apps[route["app"]].raw(
            forward.replace("{subject}", urllib.parse.quote(about, safe="")))
        words = ({"pseudonym": pseudonym} if about else {}) | {
            f"pseudonym of {name}": self.pseudonym(partner, name) for name in self.people}
        return Outcome(status, answer, self.receipts(fields), raw and raw[1], words,
                       self.play.get("at_best", {}))

    def send(self, step):
        """An app sends something about one of its users. Returns what came of it."""
        route = self.route(step["route"])
        partner, about = route["partner"], step["about"]
        words = {"pseudonym": self.pseudonym(partner, about)}
        method, path = route["request"].split(" ")
        recipient = self.recipients[partner]
        n_before = len(recipient.got)
        status, fields, body = self.call(
            method, path.replace("{subject}", urllib.parse.quote(about, safe="")),
            self.tokens[step["app"]], {"Content-Type": route["body"]["type"]},
            json.dumps(step["body"]))
        came = recipient.got[n_before:]
        answer = json.loads(body) if status != 200 else came[0][1]
        if len(came) != (status == 200):
            raise Unexpected(f"answered with {status}, and {len(came)} came: {body.decode()}")
        return Outcome(status, answer, self.receipts(fields), step["body"], words,
                       self.play.get("at_best", {}))

    def tell(self, step):
        """An app says in which situation one of its users is."""
        user = urllib.parse.quote(step["about"], safe="")
        path, token = f"/sluis/v1/subjects/{user}/situation", self.tokens[step["app"]]
        if step["situation"]:
            told = {"situation": step["situation"], "expires_in": step["expires_in"]}
            status, _, body = self.call("PUT", path, token, {"Content-Type": "application/json"},
                                        json.dumps(told))
        else:
            status, _, body = self.call("DELETE", path, token)
        if status not in (200, 204):
            raise Unexpected(f"telling a situation was answered with {status}: {body.decode()}")

    def withdraw(self, step):
        self.sluis("policy", "withdraw", step["about"], step["consent"])


class Outcome:
    """What came of one flow: the partner's answer, the receipt, and what the app knew."""

    def __init__(self, status, answer, receipts, raw, words, at_best):
        self.status, self.answer, self.receipts, self.raw = status, answer, receipts, raw
        self.words, self.at_best = words, at_best
        self.receipt = next(iter(receipts.values()))

    @property
    def verdict(self):
        if self.receipt["decision"] == "refuse":
            return "refused"
        is_whole = all(done == self.at_best.get(name, "kept")
                       for receipt in self.receipts.values()
                       for name, done in receipt["data"].items())
        return "released" if is_whole else "reduced"

    @property
    def done(self):
        """What was done to each class; of an answer about several people, for each of them."""
        done = [receipt["data"] for receipt in self.receipts.values()]
        return done[0] if all(one == done[0] for one in done) else done

    @property
    def places(self):
        """The receipts' numbers: "7", "7 to 9"."""
        return " to ".join(str(index) for index in sorted({min(self.receipts), max(self.receipts)}))

    @property
    def named(self):
        """The answer with words for pseudonyms, in an order that does not hang on them."""
        text = json.dumps(self.answer, ensure_ascii=False)
        for word, pseudonym in self.words.items():
            text = text.replace(pseudonym, f"({word})") if word != "pseudonym" else text
        return in_one_order(json.loads(text))

    def check(self, expected):
        """Holds it against what play.yaml expects; raises Unexpected."""
        def compare_(what, found, wanted):
            if found != wanted:
                raise Unexpected(f"{what}\n  found:    {json.dumps(found, ensure_ascii=False)}\n"
                                 f"  expected: {json.dumps(wanted, ensure_ascii=False)}")
        compare_("the verdict is another", self.verdict, expected["is"])
        if self.verdict == "refused":
            compare_("the status is another", self.status, expected.get("status", 403))
            compare_("the reason is another", self.receipt["reason"], expected["reason"])
            compare_("problem and receipt differ", self.answer["reason"], self.receipt["reason"])
            return
        compare_("the status is another", self.status, 200)
        # The order of people in a list is that of their pseudonyms, so it is another each time.
        same = in_one_order if len(self.receipts) > 1 else lambda value: value
        compare_("the partner got something else", same(self.answer),
                 same(filled(expected["gets"], self.words)))
        compare_("the receipts say that something else was done", same(self.done),
                 same(expected["done"]))
        compare_("the receipt names another benefit", self.receipt["benefit"],
                 expected["in_return"])


def perform(stage, report=None):
    """All steps in order; returns the verdicts. `report` is called with each step and outcome."""
    verdicts = []
    for step in stage.play["steps"]:
        if "asks" in step or "sends" in step:
            outcome = stage.ask(step["asks"]) if "asks" in step else stage.send(step["sends"])
            if report:
                report(step, outcome)
            outcome.check(step["expect"])
            verdicts.append(outcome.verdict)
            continue
        if report:
            report(step, None)
        if "tells" in step:
            stage.tell(step["tells"])
        elif "withdraws" in step:
            stage.withdraw(step["withdraws"])
        else:
            raise Unexpected(f"a step that nobody knows: {step}")
    stage.run("sluis-audit", "verify", stage.ledger, "--key", stage.vkey)
    return verdicts
