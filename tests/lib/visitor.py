"""visitor.py - somebody at the page, without a browser: cookies, forms, links, and no script

What a browser does by itself is done here, and can be left out to see what happens then: Host,
Origin, Sec-Fetch-Site, cookies.
"""
import html
import html.parser
import http.client
import re
import urllib.parse

WAIT_S = 60


class Form(dict):
    """A form's hidden fields and buttons; `action` is where it goes."""

    action = None


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.links = [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            form = Form()
            form.action = attrs["action"]
            self.forms.append(form)
        elif tag == "input":
            self.forms[-1][attrs["name"]] = attrs["value"]
        elif tag == "a":
            self.links.append(attrs["href"])


class Page:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode()
        self.forms, self.links = [], []
        if self.header("content-type", "").startswith("text/html"):
            reader = _Reader()
            reader.feed(self.text)
            self.forms, self.links = reader.forms, reader.links

    def header(self, name, default=None):
        found = [value for field, value in self.headers if field.lower() == name]
        assert len(found) <= 1, f"{name} {len(found)} times"
        return found[0] if found else default

    def form(self, action):
        return next(one for one in self.forms if one.action == action)

    @property
    def words(self):
        """What is read on it, without markup and with single blanks."""
        text = re.sub(r"<[^>]*>", " ", self.text)
        return re.sub(r"\s+", " ", html.unescape(text)).strip()


class Visitor:
    def __init__(self, address, language=None):
        self.address = address
        self.host = f"{address[0]}:{address[1]}"
        self.cookies = {}
        self.language = language

    def ask(self, method, path, body=None, **without):
        """One request. `without` and other values for: host, origin, site, cookie (None: none)."""
        headers = {"Host": without.get("host", self.host)}
        if self.language:
            headers["Accept-Language"] = self.language
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        cookie = without.get("cookie", cookie)
        if cookie:
            headers["Cookie"] = cookie
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            origin = without.get("origin", f"http://{self.host}")
            site = without.get("site", "same-origin")
            if origin:
                headers["Origin"] = origin
            if site:
                headers["Sec-Fetch-Site"] = site
        connection = http.client.HTTPConnection(*self.address, timeout=WAIT_S)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            page = Page(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()
        self._keep_cookies(page)
        return page

    def _keep_cookies(self, page):
        for field, value in page.headers:
            if field.lower() != "set-cookie":
                continue
            pair, *attributes = [part.strip() for part in value.split(";")]
            name, _, text = pair.partition("=")
            assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes), value
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = text

    def get(self, path="/", **without):
        return self.ask("GET", path, **without)

    def post(self, path, fields, **without):
        """Sends a form, and follows where it leads."""
        page = self.ask("POST", path, urllib.parse.urlencode(fields).encode(), **without)
        return self.get(page.header("location")) if page.status == 303 else page

    def send(self, form, **more):
        return self.post(form.action, {**form, **more})

    def sign_in(self, link):
        """Opens the link and presses its button."""
        scheme, rest = link.split("://")
        assert scheme == "http"
        page = self.get("/" + rest.partition("/")[2])
        assert page.status == 200, page.words
        return self.send(page.form("/login"))
