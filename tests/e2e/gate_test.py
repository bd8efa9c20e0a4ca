#!/usr/bin/env python3
"""The gate from outside: what must be refused never reaches the upstream, what is accepted arrives as exactly one
canonical request. The rules one by one are unit tests of `http`; here the real binary stands before a recorder."""

import json
import unittest

from support.process import Serve
from support.raw import RawClient
from support.recorder import LOADED, Recorder

BODY = json.dumps({"model": "rec:1b", "prompt": "hi", "stream": False}).encode()


def head(line="POST /api/generate HTTP/1.1", *fields, host="Host: 127.0.0.1", length=True):
    lines = [line, *([host] if host else []), *fields]
    if length:
        lines.append(f"Content-Length: {len(BODY)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

# name: bytes. Each must be answered with an error, or by closing, and never reach the upstream.
REFUSED = {
    "no Host": head(host="") + BODY,
    "two Hosts": head("POST /api/generate HTTP/1.1", "Host: 127.0.0.1") + BODY,
    "malformed Host": head(host="Host: a b") + BODY,
    "foreign Host": head(host="Host: evil.example") + BODY,
    "absolute-form with another authority": head("POST http://evil.example/api/generate HTTP/1.1") + BODY,
    "CONNECT": b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "lower-case method": head("post /api/generate HTTP/1.1") + BODY,
    "CL and TE": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: chunked") + CHUNKED,
    "TE gzip": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: gzip", length=False) + CHUNKED,
    "TE chunked, gzip": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: chunked, gzip", length=False) + CHUNKED,
    "TE gzip, chunked": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: gzip, chunked", length=False) + CHUNKED,
    "TE identity": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: identity", length=False) + BODY,
    "TE xchunked": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: xchunked", length=False) + CHUNKED,
    "two TE": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: cow", "Transfer-Encoding: chunked",
                   length=False) + CHUNKED,
    "TE in HTTP/1.0": head("POST /api/generate HTTP/1.0", "Transfer-Encoding: chunked", length=False) + CHUNKED,
    "CL list": head("POST /api/generate HTTP/1.1", "Content-Length: 5, 5", length=False) + BODY,
    "two equal CL": head("POST /api/generate HTTP/1.1", f"Content-Length: {len(BODY)}") + BODY,
    "two different CL": head("POST /api/generate HTTP/1.1", "Content-Length: 5") + BODY,
    "CL with sign": head("POST /api/generate HTTP/1.1", "Content-Length: +5", length=False) + BODY,
    "CL of 20 digits": head("POST /api/generate HTTP/1.1", "Content-Length: 10000000000000000000", length=False) + BODY,
    "CL empty": head("POST /api/generate HTTP/1.1", "Content-Length:", length=False) + BODY,
    "obs-fold": head("POST /api/generate HTTP/1.1", "X-A: b\r\n c") + BODY,
    "obs-fold of TE": head("POST /api/generate HTTP/1.1", "Transfer-Encoding:\r\n chunked", length=False) + CHUNKED,
    "space before colon": head("POST /api/generate HTTP/1.1", "X-A : b") + BODY,
    "NUL in value": head("POST /api/generate HTTP/1.1", "X-A: b\0c") + BODY,
    "control in value": head("POST /api/generate HTTP/1.1", "X-A: b\x01c") + BODY,
    "bare CR in value": head("POST /api/generate HTTP/1.1", "X-A: b\rc") + BODY,
    "bare LF lines": head().replace(b"\r\n", b"\n") + BODY,
    "field without colon": head("POST /api/generate HTTP/1.1", "X-A") + BODY,
    "empty field name": head("POST /api/generate HTTP/1.1", ": b") + BODY,
    "tab in request line": head("POST\t/api/generate\tHTTP/1.1") + BODY,
    "two blanks in request line": head("POST  /api/generate HTTP/1.1") + BODY,
    "HTTP/2.0": head("POST /api/generate HTTP/2.0") + BODY,
    "HTTP/0.9": b"GET /api/tags\r\n\r\n",
    "h2c preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "Expect junk": head("POST /api/generate HTTP/1.1", "Expect: 200-ok") + BODY,
    "dot segments above the root": head("POST /../api/generate HTTP/1.1") + BODY,
    "encoded NUL": head("POST /api/generate%00 HTTP/1.1") + BODY,
    "invalid escape": head("POST /api/generat%zz HTTP/1.1") + BODY,
    "101 fields": head("POST /api/generate HTTP/1.1", *[f"X-{i}: a" for i in range(101)]) + BODY,
    "17 KiB head": head("POST /api/generate HTTP/1.1", "X-A: " + "a" * (17 << 10)) + BODY,
    "9 KiB target": head("POST /" + "a" * (9 << 10) + " HTTP/1.1") + BODY,
    "chunk size with sign": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: chunked", length=False)
    + b"+5\r\nhello\r\n0\r\n\r\n",
    "chunk size overflow": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: chunked", length=False)
    + b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "chunk without CRLF": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: chunked", length=False)
    + b"5\r\nhelloX0\r\n\r\n",
    "framing field in trailers": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: chunked", length=False)
    + b"%x\r\n%s\r\n0\r\nContent-Length: 5\r\n\r\n" % (len(BODY), BODY),
    "foreign Origin": head("POST /api/generate HTTP/1.1", "Origin: https://evil.example") + BODY,
    "null Origin": head("POST /api/generate HTTP/1.1", "Origin: null") + BODY,
    "gzip body": head("POST /api/generate HTTP/1.1", "Content-Encoding: gzip") + BODY,
}

# name: bytes. Each must arrive upstream as exactly one POST /api/generate that is canonical.
ACCEPTED = {
    "plain": head() + BODY,
    "chunked": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: chunked", length=False) + CHUNKED,
    "chunked with extension and trailer": head("POST /api/generate HTTP/1.1", "Transfer-Encoding: chunked", length=False)
    + b"%x;a=b\r\n%s\r\n0\r\nX-T: a\r\n\r\n" % (len(BODY), BODY),
    "encoded path": head("POST /api/%67enerate HTTP/1.1") + BODY,
    "encoded slash": head("POST /api%2Fgenerate HTTP/1.1") + BODY,
    "absolute-form to the own authority": head("POST http://127.0.0.1/api/generate HTTP/1.1") + BODY,
    "HTTP/1.0": head("POST /api/generate HTTP/1.0") + BODY,
    "empty line first": b"\r\n" + head() + BODY,
    "hop-by-hop fields": head("POST /api/generate HTTP/1.1", "Connection: keep-alive, X-Secret", "X-Secret: a",
                              "Keep-Alive: 5", "TE: trailers", "Proxy-Connection: a") + BODY,
    "foreign framing names": head("POST /api/generate HTTP/1.1", "X-Transfer-Encoding: chunked") + BODY,
    "allowed Origin": head("POST /api/generate HTTP/1.1", "Origin: http://localhost:3000") + BODY,
    "authorization": head("POST /api/generate HTTP/1.1", "Authorization: Bearer secret-key") + BODY,
}

NEVER_FORWARDED = (b"connection: keep-alive", b"x-secret", b"keep-alive:", b"te:", b"proxy-connection", b"origin:",
                   b"transfer-encoding: chunked\r\n", b"expect:", b"authorization", b"trailer")


class Gate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        LOADED.clear()
        cls.upstream = cls.enterClassContext(Recorder())
        cls.serve = cls.enterClassContext(Serve(cls.upstream.url))
        cls.serve.wait_ready()

    def questions(self):
        return [r for r in self.upstream.requests if b'"prompt"' in r or b"evil" in r]

    def test_what_must_be_refused_never_reaches_the_upstream(self):
        for name, data in REFUSED.items():
            with self.subTest(name):
                before = len(self.questions())
                with RawClient(self.serve.port, 10) as client:
                    client.send(data)
                    answer = client.read_until(b"\r\n\r\n")
                    if answer:
                        status = int(answer.split(b" ", 2)[1])
                        self.assertTrue(status >= 400 or status in (301, 307), answer[:200])
                    # Whatever follows on this connection must not be taken for a request.
                    client.socket.settimeout(10)
                    client.read_all() if b"connection: close" in answer.lower() else None
                self.assertEqual(before, len(self.questions()), self.questions()[before:])

    def test_what_is_accepted_arrives_as_one_canonical_request(self):
        for name, data in ACCEPTED.items():
            for segment in (None, 1):
                with self.subTest(name, segment=segment):
                    before = len(self.questions())
                    with RawClient(self.serve.port, 20) as client:
                        client.send(data, segment)
                        status, _, body = client.read_answer()
                    self.assertEqual(200, status, body)
                    arrived = self.questions()[before:]
                    self.assertEqual(1, len(arrived), arrived)
                    self.check_canonical(arrived[0])

    def check_canonical(self, request):
        head_bytes, _, body = request.partition(b"\r\n\r\n")
        lines = head_bytes.split(b"\r\n")
        self.assertEqual(b"POST /api/generate HTTP/1.1", lines[0])
        names = [line.partition(b":")[0].lower() for line in lines[1:]]
        self.assertEqual(1, names.count(b"host"))
        self.assertIn(f"Host: 127.0.0.1:{self.upstream.port}".encode(), lines)
        self.assertEqual(1, names.count(b"content-length"))
        self.assertNotIn(b"transfer-encoding", names)
        self.assertIn(b"Content-Length: %d" % len(body), lines)
        self.assertEqual("hi", json.loads(body)["prompt"])
        lower = (head_bytes + b"\r\n").lower()
        for forbidden in NEVER_FORWARDED:
            self.assertNotIn(b"\n" + forbidden, lower)

    def test_pipelined_requests_are_answered_in_order(self):
        with RawClient(self.serve.port, 20) as client:
            client.send((head() + BODY) * 3)
            for _ in range(3):
                self.assertEqual(200, client.read_answer()[0])

    def test_a_connection_is_reused_after_each_answer(self):
        with RawClient(self.serve.port, 20) as client:
            for _ in range(5):
                client.send(head() + BODY)
                self.assertEqual(200, client.read_answer()[0])

    def test_hidden_spellings_of_a_member_are_seen(self):
        for member in ("keep_alive", "KEEP_ALIVE", "Keep_Alive", "\\u006beep_alive", "\u212aeep_alive"):
            body = ('{"model": "rec:1b", "prompt": "hi", "%s": -1}' % member).encode()
            with RawClient(self.serve.port, 10) as client, self.subTest(member):
                before = len(self.questions())
                client.send(b"POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s"
                            % (len(body), body))
                self.assertEqual(200, client.read_answer()[0])
                arrived = json.loads(self.questions()[before].partition(b"\r\n\r\n")[2])
                self.assertEqual({"model", "prompt"}, set(arrived) - {"options"})


if __name__ == "__main__":
    unittest.main()
