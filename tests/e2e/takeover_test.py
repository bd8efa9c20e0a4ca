#!/usr/bin/env python3
"""`plimsoll takeover` on a host whose systemctl is a stand-in that really starts `plimsoll sim` and `plimsoll serve`."""

import unittest

from support.process import get_json, post, request, wait_for
from support.systemd import Host

DROP_IN = "etc/systemd/system/ollama.service.d/plimsoll.conf"
RECORD = "etc/plimsoll/takeover.json"


def answers(port):
    try:
        return request("GET", f"http://127.0.0.1:{port}/api/version", timeout=5).status == 200
    except OSError:
        return False


class Takeover(unittest.TestCase):
    def taken_over(self, host):
        return get_json(f"http://127.0.0.1:{host.ollama_port}/plimsoll/v1/status")["upstreams"][0]["url"]

    def check_as_before(self, host, files, folders):
        self.assertEqual(files, host.files())
        self.assertEqual(folders, host.folders())
        host.wait_for_ollama(host.ollama_port)
        self.assertFalse(answers(host.behind_port))

    def test_there_and_back(self):
        with Host() as host:
            host.start()
            before, folders = host.files(), host.folders()
            dry = host.takeover("--dry-run")
            self.assertEqual(0, dry.returncode, dry)
            self.assertIn("write /" + DROP_IN, dry.stdout)
            self.assertEqual((before, []), (host.files(), [c for c in host.calls() if c != "start ollama.service plimsoll.service"]))

            done = host.takeover()
            self.assertEqual(0, done.returncode, done)
            self.assertIn(f"127.0.0.1:{host.ollama_port}", done.stdout)
            self.assertEqual(f"http://127.0.0.1:{host.behind_port}", self.taken_over(host))
            host.wait_for_ollama(host.behind_port)
            wait_for(lambda: request("GET", f"http://127.0.0.1:{host.ollama_port}/readyz").status == 200, 20, "ready")
            answer = post(f"http://127.0.0.1:{host.ollama_port}/api/generate",
                          {"model": "llama3.1:8b", "prompt": "hi", "stream": False, "options": {"num_predict": 1}})
            self.assertEqual(200, answer.status, answer.body)
            self.assertEqual(0o600, (host.root / RECORD).stat().st_mode & 0o777)

            host.forget_calls()
            again = host.takeover()
            self.assertEqual((0, []), (again.returncode, host.calls()), again)
            self.assertIn("Nothing to do", again.stdout)

            undone = host.takeover("--undo")
            self.assertEqual(0, undone.returncode, undone)
            self.check_as_before(host, before, folders)
            host.wait_for_plimsoll()
            self.assertIn(f"http://127.0.0.1:{host.ollama_port}",
                          str(get_json(f"http://127.0.0.1:{host.own_port}/plimsoll/v1/status")))
            nothing = host.takeover("--undo")
            self.assertEqual(0, nothing.returncode)
            self.assertIn("Nothing to undo", nothing.stdout)

    def test_whichever_command_fails_all_is_put_back(self):
        with Host() as host:
            host.start()
            folder = host.root / DROP_IN
            folder.parent.mkdir(parents=True)
            folder.write_text("[Service]\nNice=5\n")
            before, folders = host.files(), host.folders()
            for call in ("daemon-reload", "stop plimsoll.service", "restart ollama.service", "start plimsoll.service"):
                with self.subTest(call):
                    host.command("fail", call)
                    done = host.takeover()
                    self.assertEqual(1, done.returncode, done)
                    self.assertIn(call, done.stderr)
                    self.assertIn("as it was before", done.stderr)
                    self.check_as_before(host, before, folders)

    def test_killed_at_any_command_an_undo_goes_back(self):
        with Host() as host:
            host.start()
            before, folders = host.files(), host.folders()
            for call in ("daemon-reload", "stop plimsoll.service", "restart ollama.service", "start plimsoll.service"):
                with self.subTest(call):
                    host.command("die", call)
                    done = host.takeover()
                    self.assertEqual(-9, done.returncode, done)
                    stopped = host.takeover()
                    self.assertEqual(1, stopped.returncode, stopped)
                    self.assertIn("--undo", stopped.stderr)
                    undone = host.takeover("--undo")
                    self.assertEqual(0, undone.returncode, undone)
                    self.check_as_before(host, before, folders)

    def test_a_plimsoll_that_does_not_start_is_taken_back(self):
        with Host() as host:
            folders = host.folders()
            host.units["plimsoll.service"]["command"] = ["/bin/false"]
            host.save_units()
            host.systemctl("start", "ollama.service")
            host.wait_for_ollama(host.ollama_port)
            done = host.run("takeover", "--root", str(host.root), "--ollama-port", str(host.behind_port), "--timeout", "2s")
            self.assertEqual(1, done.returncode, done)
            self.assertIn("journalctl -e -u plimsoll", done.stderr)
            self.check_as_before(host, {}, folders)

    def test_where_plimsoll_has_keys_it_needs_one(self):
        with Host() as host:
            keys, file = host.root / "var/lib/plimsoll/keys.toml", host.folder / "key"
            for made in (keys, host.root / "etc/plimsoll/plimsoll.toml"):
                made.parent.mkdir(parents=True)
            (host.root / "etc/plimsoll/plimsoll.toml").write_text("")
            created = host.run("key", "create", "me", "--role", "operator", "--file", str(keys))
            self.assertEqual(0, created.returncode, created)
            file.write_text(created.stdout)
            host.units["plimsoll.service"]["environment"]["PLIMSOLL_ACCESS_KEY_FILE"] = str(keys)
            host.save_units()
            host.start()
            host.forget_calls()
            refused = host.takeover()
            self.assertEqual((1, []), (refused.returncode, host.calls()), refused)
            self.assertIn("--key-file", refused.stderr)
            before, folders = host.files(), host.folders()
            done = host.takeover("--key-file", str(file))
            self.assertEqual(0, done.returncode, done)
            self.assertIn("Note: Plimsoll has keys", done.stdout)
            undone = host.takeover("--undo")
            self.assertEqual(0, undone.returncode, undone)
            self.check_as_before(host, before, folders)

    def test_a_certificate_is_refused_before_anything_is_moved(self):
        with Host() as host:
            (host.root / "etc/plimsoll").mkdir(parents=True)
            (host.root / "etc/plimsoll/plimsoll.toml").write_text(
                '[server]\ntls_certificate = "/etc/plimsoll/server.crt"\ntls_key = "/etc/plimsoll/server.key"\n')
            host.start()
            host.forget_calls()
            for words in ([], ["--dry-run"]):
                refused = host.takeover(*words)
                self.assertEqual((1, []), (refused.returncode, host.calls()), refused)
                self.assertIn("server.tls_certificate", refused.stderr)

    def test_what_was_changed_by_hand_is_left_alone(self):
        with Host() as host:
            host.start()
            self.assertEqual(0, host.takeover().returncode)
            drop_in = host.root / DROP_IN
            drop_in.write_text(drop_in.read_text() + "Nice=5\n")
            host.forget_calls()
            undone = host.takeover("--undo")
            self.assertEqual(1, undone.returncode, undone)
            self.assertIn(DROP_IN, undone.stderr)
            self.assertIn("changed", undone.stderr)
            self.assertEqual([], host.calls())

    def test_hosts_on_which_it_cannot_work(self):
        with Host() as host:
            del host.units["plimsoll.service"]
            host.save_units()
            host.start()
            done = host.takeover()
            self.assertEqual(1, done.returncode, done)
            self.assertIn("plimsoll.service", done.stderr)
            self.assertIn("By hand", done.stderr)
            (host.root / "run/systemd/system").rmdir()
            done = host.takeover()
            self.assertEqual(1, done.returncode, done)
            self.assertIn("systemd does not run", done.stderr)
            for wrong in (["--dry-run", "--undo"], ["--ollama-port", "70000"], ["--timeout", "soon"]):
                self.assertEqual(2, host.run("takeover", *wrong).returncode, wrong)

    def test_the_doctor_reads_the_unit(self):
        with Host() as host:
            host.start()
            done = host.run("doctor", "--root", str(host.root), "--url", f"http://127.0.0.1:{host.own_port}", "--upstream",
                            f"http://127.0.0.1:{host.ollama_port}")
            self.assertIn("ollama.service: active (running), enabled", done.stdout)
            self.assertIn("plimsoll.service: active (running), enabled", done.stdout)


if __name__ == "__main__":
    unittest.main()
