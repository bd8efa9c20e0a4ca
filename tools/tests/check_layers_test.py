"""Each test builds a small tree in a temporary folder and reads the checker's sentences."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import check_layers  # noqa: E402


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for part in ("include/plimsoll", "src"):
            (self.root / part).mkdir(parents=True)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def problems(self):
        return check_layers.check(self.root)

    def assert_one(self, *words):
        problems = self.problems()
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])


class OwnModules(Tree):
    def test_downward_include_is_clean(self):
        self.write("include/plimsoll/base/bytes.hpp", "#pragma once\n#include <cstdint>\n")
        self.write("src/net/loop.cpp", "#include <plimsoll/base/bytes.hpp>\n")
        self.assertEqual(self.problems(), [])

    def test_upward_include_names_file_line_and_rule(self):
        self.write("include/plimsoll/net/loop.hpp", "#pragma once\n")
        self.write("src/core/a.cpp", "#include <vector>\n#include <plimsoll/net/loop.hpp>\n")
        self.assert_one("src/core/a.cpp:2:", "core may not include net", "base")

    def test_core_machine_is_hidden_from_users_of_its_types(self):
        self.write("include/plimsoll/core/types.hpp", "#pragma once\n")
        self.write("include/plimsoll/core/scheduler.hpp", "#pragma once\n")
        self.write("src/proxy/a.cpp", "#include <plimsoll/core/types.hpp>\n#include <plimsoll/core/scheduler.hpp>\n")
        self.assert_one("src/proxy/a.cpp:2:", "plain values")

    def test_private_header_of_another_module(self):
        self.write("src/net/socket.hpp", "#pragma once\n")
        self.write("src/proxy/a.cpp", '#include "net/socket.hpp"\n')
        self.assert_one("src/proxy/a.cpp:1:", "private to net")

    def test_own_private_header_is_clean_but_must_exist(self):
        self.write("src/net/socket.hpp", "#pragma once\n")
        self.write("src/net/a.cpp", '#include "net/socket.hpp"\n')
        self.assertEqual(self.problems(), [])
        self.write("src/net/b.cpp", '#include "net/gone.hpp"\n')
        self.assert_one("src/net/b.cpp:1:", "does not exist")

    def test_missing_public_header(self):
        self.write("src/net/a.cpp", "#include <plimsoll/base/gone.hpp>\n")
        self.assert_one("does not exist in include/")

    def test_unknown_module_folder(self):
        self.write("src/extra/a.cpp", "\n")
        self.assert_one("src/extra/a.cpp:1:", "no module")

    def test_linking_follows_the_table(self):
        self.write("src/http/CMakeLists.txt", "plimsoll_module(http SOURCES a.cpp DEPS base net PRIVATE_LIBS Boost::json)\n")
        self.assert_one("src/http/CMakeLists.txt:1:", "http may not link net")


class ThirdParty(Tree):
    def test_each_rule(self):
        cases = [
            ("core", "boost/json.hpp", False), ("http", "boost/json.hpp", True), ("store", "boost/json.hpp", False),
            ("base", "spdlog/fmt/fmt.h", False), ("http", "spdlog/fmt/fmt.h", True), ("net", "spdlog/spdlog.h", False),
            ("log", "spdlog/spdlog.h", True), ("config", "toml++/toml.h", True), ("engine", "toml++/toml.h", False),
            ("app", "CLI/CLI.hpp", True), ("config", "CLI/CLI.hpp", False), ("store", "sqlite3.h", True),
            ("engine", "sqlite3.h", False), ("net", "boost/asio/read.hpp", True), ("proxy", "boost/asio/read.hpp", False),
            ("proxy", "boost/asio/awaitable.hpp", True), ("http", "boost/asio/awaitable.hpp", False),
            ("app", "boost/asio/signal_set.hpp", True), ("net", "boost/beast.hpp", False),
            ("net", "boost/beast/core.hpp", False), ("core", "unistd.h", False), ("net", "sys/socket.h", True),
            ("core", "vector", True), ("net", "surprise/header.h", False),
        ]
        for module, header, clean in cases:
            with self.subTest(module=module, header=header):
                self.write("src/" + module + "/a.cpp", f"#include <{header}>\n")
                self.assertEqual(self.problems() == [], clean, self.problems())
                (self.root / "src" / module / "a.cpp").unlink()


class Table(unittest.TestCase):
    def test_the_table_has_no_cycle(self):
        done, path = set(), []

        def visit(module):
            self.assertNotIn(module, path, f"cycle: {path} -> {module}")
            if module in done:
                return
            path.append(module)
            for other in check_layers.MODULES[module]:
                visit(other.split(":")[0])
            path.pop()
            done.add(module)

        for module in check_layers.MODULES:
            visit(module)


if __name__ == "__main__":
    unittest.main()
