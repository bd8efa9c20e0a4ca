#!/usr/bin/env python3
"""`plimsoll doctor` in broken surroundings: each has its finding with a fix, and what is right is said to be."""

import http.server
import json
import os
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, post, post_json, slowness
from support.tls import Authority

NOBODY = "http://127.0.0.1:1"  # nothing listens there


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Report:
    def __init__(self, done):
        self.status = done.returncode
        self.raw = done.stdout + done.stderr
        answer = json.loads(done.stdout)
        self.problems, self.warnings = answer["problems"], answer["warnings"]
        self.findings = answer["findings"]

    def of(self, check, level=None):
        return [f for f in self.findings if f["check"] == check and level in (None, f["level"])]


class Doctor(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="plimsoll-doctor-")))

    def run_doctor(self, *args, env=None, **kwargs):
        return subprocess.run(
            [binary(), "doctor", "--root", str(self.folder), *args], capture_output=True, text=True,
            timeout=60 * slowness(), env={**clean_environment(), "XDG_CONFIG_HOME": str(self.folder),
                                          "XDG_STATE_HOME": str(self.folder), "OLLAMA_HOST": "", **(env or {})}, **kwargs)

    def doctor(self, *args, upstream=NOBODY, url=NOBODY, budget="16GiB", state=None, **kwargs):
        flags = ["--upstream", upstream, "--url", url, "--budget", budget, "--state", state or str(self.folder / "state.db")]
        return Report(self.run_doctor("--json", *flags, *args, **kwargs))

    def one(self, report, check, level):
        found = report.of(check, level)
        self.assertEqual(1, len(found), report.raw)
        if level != "ok":
            self.assertTrue(found[0]["fix"], found)
        return found[0]

    def test_a_sound_installation(self):
        with Sim("--vram", "24GiB", "--load-bandwidth", "64GiB") as sim, Serve(sim.url) as serve:
            serve.wait_ready()
            post_json(serve.url + "/plimsoll/v1/models/load", {"model": "llama3.1:8b"})
            report = self.doctor(upstream=sim.url, url=serve.url)
            self.assertEqual((0, 0), (report.status, report.problems), report.raw)
            self.assertIn(sim.url, self.one(report, "upstream", "ok")["text"])
            self.assertIn("llama3.1:8b", self.one(report, "foreign models", "ok")["text"])
            self.assertIn(serve.url, self.one(report, "daemon", "ok")["text"])
            text = self.run_doctor("--upstream", sim.url, "--url", serve.url).stdout
            self.assertIn("0 problems", text)
            self.assertNotIn("\x1b", text)

    def test_the_upstream_is_dead_and_the_daemon_does_not_run(self):
        report = self.doctor()
        self.assertEqual(1, report.status, report.raw)
        self.assertIn(NOBODY, self.one(report, "upstream", "problem")["text"])
        self.assertIn("plimsoll serve", self.one(report, "daemon", "warning")["fix"])

    def test_another_server_on_the_upstreams_port(self):
        class Silent(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_error(404)

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                url = f"http://127.0.0.1:{server.server_port}"
                found = self.one(self.doctor(upstream=url), "upstream", "problem")
                self.assertIn("no Ollama", found["text"])
                self.assertIn("404", found["text"])
                # And on ours.
                found = self.one(self.doctor(url=url), "daemon", "problem")
                self.assertIn("no Plimsoll", found["text"])
            finally:
                server.shutdown()

    def test_a_server_that_speaks_no_http(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def answer():
                for _ in range(3):
                    peer = server.accept()[0]
                    peer.recv(1024)
                    peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                    peer.close()

            threading.Thread(target=answer, daemon=True).start()
            report = self.doctor(upstream=f"http://127.0.0.1:{server.getsockname()[1]}")
            self.assertIn("no Ollama", self.one(report, "upstream", "problem")["text"])

    def test_plimsoll_in_front_of_itself(self):
        with Sim() as sim, Serve(sim.url) as serve:
            report = self.doctor(upstream=serve.url)
            self.assertIn("circle", self.one(report, "upstream", "problem")["text"])

    @unittest.skipUnless(os.geteuid() == 0, "the environment of the stand-in is shown to root only")
    def test_the_servers_environment_differs(self):
        env = {"OLLAMA_MAX_LOADED_MODELS": "1", "OLLAMA_NUM_PARALLEL": "4", "OLLAMA_KV_CACHE_TYPE": "q8_0",
               "OLLAMA_FLASH_ATTENTION": "1", "OLLAMA_CONTEXT_LENGTH": "8192", "OLLAMA_DEBUG_LOG_REQUESTS": "true"}
        with Sim(env=env) as sim:
            report = self.doctor("--parallel", "2", "--default-ctx", "4096", upstream=sim.url)
            self.assertEqual(1, report.status, report.raw)
            found = {f["text"].split()[1]: f for f in report.of("environment")}
            self.assertEqual({*env}, {*found}, report.raw)
            self.assertEqual("problem", found["OLLAMA_NUM_PARALLEL"]["level"])
            self.assertIn("parallel = 4", found["OLLAMA_NUM_PARALLEL"]["fix"])
            self.assertEqual("problem", found["OLLAMA_CONTEXT_LENGTH"]["level"])
            self.assertEqual("warning", found["OLLAMA_KV_CACHE_TYPE"]["level"])
            right = self.doctor("--parallel", "4", "--default-ctx", "8192", "--kv-cache-type", "q8_0", "--flash-attention",
                                "on", "--max-loaded", "1", upstream=sim.url, env={"OLLAMA_DEBUG_LOG_REQUESTS": ""})
            self.assertEqual(["warning"], [f["level"] for f in right.of("environment")], right.raw)
            # The running daemon's own settings count more than those of the configuration.
            with Serve(sim.url, "--parallel", "4", "--default-ctx", "8192") as serve:
                serve.wait_ready()
                asked = self.doctor("--parallel", "9", upstream=sim.url, url=serve.url)
                self.assertFalse([f for f in asked.of("environment") if "NUM_PARALLEL" in f["text"]], asked.raw)

    def test_a_damaged_state_file_and_one_that_was_set_aside(self):
        (self.folder / "state.db").write_bytes(b"this is no database" * 500)
        (self.folder / "state.db.aside-1").write_bytes(b"")
        report = self.doctor()
        self.assertIn("damaged", self.one(report, "state file", "problem")["text"])
        self.assertIn("aside", self.one(report, "state file", "warning")["text"])
        self.assertEqual(b"this is", (self.folder / "state.db").read_bytes()[:7])  # it only looks

    def test_a_state_file_of_the_daemon_is_whole_while_it_runs(self):
        with Sim("--load-bandwidth", "64GiB") as sim, Serve(sim.url, state=str(self.folder / "state.db")) as serve:
            serve.wait_ready()
            post_json(serve.url + "/plimsoll/v1/models/load", {"model": "llama3.1:8b"})
            report = self.doctor(upstream=sim.url, url=serve.url)
            self.assertIn("whole", self.one(report, "state file", "ok")["text"])

    def test_a_state_folder_that_cannot_be_written(self):
        if os.geteuid() == 0:
            place = Path("/proc/1")  # not even root makes files there
            report = self.doctor(state=str(place / "state.db"))
        else:
            self.folder.chmod(0o555)
            self.addCleanup(self.folder.chmod, 0o755)
            report = self.doctor()
        self.assertIn("cannot be written", self.one(report, "state file", "problem")["text"])

    def test_a_wrong_configuration_still_gives_a_report(self):
        config = self.folder / "broken.toml"
        config.write_text("[server]\nlissten = 3\n")
        report = self.doctor("--config", str(config))
        self.assertEqual(1, report.status)
        self.assertIn("broken.toml:2", self.one(report, "config", "problem")["text"])
        self.assertTrue(report.of("clock"))

    def test_clients_that_go_past_plimsoll(self):
        with Sim("--load-bandwidth", "64GiB") as sim, Serve(sim.url) as serve:
            serve.wait_ready()
            where = sim.url.removeprefix("http://")
            report = self.doctor(upstream=sim.url, url=serve.url, env={"OLLAMA_HOST": where})
            self.assertIn(where, self.one(report, "clients", "warning")["text"])
            etc = self.folder / "etc"
            etc.mkdir()
            (etc / "environment").write_text(f'PATH=/bin\nOLLAMA_HOST="{where}"\n')
            report = self.doctor(upstream=sim.url, url=serve.url)
            self.assertIn("/etc/environment", self.one(report, "clients", "warning")["text"])

            with socket.create_connection(("127.0.0.1", sim.port)):
                report = self.doctor(upstream=sim.url, url=serve.url)
                self.assertIn(f"process {os.getpid()}", self.one(report, "bypass", "warning")["text"])

            done = post(sim.url + "/api/generate", {"model": "qwen3:8b", "prompt": "hi", "stream": False,
                                                    "options": {"num_predict": 1}})
            self.assertEqual(200, done.status)
            report = self.doctor(upstream=sim.url, url=serve.url)
            self.assertIn("qwen3:8b", self.one(report, "foreign models", "warning")["text"])

    def test_ports_that_collide_or_are_taken(self):
        with Sim() as sim:
            listen = sim.url.removeprefix("http://")
            report = self.doctor("--listen", listen, upstream=sim.url)
            self.assertIn("on which Plimsoll itself listens", self.one(report, "config", "problem")["text"])
            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
                report = self.doctor("--listen", f"127.0.0.1:{port}", upstream=sim.url)  # nothing listens
                self.assertIn(f"process {os.getpid()}", self.one(report, "ports", "problem")["text"])
            report = self.doctor("--listen", f"127.0.0.1:{free_port()}", upstream=sim.url)
            self.assertIn("is free", self.one(report, "ports", "ok")["text"])

    def test_a_card_that_is_smaller_than_the_budget(self):
        card = self.folder / "drm" / "card0" / "device"
        card.mkdir(parents=True)
        (card / "mem_info_vram_total").write_text(f"{12 << 30}\n")
        (card / "mem_info_vram_used").write_text(f"{1 << 30}\n")
        config = self.folder / "cards.toml"
        config.write_text(f'[device]\nnvml_library = ""\ndrm_folder = "{self.folder}/drm"\n')
        report = self.doctor("--config", str(config))
        found = self.one(report, "budget", "warning")
        self.assertIn("the budget of 16 GiB is more than the GPU's 12 GiB", found["text"])
        self.assertIn("11 GiB", found["fix"])
        report = self.doctor("--config", str(config), budget="11GiB")
        self.one(report, "budget", "ok")

    def test_a_daemon_with_keys_and_a_certificate(self):
        authority = Authority(self.folder)
        certificate, key = authority.make("server", days=5)
        os.chmod(key, 0o644)
        keys = self.folder / "keys.toml"
        made = subprocess.run([binary(), "key", "create", "me", "--role", "operator", "--file", str(keys)], capture_output=True,
                              text=True, timeout=60 * slowness(), env=clean_environment(), check=True)
        secret, config = made.stdout.strip(), self.folder / "plimsoll.toml"
        config.write_text(f'[server]\ntls_certificate = "{certificate}"\ntls_key = "{key}"\n[access]\nkey_file = "{keys}"\n')
        with Sim() as sim, Serve(sim.url, "--config", str(config), state=str(self.folder / "state.db")) as serve:
            asked = {"upstream": sim.url, "url": serve.url.replace("127.0.0.1", "localhost")}
            trust = {"PLIMSOLL_CA_FILE": str(authority.file)}
            report = self.doctor("--config", str(config), **asked)
            self.assertIn("no CA that is trusted", self.one(report, "daemon", "warning")["text"])
            self.assertIn("days are left", self.one(report, "certificate", "warning")["text"])
            self.assertIn(key, self.one(report, "permissions", "problem")["text"])
            report = self.doctor("--config", str(config), env=trust, **asked)
            self.assertIn("PLIMSOLL_KEY", self.one(report, "daemon", "warning")["fix"])
            report = self.doctor("--config", str(config), env={**trust, "PLIMSOLL_KEY": secret}, **asked)
            self.assertIn("runs at", self.one(report, "daemon", "ok")["text"])
            self.assertNotIn(secret, report.raw)

    def test_few_descriptors(self):
        report = Report(subprocess.run(
            ["sh", "-c", 'ulimit -n 512 && exec "$@"', "sh", binary(), "doctor", "--json", "--root", str(self.folder), "--url",
             NOBODY, "--upstream", NOBODY], capture_output=True, text=True, timeout=60 * slowness(),
            env={**clean_environment(), "XDG_CONFIG_HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder)}))
        self.assertIn("512 files", self.one(report, "file limit", "warning")["text"])


if __name__ == "__main__":
    unittest.main()
