"""Completions in the shells themselves, and the manual page in groff: both are printed by the program."""

import os
import pty
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import process
from support.process import Serve, Sim, binary, post_json, slowness

WAIT = 60 * slowness()


def printed(*words: str) -> str:
    return subprocess.run([binary(), *words], env=process.clean_environment(), capture_output=True, text=True,
                          timeout=WAIT, check=True).stdout


class Shell(unittest.TestCase):
    """A folder with the completion script, and with the program first in PATH."""

    name = ""

    def setUp(self):
        if not shutil.which(self.name):
            self.skipTest(f"{self.name} is not installed")
        folder = tempfile.TemporaryDirectory(prefix="plimsoll-completion-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "plimsoll").symlink_to(binary())
        self.script = self.folder / ("_plimsoll" if self.name == "zsh" else f"plimsoll.{self.name}")
        self.script.write_text(printed("completion", self.name))
        (self.folder / "notes.toml").touch()

    def run_shell(self, *words: str, env: dict | None = None) -> str:
        system = process.clean_environment()
        done = subprocess.run(
            [self.name, *words], capture_output=True, text=True, timeout=WAIT, cwd=self.folder,
            env={**system, "PATH": f"{self.folder}:{system['PATH']}", "HOME": str(self.folder), "TERM": "dumb",
                 **(env or {})})
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def complete(self, line: str, env: dict | None = None) -> set[str]:
        """What the shell offers at the end of the line."""
        raise NotImplementedError

    def offers(self):
        self.assertLessEqual({"serve", "ps", "chain", "completion"}, self.complete("plimsoll "))
        self.assertEqual(self.complete("plimsoll unl"), {"unload"})
        self.assertLessEqual({"check", "show", "reference", "schema"}, self.complete("plimsoll config "))
        self.assertEqual(self.complete("plimsoll ps --j"), {"--json"})
        self.assertLessEqual({"--budget", "--listen"}, self.complete("plimsoll serve --"))
        self.assertEqual(self.complete("plimsoll serve --log-level "), {"debug", "info", "warning", "error"})
        self.assertEqual(self.complete("plimsoll config check --config no"), {"notes.toml"})
        self.assertEqual(self.complete("plimsoll completion "), {"bash", "zsh", "fish"})
        self.assertEqual(self.complete("plimsoll serve --budget "), set())

    def offers_models(self):
        with Sim("--time-scale", "50") as sim, Serve(sim.url) as serve:
            serve.wait_ready()
            post_json(serve.url + "/plimsoll/v1/models/load", {"model": "gemma3:270m"})
            return self.complete("plimsoll unload gem", {"PLIMSOLL_URL": serve.url})


class Bash(Shell):
    name = "bash"

    def complete(self, line: str, env: dict | None = None) -> set[str]:
        # As readline does: words end at blanks, and at = and :, which are words themselves.
        return set(self.run_shell("--norc", "--noprofile", "-c", r"""
            source "$1"
            COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
            COMP_LINE=$2 COMP_POINT=${#2}
            spaced=${2//=/ = } && spaced=${spaced//:/ : }
            read -ra COMP_WORDS <<<"$spaced"
            [[ $2 != *' ' ]] || COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            $(complete -p plimsoll | sed -E 's/.*-F ([^ ]+).*/\1/')
            printf '%s\n' "${COMPREPLY[@]}"
            """, "-", str(self.script), line, env=env).split())

    def test_offers_commands_options_and_values(self):
        self.offers()
        self.assertEqual(self.complete("plimsoll serve --log-format="), {"plain", "json"})
        self.assertEqual(self.complete("plimsoll serve --log-format=j"), {"json"})

    def test_offers_models_in_memory(self):
        self.assertEqual(self.offers_models(), {"gemma3:270m"})


class Fish(Shell):
    name = "fish"

    def complete(self, line: str, env: dict | None = None) -> set[str]:
        text = self.run_shell("--no-config", "-c", "source $argv[1]; complete -C $argv[2]", str(self.script), line, env=env)
        return {offer.split("\t")[0] for offer in text.splitlines()}

    def test_offers_commands_options_and_values(self):
        self.offers()

    def test_offers_models_in_memory(self):
        self.assertEqual(self.offers_models(), {"gemma3:270m"})


# zsh completes only in a line editor: one in a terminal of its own, which takes the line, completes it and ends. The
# matches are written down on their way to the list that would be shown.
ZSHRC = r"""
PS1= RPS1=
fpath=($PLIMSOLL_TEST_FOLDER $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
    local -a found
    builtin compadd -O found "$@"
    (( $#found == 0 )) || print -rl -- $found >> $PLIMSOLL_TEST_FOLDER/found
    builtin compadd "$@"
}
zle-line-init() {
    BUFFER=$PLIMSOLL_TEST_LINE CURSOR=$#PLIMSOLL_TEST_LINE
    zle complete-word
    exit 0
}
zle -N zle-line-init
"""


class Zsh(Shell):
    name = "zsh"

    def complete(self, line: str, env: dict | None = None) -> set[str]:
        (self.folder / ".zshrc").write_text(ZSHRC)
        found = self.folder / "found"
        found.write_text("")
        system = process.clean_environment()
        terminal, inside = pty.openpty()
        shell = subprocess.Popen(
            ["zsh", "-d", "-i"], stdin=inside, stdout=inside, stderr=inside, cwd=self.folder, start_new_session=True,
            env={**system, "PATH": f"{self.folder}:{system['PATH']}", "ZDOTDIR": str(self.folder), "TERM": "vt100",
                 "PLIMSOLL_TEST_FOLDER": str(self.folder), "PLIMSOLL_TEST_LINE": line, **(env or {})})
        os.close(inside)
        shown = b""
        try:
            while piece := os.read(terminal, 65536):
                shown += piece
        except OSError:  # the other side is closed
            pass
        finally:
            os.close(terminal)
        self.assertEqual(shell.wait(WAIT), 0, shown)
        return set(found.read_text().split("\n")) - {""}

    def test_is_taken_by_the_shell(self):
        self.run_shell("-n", str(self.script))

    def test_offers_commands_options_and_values(self):
        self.offers()

    def test_offers_models_in_memory(self):
        self.assertEqual(self.offers_models(), {"gemma3:270m"})


class ManualPage(unittest.TestCase):
    def test_groff_warns_of_nothing_and_every_command_is_there(self):
        page = printed("man")
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        shown = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-b", "-z"], input=page, capture_output=True, text=True,
                               timeout=WAIT)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        text = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou"], input=page, capture_output=True, text=True,
                              timeout=WAIT, check=True).stdout
        for line in printed("--help").split("Subcommands:")[1].split("\n\n")[0].strip().splitlines():
            self.assertIn(f"plimsoll {line.split()[0]}", text)
        self.assertIn("--no-management", text)
        self.assertIn("journalctl(1)", text)


del Shell  # only what is derived from it is a test

if __name__ == "__main__":
    unittest.main()
