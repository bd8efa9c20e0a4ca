"""Runs a program under the system call filter that a systemd unit describes, without systemd.

    unit_filter.py compile UNIT [DROP_IN...] > FILTER      a program for the kernel
    unit_filter.py run FILTER PROGRAM [ARGUMENT...]        takes it on, then becomes the program

Taken from the unit: SystemCallFilter, RestrictAddressFamilies, MemoryDenyWriteExecute, RestrictNamespaces. Stricter than
systemd: what the filter forbids ends the process (SIGSYS) instead of failing, so that nothing can go wrong unseen. Two
exceptions, for tests that run as root, which the service never does: there SQLite also tries fchown, and the kernel's
answer to that may fail; and clone3 is answered with ENOSYS, as systemd does with RestrictNamespaces.
"""

import ctypes
import errno
import os
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
AUDIT_ARCH_X86_64 = 0xC000003E
LOAD, JUMP_IF_EQUAL, JUMP_IF_ABOVE, JUMP_IF_BIT, RETURN, AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
NUMBER, ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
NAMESPACES = 0x7E020080  # CLONE_NEW*
WRITE, EXECUTE = 2, 4


def argument(index: int) -> int:
    return 16 + 8 * index


def settings(units: list[str]) -> dict[str, list[str]]:
    """NAME to its values, in their order."""
    out: dict[str, list[str]] = {}
    for unit in units:
        for line in Path(unit).read_text().splitlines():
            found = re.match(r"(\w+)=(.*)", line)
            if found:
                out.setdefault(found[1], []).append(found[2].strip())
    return out


def groups() -> dict[str, set[str]]:
    """Every set of systemd's with its members, sets among them."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True,
                          check=True).stdout
    out: dict[str, set[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("@"):
            name = line.strip()
            out[name] = set()
        elif name and re.match(r"\s+[@\w]", line):
            out[name].add(line.strip())
    return out


def expand(words: str, sets: dict[str, set[str]]) -> set[str]:
    out: set[str] = set()
    for word in words.split():
        out |= expand(" ".join(sets[word]), sets) if word.startswith("@") else {word}
    return out


def allowed_calls(unit: dict[str, list[str]]) -> set[str]:
    sets = groups()
    # systemd adds what it needs itself to begin the program.
    allowed = expand("@default", sets)
    for value in unit.get("SystemCallFilter", []):
        if value.startswith("~"):
            allowed -= expand(value[1:], sets)
        else:
            allowed |= expand(value, sets)
    return allowed


def numbers() -> dict[str, int]:
    text = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read_text()
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", text)}


def op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def fail_with(number: int) -> bytes:
    return op(RETURN, ERRNO | number)


def is_on(unit: dict[str, list[str]], name: str) -> bool:
    return unit.get(name, ["no"])[-1] in ("yes", "true", "1", "on")


def special_calls(unit: dict[str, list[str]]) -> dict[str, bytes]:
    """What becomes of a call that depends on its arguments; each ends with a return."""
    out: dict[str, bytes] = {}
    families = " ".join(unit.get("RestrictAddressFamilies", [])).split()
    if families:
        body = op(LOAD, argument(0))
        for family in families:
            body += op(JUMP_IF_EQUAL, int(getattr(socket, family)), 0, 1) + op(RETURN, ALLOW)
        out["socket"] = body + fail_with(errno.EAFNOSUPPORT)
    if is_on(unit, "RestrictNamespaces"):
        out["clone3"] = fail_with(errno.ENOSYS)
        for name, index in (("clone", 0), ("unshare", 0), ("setns", 1)):
            out[name] = (op(LOAD, argument(index)) + op(JUMP_IF_BIT, NAMESPACES, 0, 1) + op(RETURN, KILL)
                         + op(RETURN, ALLOW))
    if is_on(unit, "MemoryDenyWriteExecute"):
        out["mprotect"] = op(LOAD, argument(2)) + op(JUMP_IF_BIT, EXECUTE, 0, 1) + op(RETURN, KILL) + op(RETURN, ALLOW)
        out["pkey_mprotect"] = out["mprotect"]
        out["mmap"] = (op(LOAD, argument(2)) + op(AND, WRITE | EXECUTE)
                       + op(JUMP_IF_EQUAL, WRITE | EXECUTE, 0, 1) + op(RETURN, KILL) + op(RETURN, ALLOW))
    return out


def compile_filter(units: list[str]) -> bytes:
    unit = settings(units)
    known = numbers()
    special = special_calls(unit)
    plain = allowed_calls(unit) - special.keys()
    if os.geteuid() == 0:
        for name in ("chown", "fchown", "fchownat", "lchown"):
            special.setdefault(name, op(RETURN, ALLOW))
    program = op(LOAD, ARCHITECTURE) + op(JUMP_IF_EQUAL, AUDIT_ARCH_X86_64, 1, 0) + op(RETURN, KILL)
    program += op(LOAD, NUMBER) + op(JUMP_IF_ABOVE, 0x40000000, 0, 1) + op(RETURN, KILL)
    for name in sorted(plain & known.keys(), key=known.get):
        program += op(JUMP_IF_EQUAL, known[name], 0, 1) + op(RETURN, ALLOW)
    for name, body in special.items():
        program += op(JUMP_IF_EQUAL, known[name], 0, len(body) // 8) + body
    return program + op(RETURN, KILL)


class Program(ctypes.Structure):
    _fields_ = [("size", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def take_on(code: bytes):
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(code) // 8, code)
    for call in ((38, 1, 0, 0, 0), (22, 2, ctypes.byref(program), 0, 0)):  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
        if libc.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({call[0]})")


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "compile":
        sys.stdout.buffer.write(compile_filter(sys.argv[2:]))
    elif len(sys.argv) > 3 and sys.argv[1] == "run":
        take_on(Path(sys.argv[2]).read_bytes())
        os.execv(sys.argv[3], sys.argv[3:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
