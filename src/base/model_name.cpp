#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace plimsoll {

namespace {

constexpr std::string_view kDefaultHost = "registry.ollama.ai";
constexpr std::string_view kDefaultSpace = "library";
constexpr std::string_view kDefaultTag = "latest";

enum class Part : std::uint8_t { Host, Space, Model, Tag };

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_valid(std::string_view text, Part part) {
    std::size_t const longest = part == Part::Host ? 350 : 80;
    if (text.empty() || text.size() > longest || !is_word(text.front())) {
        return false;
    }
    return std::ranges::all_of(text, [part](char c) {
        return is_word(c) || c == '-' || (c == '.' && part != Part::Space) ||
               (c == ':' && part == Part::Host);
    });
}

enum class Source : std::uint8_t { None, Cloud, Local };

// Takes ":cloud", ":local" or the "-cloud" of a tag off the end. Blanks between the colon and the
// word are skipped, as the upstream does: otherwise a name with one would be a local model for us
// and a remote one for it.
Source strip_source(std::string& name) {
    std::size_t const colon = name.rfind(':');
    if (colon == std::string::npos) {
        return Source::None;
    }
    std::string_view const tag = trim(std::string_view(name).substr(colon + 1));
    if (iequals(tag, "cloud") || iequals(tag, "local")) {
        Source const source = iequals(tag, "cloud") ? Source::Cloud : Source::Local;
        name.resize(colon);
        return source;
    }
    constexpr std::string_view kSuffix = "-cloud";
    if (iends_with(tag, kSuffix) && !tag.contains('/')) {
        std::string const kept(tag.substr(0, tag.size() - kSuffix.size()));
        name.resize(colon + 1);
        name += kept;
        return Source::Cloud;
    }
    return Source::None;
}

// Cuts "rest<separator>last" in two. nullopt: no separator.
std::optional<std::string_view> cut_last(std::string_view& text, char separator) {
    std::size_t const at = text.rfind(separator);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view const last = text.substr(at + 1);
    text = text.substr(0, at);
    return last;
}

}  // namespace

Result<ModelName> ModelName::parse(std::string_view text) {
    std::string name(trim(text));
    if (name.empty()) {
        return fail(Errc::NotFound, "model '' not found", ErrorSource::Client);
    }
    Source const source = strip_source(name);
    if (source != Source::None) {
        std::string nested = name;
        Source const second = strip_source(nested);
        if (second != Source::None && second != source) {
            return fail(
                Errc::BadRequest,
                "use either :local or :cloud, not both: \"" + printable(trim(text)) + '"',
                ErrorSource::Client
            );
        }
    }

    ModelName result;
    result.cloud_ = source == Source::Cloud;
    result.local_ = source == Source::Local;
    std::string_view rest = name;
    std::string_view tag = kDefaultTag;
    std::string_view space = kDefaultSpace;
    std::string_view host = kDefaultHost;
    // A colon left of the last slash belongs to the host ("host:5000/ns/model").
    std::size_t const colon = rest.rfind(':');
    std::size_t const slash = rest.rfind('/');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
        tag = *cut_last(rest, ':');
    }
    std::string_view model = rest;
    if (std::optional<std::string_view> const last = cut_last(rest, '/')) {
        model = *last;
        space = rest;
        if (std::optional<std::string_view> const middle = cut_last(rest, '/')) {
            space = *middle;
            host = rest;
            if (std::size_t const scheme = host.find("://"); scheme != std::string_view::npos) {
                host.remove_prefix(scheme + 3);
            }
        }
    }
    bool const is_valid_name = is_valid(host, Part::Host) && is_valid(space, Part::Space) &&
                               is_valid(model, Part::Model) && is_valid(tag, Part::Tag);
    if (!is_valid_name) {
        return fail(Errc::BadRequest, "invalid model name", ErrorSource::Client);
    }
    result.host_ = host;
    result.space_ = space;
    result.model_ = model;
    result.tag_ = tag;
    return result;
}

std::string ModelName::short_name() const {
    std::string name;
    bool const has_host = !iequals(host_, kDefaultHost);
    if (has_host) {
        name += host_ + '/';
    }
    if (has_host || !iequals(space_, kDefaultSpace)) {
        name += space_ + '/';
    }
    name += model_ + ':';
    if (!cloud_) {
        return name + tag_;
    }
    return name + (iequals(tag_, kDefaultTag) ? "cloud" : tag_ + "-cloud");
}

std::string ModelName::key() const {
    std::string const full = host_ + '/' + space_ + '/' + model_ + ':' + tag_;
    // "gpt-oss:20b" may be stored here while "gpt-oss:20b-cloud" runs far away.
    return to_lower(full) + (cloud_ ? "-cloud" : "");
}

}  // namespace plimsoll
