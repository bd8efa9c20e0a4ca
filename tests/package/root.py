"""A clean Debian of its own: made with debootstrap from the mirror that this machine uses, entered by chroot, or booted
by systemd-nspawn. Needs root."""

import os
import shutil
import subprocess
import time
from pathlib import Path

TOOLS = ("debootstrap", "systemd-nspawn", "nsenter", "apt-get", "dpkg-deb")


class Unable(Exception):
    """Why there is no such root here."""


def run(*words: str, check: bool = True, timeout: float = 600, **kwargs) -> subprocess.CompletedProcess:
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=timeout, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done


def debian_sources() -> list[tuple[str, str, str]]:
    """URI, suite and component of each source of Debian's own packages that apt knows here."""
    text = run("apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(SUITE)|$(CODENAME)|$(COMPONENT)",
               "Identifier: Packages").stdout
    out = []
    for line in text.splitlines():
        origin, uri, suite, codename, component = line.split("|")
        if origin == "Debian" and component == "main":
            out.append((uri, codename or suite, component))
    return list(dict.fromkeys(out))


def make(template: Path, include: str):
    """A root with the packages of Priority required and those of `include`; kept for the next time."""
    if os.geteuid() != 0:
        raise Unable("a root folder can be made by root only")
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise Unable(f"not installed: {', '.join(missing)}")
    done = template / ".made"
    if done.exists() and done.read_text() == include:
        return
    sources = debian_sources()
    main = [source for source in sources if "-" not in source[1]]
    if not main:
        raise Unable("apt knows no mirror of Debian here")
    shutil.rmtree(template, ignore_errors=True)
    made = run("debootstrap", "--variant=minbase", f"--include={include}", main[0][1], str(template), main[0][0],
               check=False, timeout=1200)
    if made.returncode != 0:
        raise Unable(f"debootstrap: {made.stdout[-600:]}{made.stderr[-600:]}")
    (template / "etc/apt/sources.list").write_text("".join(f"deb {uri} {suite} {part}\n" for uri, suite, part in sources))
    done.write_text(include)


class Root:
    """A throw-away copy of a template, in layers."""

    def __init__(self, template: Path, folder: Path):
        self.folder = folder
        self.path = folder / "root"
        for name in ("root", "upper", "work"):
            (folder / name).mkdir(parents=True)
        self._leader = 0
        self._nspawn: subprocess.Popen | None = None
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={template},upperdir={folder}/upper,workdir={folder}/work", str(self.path))
        self._mount("proc")

    def _mount(self, kind: str):
        run("mount", "-t", kind, kind, str(self.path / kind))

    def close(self):
        self.halt()
        run("umount", str(self.path / "proc"), check=False)
        run("umount", str(self.path))
        shutil.rmtree(self.folder)

    def run(self, *words: str, **kwargs) -> subprocess.CompletedProcess:
        """A command inside: in the booted system, or by chroot."""
        enter = (["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "--"] if self._leader
                 else ["chroot", str(self.path)])
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive", **kwargs.pop("env", {})}
        env |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        return run(*enter, *words, env=env, **kwargs)

    def boot(self, timeout: float):
        """systemd as process 1, in a network of its own. Raises Unable where the kernel or the surroundings refuse."""
        run("umount", str(self.path / "proc"))
        with (self.folder / "boot.log").open("w") as log:
            self._nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe",
                 "--boot", "-D", str(self.path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + timeout
        while time.monotonic() < end and self._nspawn.poll() is None:
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            for child in children:
                if "systemd" in Path(f"/proc/{child}/comm").read_text():
                    self._leader = int(child)
            if self._leader:
                state = self.run("systemctl", "is-system-running", check=False, timeout=60).stdout.strip()
                if state in ("running", "degraded"):
                    return
            time.sleep(0.2)
        self.halt()
        raise Unable(f"systemd-nspawn does not boot here: {(self.folder / 'boot.log').read_text()[-600:]}")

    def halt(self):
        if self._nspawn is None:
            return
        if self._leader and self._nspawn.poll() is None:
            self.run("systemctl", "--no-block", "poweroff", check=False, timeout=60)
        self._leader = 0
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait(30)
        self._nspawn = None
