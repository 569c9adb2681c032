"""A name server on the loopback address, over UDP and TCP, that serves a zone of text records and aliases."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

UDP_BYTES = 512


@dataclass
class NameServer:
    """``texts`` and ``aliases`` by name; names in ``failing`` get SERVFAIL, those in ``silent`` no answer."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, wire: bytes, *, limit: int | None = None) -> bytes | None:
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text().rstrip(".").lower()
        self.asked.append(name)
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()
        owner, target = name, name
        while target in self.aliases:
            owner, target = target, self.aliases[target]
            response.answer.append(
                dns.rrset.from_text(f"{owner}.", 1, dns.rdataclass.IN, dns.rdatatype.CNAME, f"{target}.")
            )
        known = {*self.texts, *self.aliases}
        if self.texts.get(target):
            records = [_quoted(text) for text in self.texts[target]]
            response.answer.append(
                dns.rrset.from_text(f"{target}.", 1, dns.rdataclass.IN, dns.rdatatype.TXT, *records)
            )
        elif not any(each == target or each.endswith(f".{target}") for each in known):
            response.set_rcode(dns.rcode.NXDOMAIN)
        whole = response.to_wire()
        if limit is not None and len(whole) > limit:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            return short.to_wire()
        return whole


def _quoted(text: str) -> str:
    pieces = [text[at : at + 255] for at in range(0, len(text), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


@contextmanager
def naming(server: NameServer) -> Iterator[NameServer]:
    """The server at work on a port of its own."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.socket()
    udp.bind(("127.0.0.1", 0))
    server.port = udp.getsockname()[1]
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(("127.0.0.1", server.port))
    tcp.listen()
    stopping = threading.Event()

    def datagrams() -> None:
        while not stopping.is_set():
            wire, peer = udp.recvfrom(4096)
            if not wire:
                return
            answer = server.answer(wire, limit=UDP_BYTES)
            if answer is not None:
                udp.sendto(answer, peer)

    def streams() -> None:
        while True:
            connection, _peer = tcp.accept()
            with connection:
                head = connection.recv(2)
                if len(head) < 2 or stopping.is_set():
                    return
                answer = server.answer(connection.recv(struct.unpack("!H", head)[0]))
                if answer is not None:
                    connection.sendall(struct.pack("!H", len(answer)) + answer)

    threads = [threading.Thread(target=run) for run in (datagrams, streams)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        stopping.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"", ("127.0.0.1", server.port))
        socket.create_connection(("127.0.0.1", server.port)).close()
        for thread in threads:
            thread.join()
        udp.close()
        tcp.close()
