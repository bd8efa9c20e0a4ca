#!/usr/bin/env python3
"""Bytes through the relay: whatever way the upstream cuts them, the client gets the same ones, at once, and the
connection stays usable; what is broken is passed on as broken."""

import json
import time
import unittest

from support.process import Serve, Sim, post, wait_for
from support.raw import RawClient, post_bytes
from support.recorder import LOADED, Recorder, ollama_answer

LINES = [json.dumps({"model": "rec:1b", "created_at": "2026-01-01T00:00:00Z", "response": f"w{i}", "done": i == 7},
                    separators=(",", ":")).encode() + b"\n" for i in range(8)]
WHOLE = b"".join(LINES)
QUESTION = {"model": "rec:1b", "prompt": "hi"}


def chunked(lines):
    out = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    return out + b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in lines) + b"0\r\n\r\n"


class Scripted(unittest.TestCase):
    def setUp(self):
        LOADED.clear()
        self.answer = None  # of the next prompt: bytes, or a function of the connection
        self.upstream = self.enterContext(Recorder(self.script))
        self.serve = self.enterContext(Serve(self.upstream.url))
        self.serve.wait_ready()

    def script(self, request):
        if b'"prompt"' in request and self.answer is not None:
            return self.answer
        return ollama_answer(request)

    def ask(self, client):
        client.send(post_bytes("/api/generate", QUESTION))
        return client.read_answer()

    def segments(self, *parts, pause=0.0):
        def send(connection):
            for part in parts:
                connection.sendall(part)
                if pause:
                    time.sleep(pause)
            return True
        return send

    def test_one_byte_segments(self):
        data = chunked(LINES)
        self.answer = self.segments(*[data[i:i + 1] for i in range(len(data))])
        with RawClient(self.serve.port) as client:
            for _ in range(3):
                status, fields, body = self.ask(client)
                self.assertEqual((200, WHOLE), (status, body))
                self.assertEqual("application/x-ndjson", fields["content-type"])

    def test_every_split_point(self):
        data = chunked(LINES[:2])
        whole = b"".join(LINES[:2])
        with RawClient(self.serve.port) as client:
            for at in range(1, len(data)):
                self.answer = self.segments(data[:at], data[at:], pause=0.0005)
                status, _, body = self.ask(client)
                self.assertEqual((200, whole), (status, body), f"split at {at}")

    def test_a_chunk_header_alone_does_not_end_the_stream(self):
        head, _, rest = chunked(LINES).partition(b"\r\n\r\n")
        first, _, rest = rest.partition(b"\r\n")
        self.answer = self.segments(head + b"\r\n\r\n" + first + b"\r\n", rest, pause=0.1)
        with RawClient(self.serve.port) as client:
            for _ in range(2):
                self.assertEqual(WHOLE, self.ask(client)[2])

    def test_each_chunk_arrives_at_once(self):
        data = chunked(LINES)
        head, _, rest = data.partition(b"\r\n\r\n")
        pieces = [head + b"\r\n\r\n", *[b"%x\r\n%s\r\n" % (len(line), line) for line in LINES], b"0\r\n\r\n"]
        self.answer = self.segments(*pieces, pause=0.3)
        with RawClient(self.serve.port) as client:
            client.send(post_bytes("/api/generate", QUESTION))
            for i, line in enumerate(LINES):
                client.read_until(line)
                # The next line is 0.3 s away: it cannot be here unless this one was held back.
                self.assertNotIn(LINES[i + 1] if i < 7 else b"\r\n0\r\n\r\n", client.received)

    def test_a_cut_stream_is_passed_on_as_cut(self):
        data = chunked(LINES)

        def cut(connection):
            connection.sendall(data[:len(data) // 2])
        self.answer = cut
        with RawClient(self.serve.port) as client:
            client.send(post_bytes("/api/generate", QUESTION))
            got = client.read_all()
            self.assertIn(LINES[0], got)
            self.assertNotIn(b"0\r\n\r\n", got)
        wait_for(lambda: sum(m["leases"] for m in self.serve.models()) == 0, 5, "lease given back")

    def test_garbage_is_a_502_and_the_connection_is_never_used_again(self):
        cases = {
            "no status line": b"this is not http\r\n\r\n",
            "bad status": b"HTTP/1.1 99999 Huh\r\nContent-Length: 0\r\n\r\n",
            "CL and TE": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "two CL": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "flood of 1xx": b"HTTP/1.1 102 Processing\r\n\r\n" * 100,
            "bad chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "nothing": b"",
        }
        for name, data in cases.items():
            with self.subTest(name):
                self.answer = lambda connection, data=data: connection.sendall(data)
                with RawClient(self.serve.port, 20) as client:
                    client.send(post_bytes("/api/generate", QUESTION))
                    got = client.read_until(b"}") or client.received
                    self.assertTrue(got == b"" or b" 502 " in got[:20] or b" 200 " in got[:20], got[:200])
                self.answer = None
                with RawClient(self.serve.port, 20) as client:
                    self.assertEqual(200, self.ask(client)[0], "the next request suffers")

    def test_bytes_after_an_answer_are_nobodys_answer(self):
        answer = ollama_answer(b"POST /api/generate HTTP/1.1\r\n\r\n" + json.dumps(QUESTION).encode())
        self.answer = self.segments(answer + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        with RawClient(self.serve.port, 20) as client:
            for _ in range(3):
                self.assertNotIn(b"evil", self.ask(client)[2])


class SlowClients(unittest.TestCase):
    def test_a_slow_reader_holds_little_memory_and_ends(self):
        with Sim("--vram", "24GiB", "--load-bandwidth", "64GiB", "--tokens-per-second", "100000") as sim, \
                Serve(sim.url) as serve:
            serve.wait_ready()
            post(serve.url + "/api/generate", {"model": "llama3.1:8b"})
            before = serve.resident_bytes()
            clients = []
            for _ in range(20):
                client = RawClient(serve.port)
                client.send(post_bytes("/api/generate", {"model": "llama3.1:8b", "prompt": "hi",
                                                         "options": {"num_predict": 100000}}))
                clients.append(client)
            clients[0].read_until(b"response")
            time.sleep(1)
            self.assertLess(serve.resident_bytes() - before, 20 * (1 << 20))
            for client in clients:
                client.close()
            wait_for(lambda: sum(m["leases"] for m in serve.models()) == 0, 5, "leases given back")


if __name__ == "__main__":
    unittest.main()
