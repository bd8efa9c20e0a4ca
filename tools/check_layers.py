#!/usr/bin/env python3
"""Compares every #include of include/ and src/, and every DEPS of a module, with the table of modules.

The modules share one include folder, so the linker alone does not stop a wrong include. The table stands here and, for
people, in CONTRIBUTING.md. Usage: check_layers.py [ROOT]. Exit status 1 if anything is wrong.
"""

import re
import sys
from pathlib import Path

# What a module may include of ours. "core:types" means core's plain values only, not its machine.
MODULES = {
    "base": set(),
    "core": {"base"},
    "trace": {"base", "core"},
    "memory": {"base"},
    "http": {"base"},
    "access": {"base", "core:types"},
    "store": {"base"},
    "metrics": {"base"},
    "log": {"base"},
    "net": {"base", "http", "log"},
    "upstream": {"base", "core:types", "memory", "http", "net", "log"},
    "probe": {"base", "core:types", "log"},
    "engine": {"base", "core", "memory", "upstream", "probe", "store", "log", "metrics", "net", "http"},
    "proxy": {
        "base", "core:types", "memory", "http", "access", "net", "engine", "upstream", "log", "metrics",
    },
    "chain": {
        "base", "core:types", "http", "net", "engine", "upstream", "proxy", "store", "log", "metrics",
    },
    "control": {
        "base", "core:types", "http", "access", "net", "engine", "upstream", "chain", "memory", "metrics", "log",
    },
    "sim": {"base", "http", "net", "log"},
    "config": {
        "base", "core:types", "memory", "http", "access", "log", "net", "upstream", "engine", "proxy", "chain", "sim",
    },
    "app": {
        "base", "core", "trace", "memory", "http", "access", "store", "metrics", "log", "net", "upstream", "probe",
        "engine", "proxy", "chain", "control", "sim", "config",
    },
}
# Headers of core that hold plain values.
CORE_TYPES = {"types.hpp", "config.hpp", "snapshot.hpp"}

ALL = set(MODULES)
FROM_LAYER_1 = ALL - {"base", "core"}
FROM_NET = ALL - {"base", "core", "memory", "http", "access", "store", "metrics", "log", "probe"}
PURE = {"base", "core", "memory", "http", "access"}

# Third-party headers by pattern, first match wins: who may include them, and the rule in words.
THIRD_PARTY = [
    (r"boost/beast(/|\.hpp)", set(), "Beast is not used: heads and chunks are parsed by http"),
    (r"boost/asio/(awaitable|this_coro)\.hpp", FROM_NET, "Asio's awaitable is for net and the modules above it"),
    (r"boost/asio/signal_set\.hpp", {"net", "app"}, "signals are handled in app"),
    (r"boost/asio(/|\.hpp)", {"net"}, "only net does I/O with Asio; use net's Client, Exchange, Flag and sleep_until"),
    (r"boost/process(/|\.hpp)", {"net"}, "child processes are net's"),
    (r"boost/json(/|\.hpp)", FROM_LAYER_1 - {"store", "metrics", "log"},
     "Boost.JSON is for layer 1 and up, except store, metrics and log"),
    (r"boost/(url|system)(/|\.hpp)", FROM_LAYER_1 - {"store", "metrics", "log"}, "not in base and core"),
    (r"spdlog/fmt/(fmt|ranges|chrono)\.h", FROM_LAYER_1, "base and core use the standard library only"),
    (r"(spdlog|fmt)/", {"log"}, "spdlog is hidden behind log; for formatting include <spdlog/fmt/fmt.h>"),
    (r"toml\+\+/", {"config", "app"}, "toml++ is for config and app"),
    (r"CLI/", {"app"}, "CLI11 is for app"),
    (r"sqlite3\.h", {"store"}, "SQLite is for store"),
    (r"re2/", {"chain"}, "re2 is for chain"),
    (r"zstd(_errors)?\.h", {"http", "net", "proxy"}, "zstd bodies are decoded in proxy, http or net"),
    (r"openssl/", {"access", "net", "sim"}, "OpenSSL is for access, net and sim"),
    (r"prometheus/", {"metrics"}, "prometheus-cpp is for metrics"),
    (r"systemd/", {"app"}, "systemd is app's"),
    (r"(ncurses|curses)\.h", {"app"}, "curses is app's"),
    (r"arpa/inet\.h", FROM_LAYER_1, "not in base and core"),  # inet_pton is pure
    (r"[a-z]*mmintrin\.h", {"http", "net"}, "vector instructions are for http's and net's scanners"),
    (r"(sys|netinet|arpa|linux|net)/[\w./]+\.h|(unistd|fcntl|poll|signal|spawn|termios|langinfo|dlfcn|link|malloc|pthread|netdb|ifaddrs|pwd)\.h",
     ALL - PURE, "base, core and the other pure modules make no system calls"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
STANDARD = re.compile(r"^[a-z_0-9]+$")
DEPS = re.compile(r"plimsoll_module\(\s*(\w+)(.*?)\)", re.S)


def may_include_ours(module, other, header):
    allowed = MODULES[module]
    if other == module or other in allowed:
        return None
    if other == "core" and "core:types" in allowed:
        if header in CORE_TYPES:
            return None
        return f"{module} may use core's plain values ({', '.join(sorted(CORE_TYPES))}), not core/{header}"
    names = ", ".join(sorted(allowed)) or "nothing of ours"
    return f"{module} may not include {other}; it may include {names}"


def check_angle(module, name, root):
    if name.startswith("plimsoll/"):
        parts = name.split("/")
        if len(parts) < 3 or parts[1] not in MODULES:
            return f"<{name}> names no module of the table"
        if not (root / "include" / name).is_file():
            return f"<{name}> does not exist in include/"
        return may_include_ours(module, parts[1], "/".join(parts[2:]))
    if STANDARD.match(name):
        return None
    for pattern, allowed, rule in THIRD_PARTY:
        if re.match(pattern, name):
            return None if module in allowed else f"<{name}> in {module}: {rule}"
    return f"<{name}> is in no rule for third-party headers; add one to tools/check_layers.py with its reason"


def check_quoted(module, name, root, in_public):
    if in_public:
        return f'"{name}" in a public header; public headers are included as <plimsoll/module/name.hpp>'
    first = name.split("/")[0]
    if first not in MODULES or "/" not in name:
        return f'"{name}": private headers are included with their module, as "{module}/name.hpp"'
    if first != module:
        return f'"{name}" is private to {first}; what another module needs belongs into include/plimsoll/{first}'
    if not (root / "src" / name).is_file():
        return f'"{name}" does not exist in src/'
    return None


def check_file(path, module, root, in_public):
    problems = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        kind, name = match.groups()
        fault = check_angle(module, name, root) if kind == "<" else check_quoted(module, name, root, in_public)
        if fault:
            problems.append(f"{path.relative_to(root)}:{number}: {fault}")
    return problems


def check_deps(path, root):
    """A module links what it may include, and no more."""
    problems = []
    text = path.read_text(encoding="utf-8")
    for match in DEPS.finditer(text):
        module, arguments = match.groups()
        words = re.sub(r"#.*", "", arguments).split()
        deps, taking = [], False
        for word in words:
            if word.isupper():
                taking = word == "DEPS"
            elif taking:
                deps.append(word)
        number = text.count("\n", 0, match.start()) + 1
        allowed = {name.split(":")[0] for name in MODULES.get(module, set())}
        for dep in deps:
            if dep not in allowed:
                problems.append(f"{path.relative_to(root)}:{number}: {module} may not link {dep}")
    return problems


def check(root):
    problems = []
    for folder, in_public in ((root / "include" / "plimsoll", True), (root / "src", False)):
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder).parts
            if path.name == "CMakeLists.txt" and len(relative) == 2:
                problems += check_deps(path, root)
            if path.suffix not in (".hpp", ".cpp"):
                continue
            if len(relative) < 2 or relative[0] not in MODULES:
                problems.append(f"{path.relative_to(root)}:1: lies in no module of the table in tools/check_layers.py")
                continue
            problems += check_file(path, relative[0], root, in_public)
    return problems


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"layers: {len(problems)} problems" if problems else "layers: clean")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
