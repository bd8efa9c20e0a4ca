// Who may call: [access] and [[key]].

#include "config/settings.hpp"
#include "config/special_kinds.hpp"

#include <plimsoll/base/text.hpp>

namespace plimsoll::config {
namespace {

constexpr std::uint32_t kMostRequests = 100'000;

std::optional<std::string> check_key_name(std::string_view text) {
    return access::is_key_name(text)
               ? std::nullopt
               : std::optional("a name; write up to 64 letters, digits, \".\", \"_\" and \"-\"");
}

std::optional<std::string> check_hash(std::string_view text) {
    return access::parse_digest(text)
               ? std::nullopt
               : std::optional(
                     "the SHA-256 of a key, 64 hexadecimal digits in lower case; "
                     "`plimsoll key hash` makes it"
                 );
}

std::optional<std::string> check_pattern(std::string_view text) {
    return access::is_model_pattern(text)
               ? std::nullopt
               : std::optional(
                     "a model's name or pattern; write for example \"qwen3:8b\" or "
                     "\"qwen*\""
                 );
}

// A class, or none.
Kind priority(std::optional<core::Priority>& out) {
    auto const kind_of = [](core::Priority& value) {
        return choice<core::Priority>(
            value,
            {{"low", core::Priority::Low},
             {"normal", core::Priority::Normal},
             {"high", core::Priority::High}}
        );
    };
    return {
        [&out, kind_of](Value const& value) {
            auto read = core::Priority::Normal;
            auto wrong = kind_of(read).read(value);
            if (!wrong) {
                out = read;
            }
            return wrong;
        },
        [&out, kind_of] { return out ? kind_of(*out).write() : std::nullopt; },
        detail::choice_form({"low", "normal", "high"}),
    };
}

}  // namespace

void visit_access(Visitor& v, AccessSettings& settings) {
    v.setting(
        "key_file",
        text(settings.key_file, check_path),
        "Where `plimsoll key` keeps its keys; empty: keys.toml beside the state file."
    );
    v.setting(
        "trust_admin_socket",
        boolean(settings.trusts_admin_socket),
        "Whoever may open the Unix socket of [admin] needs no key: its file's mode guards it."
    );
}

void visit_key(Visitor& v, access::Key& key) {
    v.setting("name", text(key.name, check_key_name), "What the key is called in logs and queue.");
    v.setting(
        "hash", text(key.hash, check_hash), "SHA-256 of the key, as `plimsoll key hash` says."
    );
    v.setting(
        "role",
        choice<access::Role>(
            key.role,
            {{"inference", access::Role::Inference},
             {"operator", access::Role::Operator},
             {"admin", access::Role::Admin}}
        ),
        "What it may: use models, also manage them, or everything."
    );
    v.setting(
        "models",
        list(key.models, check_pattern),
        "The models it may use, such as \"qwen*\"; none: all."
    );
    v.setting(
        "priority",
        priority(key.priority),
        "The class of its requests, and the highest that they may ask for."
    );
    v.setting(
        "requests_per_minute",
        whole(key.requests_per_minute, 0, kMostRequests),
        "The most requests in any 60 s; 429 above; 0: no limit."
    );
    v.setting(
        "max_concurrent",
        whole(key.max_concurrent, 0, kMostRequests),
        "The most requests at a time; 429 above; 0: no limit."
    );
}

}  // namespace plimsoll::config
