#!/usr/bin/env python3
"""Real client libraries, unchanged, on Plimsoll's port: `ollama`, `openai` and `anthropic` for Python and for Node, and curl.

Runs against `plimsoll sim`, or against the real server that PLIMSOLL_TEST_OLLAMA names (with PLIMSOLL_TEST_MODEL, and
PLIMSOLL_TEST_EMBED_MODEL for embeddings). Needs the packages that scripts/test installs into build/clients.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import unittest
import urllib.request
from pathlib import Path

from support.process import ROOT, Serve, Sim, get_json, post_json, slowness, wait_for

CLIENTS = Path(os.environ.get("PLIMSOLL_TEST_CLIENTS", ROOT / "build" / "clients"))
PYTHON_SITE = CLIENTS / "python"
NODE_MODULES = CLIENTS / "node" / "node_modules"
REAL = os.environ.get("PLIMSOLL_TEST_OLLAMA")
CHAT = os.environ.get("PLIMSOLL_TEST_MODEL", "smollm2:135m") if REAL else "llama3.1:8b"
OTHER = os.environ.get("PLIMSOLL_TEST_MODEL", "smollm2:135m") if REAL else "qwen3:8b"
EMBED = os.environ.get("PLIMSOLL_TEST_EMBED_MODEL") if REAL else "nomic-embed-text"

if PYTHON_SITE.is_dir():
    sys.path.insert(0, str(PYTHON_SITE))


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = None if REAL else cls.enterClassContext(
            Sim("--vram", "24GiB", "--load-bandwidth", "8GiB", "--tokens-per-second", "200"))
        cls.serve = cls.enterClassContext(Serve(REAL or cls.sim.url, budget="16GiB"))
        cls.serve.wait_ready()
        cls.url = cls.serve.url

    def loaded(self):
        return [m["name"] for m in get_json(self.url + "/api/ps")["models"]]


@unittest.skipUnless((PYTHON_SITE / "ollama").is_dir() or os.environ.get("CI") == "true",
                     "no ollama package; scripts/test installs it")
class PythonOllama(WithServer):
    def setUp(self):
        import ollama
        self.errors = ollama.ResponseError
        self.client = ollama.Client(host=self.url)

    def test_generate(self):
        answer = self.client.generate(CHAT, "Say hi", options={"num_predict": 8})
        self.assertTrue(answer.done and answer.response)

    def test_generate_stream(self):
        parts = list(self.client.generate(CHAT, "Say hi", stream=True, options={"num_predict": 8}))
        self.assertGreater(len(parts), 2)
        self.assertTrue(parts[-1].done)

    def test_chat_stream(self):
        parts = list(self.client.chat(CHAT, [{"role": "user", "content": "hi"}], stream=True,
                                      options={"num_predict": 8}))
        self.assertTrue(parts[-1].done)

    @unittest.skipIf(REAL, "needs a model with tools")
    def test_tools(self):
        def add(a: int, b: int) -> int:
            """Adds two numbers.

            Args:
              a: one
              b: other
            """
            return a + b
        answer = self.client.chat(CHAT, [{"role": "user", "content": "1+2?"}], tools=[add])
        self.assertEqual("add", answer.message.tool_calls[0].function.name)

    @unittest.skipUnless(EMBED, "no embedding model named")
    def test_embeddings(self):
        answer = self.client.embed(EMBED, ["one", "two"])
        self.assertEqual(2, len(answer.embeddings))

    def test_preload_and_unload(self):
        self.assertEqual("load", self.client.generate(OTHER).done_reason)
        self.assertTrue(any(name.startswith(OTHER.split(":")[0]) for name in self.loaded()))
        self.assertEqual("unload", self.client.generate(OTHER, keep_alive=0).done_reason)
        wait_for(lambda: OTHER not in self.loaded(), 10, "unloaded")

    def test_unknown_model(self):
        with self.assertRaises(self.errors) as raised:
            self.client.generate("nothing-of-that-name", "hi")
        self.assertEqual(404, raised.exception.status_code)

    def test_list_show_and_version(self):
        self.assertTrue(self.client.list().models)
        self.assertIn("completion", self.client.show(CHAT).capabilities)

    def test_cancel_in_mid_stream(self):
        for part in self.client.generate(CHAT, "Say much", stream=True, options={"num_predict": 2000}):
            self.assertFalse(part.done)
            break
        del part
        self.client._client.close()
        wait_for(lambda: sum(m["leases"] for m in self.serve.models()) == 0, 5, "lease given back")


@unittest.skipUnless((PYTHON_SITE / "openai").is_dir() or os.environ.get("CI") == "true",
                     "no openai package; scripts/test installs it")
class PythonOpenAi(WithServer):
    def setUp(self):
        import openai
        self.openai = openai
        self.client = openai.OpenAI(base_url=self.url + "/v1", api_key="none", max_retries=0)

    def test_chat(self):
        answer = self.client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": "hi"}], max_tokens=8)
        self.assertTrue(answer.choices[0].message.content)

    def test_chat_stream(self):
        chunks = list(self.client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": "hi"}], max_tokens=8, stream=True))
        self.assertIn(chunks[-1].choices[0].finish_reason, ("stop", "length"))

    def test_completions(self):
        self.assertTrue(self.client.completions.create(model=CHAT, prompt="hi", max_tokens=8).choices[0].text)

    def test_responses(self):
        answer = self.client.responses.create(model=CHAT, input="hi", max_output_tokens=8)
        self.assertTrue(answer.output_text)

    @unittest.skipUnless(EMBED, "no embedding model named")
    def test_embeddings(self):
        self.assertTrue(self.client.embeddings.create(model=EMBED, input="one").data[0].embedding)

    def test_unknown_model(self):
        with self.assertRaises(self.openai.NotFoundError):
            self.client.chat.completions.create(model="nothing-of-that-name", messages=[{"role": "user", "content": "hi"}])

    def test_models(self):
        self.assertTrue(self.client.models.list().data)

    def test_cancel_in_mid_stream(self):
        stream = self.client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": "hi"}], max_tokens=2000, stream=True)
        next(iter(stream))
        stream.close()
        wait_for(lambda: sum(m["leases"] for m in self.serve.models()) == 0, 5, "lease given back")


@unittest.skipUnless(NODE_MODULES.is_dir() or os.environ.get("CI") == "true", "no node packages; scripts/test installs them")
class Node(WithServer):
    def test_ollama_and_openai(self):
        script = Path(__file__).parent / "clients" / "node_clients.mjs"
        (CLIENTS / "node").mkdir(parents=True, exist_ok=True)
        copy = CLIENTS / "node" / script.name  # beside node_modules, where imports are looked up
        copy.write_text(script.read_text())
        result = subprocess.run(
            [shutil.which("node") or "node", str(copy), self.url, CHAT, EMBED or ""],
            capture_output=True, text=True, timeout=120)
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)
        done = json.loads(result.stdout.strip().splitlines()[-1])
        self.assertGreaterEqual(len(done), 9, done)


@unittest.skipIf(REAL, "needs a model that loads slowly and always says the same")
class Waiting(unittest.TestCase):
    """server.queue_heartbeat: streams begin while their model loads, and no client takes a sign of life for content."""

    @classmethod
    def setUpClass(cls):
        cls.sim = cls.enterClassContext(
            Sim("--vram", "24GiB", "--load-bandwidth", "2GiB", "--tokens-per-second", "200"))
        cls.serve = cls.enterClassContext(
            Serve(cls.sim.url, budget="16GiB", env={"PLIMSOLL_SERVER_QUEUE_HEARTBEAT": "300ms"}))
        cls.serve.wait_ready()
        cls.url = cls.serve.url
        cls.messages = [{"role": "user", "content": "hi"}]
        # A whole answer is never begun early; the streams have to say the same.
        cls.text = post_json(cls.url + "/api/chat", {
            "model": CHAT, "messages": cls.messages, "stream": False, "options": {"num_predict": 12}})["message"]["content"]
        assert len(cls.text) > 20, cls.text
        # The simulator's words follow from the whole prompt, and a chat's is not that of the bare word.
        cls.of_prompt = post_json(cls.url + "/api/generate", {
            "model": CHAT, "prompt": "hi", "stream": False, "options": {"num_predict": 12}})["response"]

    def setUp(self):
        self.unload()

    def unload(self):
        post_json(self.url + "/plimsoll/v1/models/unload", {"model": CHAT})

    def read_raw(self, path, body):
        """The head's fields and all bytes, comments included."""
        made = urllib.request.Request(self.url + path, data=json.dumps(body).encode())
        with urllib.request.urlopen(made, timeout=60 * slowness()) as answer:
            self.assertEqual(200, answer.status)
            return answer.headers, answer.read().decode()

    def check_head(self, headers, content_type):
        self.assertEqual(content_type, headers["Content-Type"])
        # Sent long before the load was over, which takes more than two seconds.
        self.assertRegex(headers["X-Plimsoll-Queue"], r"^position=1, waited=[01]\.\d\d$")

    def test_lines_of_json(self):
        headers, body = self.read_raw("/api/chat", {
            "model": CHAT, "messages": self.messages, "options": {"num_predict": 12}})
        self.check_head(headers, "application/x-ndjson")
        self.assertRegex(body, r"^ {2,}\{")
        parts = [json.loads(line) for line in body.splitlines()]
        self.assertEqual(self.text, "".join(part["message"]["content"] for part in parts))
        self.assertTrue(parts[-1]["done"])

    def test_server_sent_events(self):
        headers, body = self.read_raw("/v1/messages", {
            "model": CHAT, "messages": self.messages, "max_tokens": 12, "stream": True})
        self.check_head(headers, "text/event-stream")
        events = body.split("\n\n")
        comments = [event for event in events if event.startswith(":")]
        self.assertGreater(len(comments), 1)
        self.assertEqual(comments, events[:len(comments)])
        for comment in comments:
            self.assertRegex(comment, r"^: plimsoll: position 1, waited \d+ s$")
        data = [json.loads(event.split("data: ", 1)[1]) for event in events[len(comments):] if event]
        self.assertEqual("message_stop", data[-1]["type"])
        self.assertEqual(self.text, "".join(
            one["delta"]["text"] for one in data if one["type"] == "content_block_delta"))

    def test_failure_after_the_head(self):
        self.sim.fault("load_500", model=OTHER)  # a model of its own: it is barred for a while afterwards
        headers, body = self.read_raw("/v1/chat/completions", {
            "model": OTHER, "messages": self.messages, "stream": True})
        self.check_head(headers, "text/event-stream")
        error = json.loads(body.split("\n\n")[-2].removeprefix("data: "))["error"]
        self.assertIn("llama-server process has terminated", error["message"])

    @unittest.skipUnless((PYTHON_SITE / "ollama").is_dir() or os.environ.get("CI") == "true", "no ollama package")
    def test_python_ollama(self):
        import ollama
        client = ollama.Client(host=self.url)
        parts = list(client.chat(CHAT, self.messages, stream=True, options={"num_predict": 12}))
        self.assertEqual(self.text, "".join(part.message.content for part in parts))
        self.unload()
        parts = list(client.generate(CHAT, "hi", stream=True, options={"num_predict": 12}))
        self.assertEqual(self.of_prompt, "".join(part.response for part in parts))

    @unittest.skipUnless((PYTHON_SITE / "openai").is_dir() or os.environ.get("CI") == "true", "no openai package")
    def test_python_openai(self):
        import openai
        client = openai.OpenAI(base_url=self.url + "/v1", api_key="none", max_retries=0)
        stream = client.chat.completions.create(model=CHAT, messages=self.messages, max_tokens=12, stream=True)
        self.check_head(stream.response.headers, "text/event-stream")
        self.assertEqual(self.text, "".join(chunk.choices[0].delta.content or "" for chunk in stream))
        self.unload()
        stream = client.completions.create(model=CHAT, prompt="hi", max_tokens=12, stream=True)
        self.assertEqual(self.of_prompt, "".join(chunk.choices[0].text for chunk in stream))
        self.unload()
        stream = client.responses.create(model=CHAT, input="hi", max_output_tokens=12, stream=True)
        self.assertEqual(self.of_prompt, "".join(
            event.delta for event in stream if event.type == "response.output_text.delta"))

    @unittest.skipUnless((PYTHON_SITE / "anthropic").is_dir() or os.environ.get("CI") == "true", "no anthropic package")
    def test_python_anthropic(self):
        import anthropic
        client = anthropic.Anthropic(base_url=self.url, api_key="none", max_retries=0)
        with client.messages.stream(model=CHAT, messages=self.messages, max_tokens=12) as stream:
            self.assertEqual(self.text, "".join(stream.text_stream))

    @unittest.skipUnless((NODE_MODULES / "@anthropic-ai").is_dir() or os.environ.get("CI") == "true", "no node packages")
    def test_node(self):
        script = Path(__file__).parent / "clients" / "waiting_clients.mjs"
        copy = CLIENTS / "node" / script.name
        copy.write_text(script.read_text())
        result = subprocess.run(
            [shutil.which("node") or "node", str(copy), self.url, CHAT], capture_output=True, text=True,
            timeout=120 * slowness())
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)
        texts = json.loads(result.stdout.strip().splitlines()[-1])
        prompts = {name for name in texts if name.endswith(("generate", "completions", "responses"))}
        self.assertEqual({name: self.of_prompt if name in prompts else self.text for name in texts}, texts)
        self.assertEqual(6, len(texts))


class Curl(WithServer):
    def curl(self, *args, **kwargs):
        return subprocess.run(["curl", "-sS", "--max-time", "60", *args], capture_output=True, text=True, timeout=90, **kwargs)

    def test_generate_stream(self):
        done = self.curl("-N", self.url + "/api/generate", "-d",
                         json.dumps({"model": CHAT, "prompt": "hi", "options": {"num_predict": 5}}))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertTrue(lines[-1]["done"], done)

    def test_large_body_with_expect_100_continue(self):
        body = json.dumps({"model": CHAT, "prompt": "hi", "stream": False, "options": {"num_predict": 1},
                           "unknown": "x" * (2 << 20)})
        done = self.curl("-H", "Expect: 100-continue", "-o", os.devnull, "-w", "%{http_code}", "--data-binary", "@-",
                         self.url + "/api/generate", input=body)
        self.assertEqual("200", done.stdout, done.stderr)

    def test_unknown_path_and_wrong_method(self):
        self.assertEqual("404 page not found", self.curl(self.url + "/nothing").stdout)
        self.assertEqual("405", self.curl("-o", os.devnull, "-w", "%{http_code}", "-X", "DELETE",
                                          self.url + "/api/generate").stdout)

    def test_cancel_in_mid_stream(self):
        child = subprocess.Popen(
            ["curl", "-sSN", self.url + "/api/generate", "-d",
             json.dumps({"model": CHAT, "prompt": "hi", "options": {"num_predict": 5000}})], stdout=subprocess.PIPE)
        child.stdout.readline()
        child.kill()
        child.wait(10)
        child.stdout.close()
        wait_for(lambda: sum(m["leases"] for m in self.serve.models()) == 0, 5, "lease given back")


if __name__ == "__main__":
    unittest.main()
