#include "support/catch.hpp"

#include <plimsoll/config/config.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace plimsoll;

namespace {

namespace fs = std::filesystem;

constexpr auto* kHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "plimsoll-secrets-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }

    ~Folder() { fs::remove_all(path); }

    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    fs::path write(std::string const& name, std::string const& text, mode_t mode = 0600) const {
        auto const file = path / name;
        std::ofstream(file) << text;
        ::chmod(file.c_str(), mode);
        return file;
    }

    fs::path path;
};

config::Loaded loaded(std::string const& toml) {
    auto parsed = config::parse(toml, "test.toml");
    INFO((parsed ? std::string() : to_string(parsed.error().front())));
    REQUIRE(parsed.has_value());
    return {.config = std::move(*parsed), .sources = {}, .origins = {}};
}

std::string key_table(std::string const& name, std::string const& hash = kHash) {
    return "[[key]]\nname = \"" + name + "\"\nhash = \"" + hash + "\"\nrole = \"operator\"\n";
}

// The problems of taking in, a line each.
std::string problems(config::Loaded& settings, fs::path const& key_file) {
    std::string all;
    for (auto const& problem : config::take_in_secrets(settings, key_file)) {
        all += to_string(problem) + "\n";
    }
    return all;
}

}  // namespace

TEST_CASE("secrets: without keys and without a key file everybody may come", "[config][access]") {
    Folder const folder;
    auto settings = loaded("");
    CHECK(problems(settings, folder.path / "keys.toml").empty());
    CHECK_FALSE(config::policy_of(settings.config.access).is_closed);
}

TEST_CASE(
    "secrets: keys of the configuration and of the key file count alike", "[config][access]"
) {
    Folder const folder;
    auto const file = folder.write(
        "keys.toml",
        key_table("two", "0a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
    auto settings = loaded(key_table("one"));
    CHECK(problems(settings, file).empty());
    auto const policy = config::policy_of(settings.config.access);
    CHECK(policy.is_closed);
    REQUIRE(policy.keys.size() == 2);
    CHECK(policy.keys[0].name == "one");
    CHECK(policy.keys[1].name == "two");
    CHECK(policy.keys[1].role == access::Role::Operator);
    // What is shown is the configuration; the file's keys stay there.
    CHECK(config::show(settings).find("\"two\"") == std::string::npos);
    auto doubled = loaded(key_table("one"));
    CHECK_THAT(
        problems(doubled, folder.write("same.toml", key_table("one"))),
        ContainsSubstring("two keys have the name \"one\"")
    );
}

TEST_CASE(
    "secrets: an empty or missing key file that is meant lets nobody in", "[config][access]"
) {
    Folder const folder;
    auto settings = loaded("");
    CHECK(problems(settings, folder.write("keys.toml", "# none\n")).empty());
    CHECK(config::policy_of(settings.config.access).is_closed);
    auto named = loaded("[access]\nkey_file = \"" + (folder.path / "absent").string() + "\"\n");
    CHECK(problems(named, folder.path / "keys.toml").empty());
    CHECK(config::policy_of(named.config.access).is_closed);
}

TEST_CASE("secrets: a key file is refused where it is not safe or not right", "[config][access]") {
    Folder const folder;
    auto settings = loaded("");
    CHECK_THAT(
        problems(settings, folder.write("keys.toml", key_table("a"), 0620)),
        ContainsSubstring("can be changed by others than its owner; chmod 600")
    );
    CHECK_THAT(
        problems(settings, folder.write("odd.toml", "[server]\nlisten = \"127.0.0.1:1\"\n")),
        ContainsSubstring("unknown key \"server\"")
    );
    CHECK_THAT(
        problems(settings, folder.write("bad.toml", "[[key]\n")), ContainsSubstring("bad.toml:1")
    );
    CHECK_THAT(problems(settings, folder.path), ContainsSubstring("is no file"));
}

TEST_CASE("secrets: what is written reads back", "[config][access]") {
    Folder const folder;
    access::Key key;
    key.name = "k";
    key.hash = kHash;
    key.models = {"qwen*", "chain/\"*"};
    key.priority = core::Priority::High;
    key.requests_per_minute = 7;
    key.max_concurrent = 2;
    access::Key plain;
    plain.name = "plain";
    plain.hash = std::string(64, '0');
    plain.role = access::Role::Admin;
    auto const text = config::to_toml({key, plain});
    auto const read = config::read_key_file(folder.write("keys.toml", text));
    INFO(text);
    REQUIRE(read.has_value());
    CHECK(*read == std::vector{key, plain});
    CHECK(text.find("max_concurrent = 0") == std::string::npos);
}

TEST_CASE(
    "secrets: the key of an upstream comes from a file and is shown nowhere", "[config][access]"
) {
    Folder const folder;
    auto const with_file = [](std::string const& path) {
        return loaded("[[upstream]]\napi_key_file = \"" + path + "\"\n");
    };
    auto settings = with_file(folder.write("key", "sk-canary\n").string());
    CHECK(problems(settings, "").empty());
    CHECK(settings.config.upstreams.front().upstream.api_key == "sk-canary");
    CHECK(config::show(settings).find("canary") == std::string::npos);

    ::setenv("CREDENTIALS_DIRECTORY", folder.path.c_str(), 1);
    auto credential = with_file("$CREDENTIALS_DIRECTORY/key");
    CHECK(problems(credential, "").empty());
    CHECK(credential.config.upstreams.front().upstream.api_key == "sk-canary");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    CHECK_THAT(problems(credential, ""), ContainsSubstring("LoadCredential="));

    auto open = with_file(folder.write("open", "sk-canary", 0644).string());
    CHECK_THAT(problems(open, ""), ContainsSubstring("chmod 600"));
    auto absent = with_file((folder.path / "absent").string());
    CHECK_THAT(problems(absent, ""), ContainsSubstring("cannot be read"));
    for (auto const* text : {"", "\n", "two words", "a\r\nX-Evil: 1"}) {
        auto broken = with_file(folder.write("broken", text).string());
        auto const said = problems(broken, "");
        CHECK_THAT(said, ContainsSubstring("holds no key"));
        CHECK(said.find("Evil") == std::string::npos);
    }
    auto const other = with_file(folder.write("other", "sk-other").string());
    auto first = with_file((folder.path / "key").string());
    auto second = with_file((folder.path / "other").string());
    CHECK((problems(first, "").empty() && problems(second, "").empty()));
    CHECK(config::needs_restart(first.config, second.config).size() == 1);
}

TEST_CASE(
    "secrets: a listener beyond this machine wants keys, TLS or consent", "[config][access]"
) {
    Folder const folder;
    auto const said = [&](std::string const& toml) {
        auto settings = loaded(toml);
        return problems(settings, folder.path / "keys.toml");
    };
    for (auto const* local : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"}) {
        CHECK(said("[server]\nlisten = \"" + std::string(local) + "\"\n").empty());
    }
    CHECK(said("[admin]\nlisten = \"unix:/run/plimsoll/admin.sock\"\n").empty());
    for (auto const* open : {"0.0.0.0:1", "[::]:1", "192.168.1.5:1", "gpu-box:1"}) {
        CAPTURE(open);
        auto const listen = "[server]\nlisten = \"" + std::string(open) + "\"\n";
        CHECK_THAT(said(listen), ContainsSubstring("no keys"));
        CHECK_THAT(said(listen), ContainsSubstring("allow_open_listen = true"));
        CHECK_THAT(said(listen + key_table("k")), ContainsSubstring("is no TLS"));
        auto const with_tls = listen + "tls_certificate = \"c.pem\"\ntls_key = \"k.pem\"\n";
        CHECK_THAT(said(with_tls), ContainsSubstring("are no keys:"));
        CHECK(said(with_tls + key_table("k")).empty());
        CHECK_THAT(
            said("[admin]\nlisten = \"" + std::string(open) + "\"\n"),
            ContainsSubstring("\"listen\" in [admin]")
        );
        CHECK(said(listen + "allow_open_listen = true\n").empty());
    }
}
