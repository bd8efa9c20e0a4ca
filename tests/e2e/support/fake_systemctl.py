#!/usr/bin/env python3
"""A stand-in for systemctl: units are entries of units.json, drop-ins are read at daemon-reload as systemd does, and
what is started is a real process. The folder is in $FAKE_SYSTEMD; support/systemd.py makes it.

The file "fail" there holds a command that fails, "die" one at which the program that called is killed."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["FAKE_SYSTEMD"])
UNITS = json.loads((FOLDER / "units.json").read_text())


def drop_ins(unit):
    return sorted((FOLDER / "root/etc/systemd/system" / f"{unit}.d").glob("*.conf"))


def environment_on_disk(unit):
    values = [f"{name}={value}" for name, value in UNITS[unit]["environment"].items()]
    for file in drop_ins(unit):
        for line in file.read_text().splitlines():
            if line.startswith("Environment="):
                values += shlex.split(line.removeprefix("Environment="))
    return values


def loaded_environment(unit):
    file = FOLDER / f"{unit}.environment"
    return json.loads(file.read_text()) if file.exists() else environment_on_disk(unit)


def pid_of(unit):
    file = FOLDER / f"{unit}.pid"
    pid = int(file.read_text()) if file.exists() else 0
    try:
        if pid and Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX":
            return pid
    except OSError:
        pass
    return 0


def stop(unit):
    if pid := pid_of(unit):
        os.kill(pid, signal.SIGTERM)
        while pid_of(unit):
            time.sleep(0.01)  # the end of a process that is no child of ours cannot be waited for


def start(unit):
    if pid_of(unit):
        return
    environment = dict(line.split("=", 1) for line in loaded_environment(unit))
    command = [word.format(**environment) for word in UNITS[unit]["command"]]
    log = open(FOLDER / f"{unit}.log", "ab")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                               env={"PATH": os.environ["PATH"], **environment})
    (FOLDER / f"{unit}.pid").write_text(str(process.pid))


def show(unit):
    if unit not in UNITS:
        print("LoadState=not-found\nActiveState=inactive\nSubState=dead")
        return
    pid = pid_of(unit)
    print(f"LoadState=loaded\nActiveState={'active' if pid else 'inactive'}\nSubState={'running' if pid else 'dead'}")
    print(f"UnitFileState=enabled\nMainPID={pid}\nNRestarts=0\nUser=\nDynamicUser=no")
    print("Environment=" + " ".join(shlex.quote(line) for line in loaded_environment(unit)))
    print("EnvironmentFiles=\nDropInPaths=" + " ".join(str(file) for file in drop_ins(unit)))


def main():
    words = sys.argv[1:]
    call = " ".join(words)
    with open(FOLDER / "calls", "a") as calls:
        calls.write(call + "\n")
    for what in ("fail", "die"):
        file = FOLDER / what
        if file.exists() and file.read_text() == call:
            file.unlink()
            if what == "die":
                os.kill(os.getppid(), signal.SIGKILL)
            sys.exit(f"Job for {words[-1]} failed because the control process exited with error code.")
    verb, units = words[0], words[1:]
    if verb == "show":
        show(units[0])
    elif verb == "daemon-reload":
        for unit in UNITS:
            (FOLDER / f"{unit}.environment").write_text(json.dumps(environment_on_disk(unit)))
    else:
        for unit in units:
            if unit not in UNITS:
                sys.exit(f"Failed to {verb} {unit}: Unit {unit} not found.")
            if verb in ("stop", "restart"):
                stop(unit)
            if verb in ("start", "restart"):
                start(unit)


if __name__ == "__main__":
    main()
