#!/usr/bin/env python3
"""Replays recorded exchanges of a real Ollama and compares what comes back.

    replay.py --url http://127.0.0.1:11434                    against a simulator, by the recordings
    replay.py --url PROXY --reference-url DIRECT --sim DIRECT  through a proxy against directly, one after the other

Compared are status, content type, framing and JSON shape: the same members with the same types in every object, and
for streams the shapes of the first, the middle and the last object. Each recording starts from a fresh state
(POST /sim/v1/reset on --sim, default --url). Only the standard library is used.
"""

import argparse
import http.client
import json
import os
import pathlib
import sys
import time
import urllib.parse

BUFFERED = 2048  # an answer up to this size carries its length, a longer one is chunked
HERE = pathlib.Path(__file__).resolve().parent


class Answer:
    def __init__(self, status, headers, body, chunked):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        self.chunked = chunked

    @staticmethod
    def recorded(response):
        text = "".join(chunk["text"] for chunk in response["chunks"])
        headers = response["headers"]
        chunked = any(n.lower() == "transfer-encoding" and v == "chunked" for n, v in headers)
        return Answer(response["status"], headers, text.encode(), chunked)

    @property
    def content_type(self):
        return self.headers.get("content-type", "")

    @property
    def framing(self):
        if self.chunked:
            return "chunked"
        return "length" if "content-length" in self.headers else "none"


def send(url, request, timeout):
    """One exchange on a connection of its own."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    headers = dict(request.get("headers") or {})
    body = request.get("body")
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    connection.putrequest(request["method"], request["target"], skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    data = None if body is None else body.encode()
    if data is not None or request["method"] == "POST":
        connection.putheader("Content-Length", str(len(data or b"")))
    connection.endheaders(data)
    response = connection.getresponse()
    answer = Answer(response.status, response.getheaders(), response.read(), bool(response.chunked))
    connection.close()
    return answer


def shape(value):
    """Types instead of values. A list becomes the shapes that occur in it."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in sorted(value.items())}
    if isinstance(value, list):
        shapes = []
        for item in value:
            one = shape(item)
            if one not in shapes:
                shapes.append(one)
        return sorted(shapes, key=json.dumps)
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return "null" if value is None else "string"


def objects(answer):
    """The JSON documents of an answer: one, one a line, or one an event ("[DONE]" stays a word)."""
    text = answer.body.decode("utf-8", "replace")
    kind = answer.content_type.split(";")[0]
    if kind == "application/json":
        return [json.loads(text)] if text.strip() else []
    if kind == "application/x-ndjson":
        return [json.loads(line) for line in text.splitlines() if line]
    if kind == "text/event-stream":
        lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]
    return None


def stream_shapes(documents):
    """First, those between without repetition, last."""
    shapes = [shape(document) for document in documents]
    if len(shapes) < 3:
        return shapes
    between = []
    for one in shapes[1:-1]:
        if one not in between:
            between.append(one)
    return [shapes[0], between, shapes[-1]]


def framing_differs(want, got):
    if want.framing == got.framing:
        return False
    # Another set of models makes a list longer: then both must follow the rule of their size.
    if objects(want) is None or want.content_type != got.content_type or "json" not in got.content_type.split(";")[0]:
        return True
    by_size = all((len(a.body) > BUFFERED) == (a.framing == "chunked") for a in (want, got))
    return not by_size or "ndjson" in got.content_type


def error_texts(documents):
    return [d["error"] for d in documents or [] if isinstance(d, dict) and "error" in d]


def compare(want, got, exact_errors=True):
    """Sentences on what differs; none when nothing does."""
    out = []
    if want.status != got.status:
        out.append(f"status {got.status}, not {want.status}")
    if want.content_type != got.content_type:
        out.append(f"content type {got.content_type!r}, not {want.content_type!r}")
    if framing_differs(want, got):
        out.append(f"framing {got.framing}, not {want.framing}")
    try:
        wanted, given = objects(want), objects(got)
    except ValueError as error:
        return out + [f"the body is not JSON as recorded: {error}"]
    if wanted is None:
        if want.body != got.body:
            out.append(f"body {got.body[:80]!r}, not {want.body[:80]!r}")
    elif stream_shapes(wanted) != stream_shapes(given or []):
        out.append("shape differs:\n      got  " + json.dumps(stream_shapes(given or []))[:1500] +
                   "\n      want " + json.dumps(stream_shapes(wanted))[:1500])
    if exact_errors and error_texts(wanted) != error_texts(given):
        out.append(f"error text {error_texts(given)}, not {error_texts(wanted)}")
    for name in ("allow", "vary", "access-control-allow-origin", "access-control-allow-methods",
                 "access-control-allow-headers", "access-control-max-age"):
        if want.headers.get(name) != got.headers.get(name):
            out.append(f"header {name} {got.headers.get(name)!r}, not {want.headers.get(name)!r}")
    return out


def forget_through(proxy, timeout):
    """The proxy lets go of every model, so that a reset is not a crash behind its back."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        send(proxy, {"method": "POST", "target": "/plimsoll/v1/cleanup"}, timeout)
        models = json.loads(send(proxy, {"method": "GET", "target": "/plimsoll/v1/models"}, timeout).body)["models"]
        if not models:
            return
        time.sleep(0.05)
    raise RuntimeError(f"the proxy still holds {models}")


def restore(args, recording, exceptions):
    """A fresh server, then what had gone before the recording."""
    if args.reference_url:
        forget_through(args.url, args.timeout)
    if args.sim:
        send(args.sim, {"method": "POST", "target": "/sim/v1/reset"}, args.timeout)
    before = list(recording.get("before") or []) + list(exceptions.get("prepare", {}).get(recording["name"], []))
    return before


def run_one(args, recording, exceptions):
    name = recording["name"]
    for request in restore(args, recording, exceptions):
        send(args.url, request, args.timeout)
    got = send(args.url, recording["request"], args.timeout)
    after = [send(args.url, {"method": "GET", "target": a["target"]}, args.timeout) for a in recording.get("after") or []]
    if args.reference_url:
        for request in restore(args, recording, exceptions):
            send(args.reference_url, request, args.timeout)
        want = send(args.reference_url, recording["request"], args.timeout)
        wanted_after = [send(args.reference_url, {"method": "GET", "target": a["target"]}, args.timeout)
                        for a in recording.get("after") or []]
    else:
        want = Answer.recorded(recording["response"])
        wanted_after = [Answer.recorded(a["response"]) for a in recording.get("after") or []]
    loose = name in exceptions.get("other_error_text", {})
    out = compare(want, got, not loose)
    if name not in exceptions.get("other_state_afterwards", {}):
        for index, (before, now) in enumerate(zip(wanted_after, after)):
            out += [f"afterwards ({recording['after'][index]['target']}): {text}" for text in compare(before, now)]
    return out


def fixtures_folder():
    root = pathlib.Path(os.environ.get("PLIMSOLL_FIXTURES", "../shared/fixtures"))
    folder = root / "ollama"
    if folder.is_dir():
        return folder
    print(f"skipped: no fixtures at {folder}; set PLIMSOLL_FIXTURES", file=sys.stderr)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="the server under test")
    parser.add_argument("--reference-url", help="compare with this server instead of with the recordings")
    parser.add_argument("--sim", help="base URL of the simulator, for resets (default: --url)")
    parser.add_argument("--no-reset", action="store_true", help="against a real server, which has no reset")
    parser.add_argument("--only", action="append", default=[], help="names to replay (default: all)")
    parser.add_argument("--timeout", type=float, default=60)
    args = parser.parse_args()
    args.sim = None if args.no_reset else args.sim or args.reference_url or args.url
    exceptions = json.loads((HERE / "exceptions.json").read_text())
    failed, replayed, skipped = 0, 0, 0
    for file in sorted(fixtures_folder().glob("*.json")):
        recording = json.loads(file.read_text())
        name = recording["name"]
        if args.only and name not in args.only:
            continue
        if name in exceptions["skip"]:
            print(f"skip {name}: {exceptions['skip'][name]}")
            skipped += 1
            continue
        replayed += 1
        differences = run_one(args, recording, exceptions)
        if differences:
            failed += 1
            print(f"FAIL {name}")
            for text in differences:
                print(f"    {text}")
    print(f"{replayed} replayed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
