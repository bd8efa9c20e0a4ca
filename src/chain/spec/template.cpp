#include <plimsoll/base/text.hpp>
#include <plimsoll/chain/template.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <utility>

namespace plimsoll::chain {

namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::string_view kKnown =
    "{input}, {original}, {step.NAME}, {step.N}, {vars.NAME}, {item}, {index} and {round}";

using Kind = Reference::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 5> kPlain{{
    {"input", Kind::Input},
    {"original", Kind::Original},
    {"item", Kind::Item},
    {"index", Kind::Index},
    {"round", Kind::Round},
}};
constexpr std::array<std::pair<std::string_view, Kind>, 2> kNamed{{
    {"step.", Kind::Step},
    {"vars.", Kind::Variable},
}};

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

std::optional<Reference> reference_of(std::string_view inside) {
    for (auto const& [word, kind] : kPlain) {
        if (inside == word) {
            return Reference{kind, {}, 0};
        }
    }
    for (auto const& [prefix, kind] : kNamed) {
        if (inside.starts_with(prefix) && is_name(inside.substr(prefix.size()))) {
            return Reference{kind, std::string(inside.substr(prefix.size())), 0};
        }
    }
    return std::nullopt;
}

// What stands in the braces that open at `at`, or what is wrong with them.
std::expected<std::string_view, std::string> inside_of(std::string_view text, std::size_t at) {
    std::size_t const end = text.find_first_of("{}\n", at + 1);
    if (end == std::string_view::npos || text[end] != '}') {
        return std::unexpected(
            fmt::format("column {}: the brace is not closed; write {{{{ for a brace itself", at + 1)
        );
    }
    return text.substr(at + 1, end - at - 1);
}

}  // namespace

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kLongestName &&
           std::ranges::all_of(text, is_name_character);
}

std::string Reference::written() const {
    auto const is_this = [this](auto const& pair) { return pair.second == kind; };
    if (auto const* const plain = std::ranges::find_if(kPlain, is_this); plain != kPlain.end()) {
        return fmt::format("{{{}}}", plain->first);
    }
    return fmt::format("{{{}{}}}", std::ranges::find_if(kNamed, is_this)->first, name);
}

std::expected<Template, std::string> Template::parse(std::string_view text) {
    Template out;
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        char const c = text[at];
        bool const is_doubled = at + 1 < text.size() && text[at + 1] == c;
        if (c != '{' && c != '}') {
            plain += c;
        } else if (is_doubled) {
            plain += c;
            ++at;
        } else if (c == '}') {
            return std::unexpected(fmt::format(
                "column {}: this brace closes nothing; write }}}} for a brace itself", at + 1
            ));
        } else {
            auto const inside = inside_of(text, at);
            if (!inside) {
                return std::unexpected(inside.error());
            }
            auto reference = reference_of(*inside);
            if (!reference) {
                return std::unexpected(fmt::format(
                    "column {}: there is no {{{}}}; there are {}; write {{{{ and }}}} for braces "
                    "themselves",
                    at + 1,
                    printable(*inside, 80),
                    kKnown
                ));
            }
            reference->column = at + 1;
            out.pieces_.push_back({std::exchange(plain, {}), std::move(reference)});
            at += inside->size() + 1;
        }
    }
    out.pieces_.push_back({std::move(plain), std::nullopt});
    return out;
}

std::vector<Reference> Template::references() const {
    std::vector<Reference> out;
    for (Piece const& piece : pieces_) {
        if (piece.reference) {
            out.push_back(*piece.reference);
        }
    }
    return out;
}

Result<std::string> Template::render(
    std::function<std::string_view(Reference const&)> const& value, std::size_t limit
) const {
    std::string out;
    for (Piece const& piece : pieces_) {
        std::string_view const inserted =
            piece.reference ? value(*piece.reference) : std::string_view();
        std::size_t const size = out.size() + piece.text.size() + inserted.size();
        if (size > limit) {
            return fail(
                Errc::TooLarge,
                fmt::format(
                    "the text becomes longer than {} bytes (it has {} at {}); ask the step before "
                    "for less, or raise the limit",
                    limit,
                    size,
                    piece.reference ? piece.reference->written() : "its end"
                )
            );
        }
        out += piece.text;
        out += inserted;
    }
    return out;
}

}  // namespace plimsoll::chain
