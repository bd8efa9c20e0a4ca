"""Each test hands the checker a small tree or a piece of C++ and reads what it found."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import check_lengths  # noqa: E402


def body(lines):
    return "\n".join("    step();" for _ in range(lines))


class Functions(unittest.TestCase):
    def lengths(self, text):
        return {name: length for _, length, name in check_lengths.functions(text)}

    def test_free_function_counts_head_and_closing_brace(self):
        self.assertEqual(self.lengths("int f(int a) {\n    return a;\n}\n"), {"f": 3})

    def test_member_functions_inside_classes_and_namespaces(self):
        text = "namespace x {\nclass A {\n  public:\n    int f() const {\n        return 1;\n    }\n};\n}\n"
        self.assertEqual(self.lengths(text), {"f": 3})

    def test_lambda_belongs_to_its_function(self):
        text = "void f() {\n    auto g = [](int a) {\n        return a;\n    };\n}\n"
        self.assertEqual(self.lengths(text), {"f": 5})

    def test_braces_in_strings_and_comments_do_not_count(self):
        text = 'void f() {\n    // }\n    use("}", \'}\', R"x(})x");\n    /* } */\n}\n'
        self.assertEqual(self.lengths(text), {"f": 5})

    def test_digit_separators_are_no_character_literals(self):
        self.assertEqual(self.lengths("void f() {\n    use(1'000'000);\n}\n"), {"f": 3})

    def test_tables_types_and_test_bodies_are_no_functions(self):
        text = "enum class E : int {\n A,\n};\nint table[] = {\n f(1),\n};\nTEST_CASE(\"a\") {\n}\n"
        self.assertEqual(self.lengths(text), {})

    def test_includes_and_macros_before_a_function_are_not_part_of_it(self):
        text = "#include <a>\n#define X(a) \\\n    if (a) { \\\n    f()\n\nvoid f() {\n}\n"
        self.assertEqual(self.lengths(text), {"f": 2})

    def test_constructor_with_initialisers(self):
        self.assertEqual(self.lengths("A::A(int x)\n    : x_(x) {\n    f();\n}\n"), {"A::A": 4})


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def assert_one(self, *words):
        problems = check_lengths.check(self.root)
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])

    def test_limits_by_kind_of_file(self):
        cases = [
            ("include/plimsoll/a/a.hpp", 300, "#pragma once\n"), ("src/a/a.cpp", 450, "int a;\n"),
            ("tests/unit/a/a_test.cpp", 600, "int a;\n"), ("src/app/main.cpp", 40, "int a;\n"),
        ]
        for name, limit, first in cases:
            with self.subTest(name=name):
                self.write(name, first + "\n" * (limit - 1))
                self.assertEqual(check_lengths.check(self.root), [])
                self.write(name, first + "\n" * limit)
                self.assert_one(f"{name}:{limit + 1}:", f"at most {limit}")
                (self.root / name).unlink()

    def test_long_function(self):
        self.write("src/a/a.cpp", "void fits() {\n" + body(58) + "\n}\n")
        self.assertEqual(check_lengths.check(self.root), [])
        self.write("src/a/a.cpp", "\nvoid grows() {\n" + body(59) + "\n}\n")
        self.assert_one("src/a/a.cpp:2:", "grows() has 61 lines")

    def test_clocks_only_in_the_named_files(self):
        for call in ("std::chrono::steady_clock::now()", "std::chrono::system_clock::now()",
                     "std::this_thread::sleep_for(a)", "::clock_gettime(CLOCK_REALTIME, &a)"):
            with self.subTest(call=call):
                self.write("src/net/loop.cpp", f"auto a = {call};\n")
                self.assertEqual(check_lengths.check(self.root), [])
                self.write("tests/unit/a/a_test.cpp", f"\nauto a = {call};\n")
                self.assert_one("tests/unit/a/a_test.cpp:2:", "Loop::now()")
                (self.root / "tests/unit/a/a_test.cpp").unlink()

    def test_a_clock_in_a_comment_is_no_clock(self):
        self.write("src/a/a.cpp", "// never steady_clock::now() here\n")
        self.assertEqual(check_lengths.check(self.root), [])

    def test_fixed_ports_in_tests(self):
        for text in ("config.port = 8080;", '.port = 11434}', 'run("--listen", "127.0.0.1:8080")',
                     'socket.bind(("127.0.0.1", 8080))'):
            with self.subTest(text=text):
                self.write("tests/e2e/a.py", text + "\n")
                self.assert_one("tests/e2e/a.py:1:", "port 0")
        for text in ("config.port = 0;", 'listen = "127.0.0.1:11435"', "CHECK(config.port == 11435);",
                     '.port = 1}', '.port = 7777}  // nothing listens there'):
            with self.subTest(text=text):
                self.write("tests/e2e/a.py", text + "\n")
                self.assertEqual(check_lengths.check(self.root), [])

    def test_header_guard(self):
        self.write("src/a/a.hpp", "int a;\n")
        self.assert_one("src/a/a.hpp:1:", "#pragma once")


if __name__ == "__main__":
    unittest.main()
