"""The mail providers' HTTP APIs on the loopback address, as far as sending goes; each checks what it is sent.

Written from the providers' own pages and from nothing of Storecast's, signature included.
"""

import base64
import email
import email.policy
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG_UP = "hang up"

SECRET = "the-secret-of-the-tests"
ACCESS_KEY = "AKIAEXAMPLE"
REGION = "eu-central-1"
MAILGUN_DOMAIN = "mg.acme.example"

Reply = tuple[int, dict[str, str], Any]
Script = Callable[[str], Reply | str | None]
"""Given a recipient, an answer of its own or `HANG_UP`; None: take the message."""


@dataclass
class Taken:
    """A message that the provider took: its bytes where it got some, its fields where it did not."""

    rcpt_to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    data: bytes | None = None


@dataclass
class ProviderServer:
    """What a test sees of the provider."""

    kind: str
    script: Script = lambda _recipient: None
    url: str = ""
    messages: list[Taken] = field(default_factory=list)
    requests: int = 0
    connections: int = 0
    refuses_us: bool = False
    probe: Reply = (200, {}, {"ok": True})


def _of_message(data: bytes, rcpt_to: str) -> Taken:
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    return Taken(
        rcpt_to,
        str(parsed["Subject"]),
        str(text.get_content()) if text else "",
        str(html.get_content()) if html else "",
        {name: str(value) for name, value in parsed.items()},
        data,
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: ProviderServer

    def setup(self) -> None:
        super().setup()
        self.provider.connections += 1

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers["Content-Length"])))

    def _handle(self, body: bytes) -> None:
        self.provider.requests += 1
        if self.provider.refuses_us or not _AUTHORISED[self.provider.kind](self, body):
            self._say(*_STRANGER[self.provider.kind])
            return
        if self.command == "GET":
            self._say(*self.provider.probe)
            return
        taken = _READ[self.provider.kind](self, body)
        reply = self.provider.script(taken.rcpt_to)
        if reply == HANG_UP:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if reply is None or isinstance(reply, str):
            self.provider.messages.append(taken)
            reply = _TAKEN[self.provider.kind](len(self.provider.messages))
        self._say(*reply)

    def _say(self, status: int, headers: dict[str, str], body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _ses_authorised(handler: _Handler, body: bytes) -> bool:
    scheme, _space, rest = handler.headers["Authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    stamp = handler.headers["X-Amz-Date"]
    credential = f"{ACCESS_KEY}/{stamp[:8]}/{REGION}/ses/aws4_request"
    if scheme != "AWS4-HMAC-SHA256" or parts["Credential"] != credential:
        return False
    names = parts["SignedHeaders"].split(";")
    if not {"host", "x-amz-date"} <= set(names):
        return False
    canonical = [handler.command, handler.path, ""]
    canonical += [f"{name}:{handler.headers[name].strip()}" for name in names]
    canonical += ["", parts["SignedHeaders"], hashlib.sha256(body).hexdigest()]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    to_sign = "\n".join([scheme, stamp, credential.partition("/")[2], digest]).encode()
    key = b"AWS4" + SECRET.encode()
    for step in (stamp[:8], REGION, "ses", "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign, hashlib.sha256).hexdigest() == parts["Signature"]


def _ses_read(handler: _Handler, body: bytes) -> Taken:
    assert handler.path == "/v2/email/outbound-emails"
    asked = json.loads(body)
    (recipient,) = asked["Destination"]["ToAddresses"]
    return _of_message(base64.b64decode(asked["Content"]["Raw"]["Data"]), recipient)


def _sendgrid_read(handler: _Handler, body: bytes) -> Taken:
    assert handler.path == "/v3/mail/send"
    asked = json.loads(body)
    assert not {name.lower() for name in asked["headers"]} & {
        "from",
        "to",
        "subject",
        "reply-to",
        "content-type",
    }
    assert asked["tracking_settings"]["click_tracking"]["enable"] is False
    content = {part["type"]: part["value"] for part in asked["content"]}
    (recipient,) = asked["personalizations"][0]["to"]
    headers = asked["headers"] | {"From": asked["from"]["email"]}
    return Taken(
        recipient["email"],
        asked["subject"],
        content.get("text/plain", ""),
        content.get("text/html", ""),
        headers,
    )


def _mailgun_read(handler: _Handler, body: bytes) -> Taken:
    assert handler.path == f"/v3/{MAILGUN_DOMAIN}/messages.mime"
    boundary = handler.headers["Content-Type"].partition("boundary=")[2].encode()
    fields: dict[str, bytes] = {}
    for piece in body.split(b"--" + boundary)[1:-1]:
        head, _gap, value = piece.partition(b"\r\n\r\n")
        fields[head.partition(b'name="')[2].partition(b'"')[0].decode()] = value[:-2]
    assert fields["o:tracking"] == b"no"
    return _of_message(fields["message"], fields["to"].decode())


def _postmark_read(handler: _Handler, body: bytes) -> Taken:
    assert handler.path == "/email"
    asked = json.loads(body)
    assert asked["MessageStream"] == "broadcast"
    headers = {each["Name"]: each["Value"] for each in asked["Headers"]} | {"From": asked["From"]}
    assert headers["X-PM-KeepID"] == "true"
    return Taken(asked["To"], asked["Subject"], asked["TextBody"], asked["HtmlBody"], headers)


def _basic(handler: _Handler, _body: bytes) -> bool:
    return handler.headers["Authorization"] == "Basic " + base64.b64encode(f"api:{SECRET}".encode()).decode()


_AUTHORISED: dict[str, Callable[[_Handler, bytes], bool]] = {
    "ses": _ses_authorised,
    "sendgrid": lambda handler, _body: handler.headers["Authorization"] == f"Bearer {SECRET}",
    "mailgun": _basic,
    "postmark": lambda handler, _body: handler.headers["X-Postmark-Server-Token"] == SECRET,
}
_READ: dict[str, Callable[[_Handler, bytes], Taken]] = {
    "ses": _ses_read,
    "sendgrid": _sendgrid_read,
    "mailgun": _mailgun_read,
    "postmark": _postmark_read,
}
_TAKEN: dict[str, Callable[[int], Reply]] = {
    "ses": lambda number: (200, {}, {"MessageId": f"ses-{number}"}),
    "sendgrid": lambda number: (202, {"X-Message-Id": f"sg-{number}"}, ""),
    "mailgun": lambda number: (200, {}, {"id": f"<mg-{number}@{MAILGUN_DOMAIN}>", "message": "Queued."}),
    "postmark": lambda number: (200, {}, {"ErrorCode": 0, "Message": "OK", "MessageID": f"pm-{number}"}),
}
_STRANGER: dict[str, Reply] = {
    "ses": (403, {"x-amzn-ErrorType": "SignatureDoesNotMatch"}, {"message": "wrong signature"}),
    "sendgrid": (401, {}, {"errors": [{"message": "authorization required"}]}),
    "mailgun": (401, {}, {"message": "Forbidden"}),
    "postmark": (401, {}, {"ErrorCode": 10, "Message": "No such token."}),
}
REFUSED: dict[str, Reply] = {
    "ses": (400, {"x-amzn-ErrorType": "MessageRejected:http://x/"}, {"message": "Address blacklisted"}),
    "sendgrid": (400, {}, {"errors": [{"message": "Does not contain a valid address."}]}),
    "mailgun": (400, {}, {"message": "to parameter is not a valid address"}),
    "postmark": (422, {}, {"ErrorCode": 300, "Message": "Invalid 'To' address"}),
}
"""How each refuses one recipient for good."""

LATER: dict[str, Reply] = {
    "ses": (400, {"x-amzn-ErrorType": "TooManyRequestsException"}, {"message": "rate exceeded"}),
    "sendgrid": (500, {}, {"errors": [{"message": "try again"}]}),
    "mailgun": (503, {}, {"message": "try again"}),
    "postmark": (500, {}, {"ErrorCode": 100, "Message": "Maintenance"}),
}


@contextmanager
def providing(provider: ProviderServer) -> Iterator[ProviderServer]:
    """The provider at work on a port of its own."""
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
