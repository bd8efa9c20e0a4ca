#include "http/json_scanner.hpp"
#include "http/member_names.hpp"

#include <plimsoll/http/members.hpp>

#include <algorithm>
#include <utility>

namespace plimsoll::http {

namespace {

using Kind = RawValue::Kind;

// Nobody repeats a member in earnest; a body of millions of spellings must not become a larger list
// of them.
constexpr std::size_t kMaxSpellings = 1024;

bool is_wrong(Merge merge, Kind kind) {
    switch (merge) {
        case Merge::Text:
            return kind != Kind::String && kind != Kind::Null;
        case Merge::Flag:
            return kind != Kind::Bool && kind != Kind::Null;
        case Merge::Options:
            return kind != Kind::Object && kind != Kind::Null;
        case Merge::Any:
            return false;
    }
    return false;
}

class MemberFinder {
  public:
    explicit MemberFinder(std::string_view body) : body_(body), scan_(body) {}

    Result<BodyMembers> find(std::string_view go_type);

  private:
    bool scan_top();
    bool take_member(std::size_t key_begin, std::string_view key, bool plain);
    bool take_options();
    bool take_option(std::size_t key_begin, std::string_view key, bool plain);
    bool note(Member& member, Merge merge, Range spelling, RawValue value);
    [[nodiscard]] RawValue make_value(Kind kind, std::size_t begin, bool keeps_text) const;
    Member& option(std::string_view name);
    void drop_absent();

    std::string_view body_;
    JsonScanner scan_;
    BodyMembers out_;
    std::string refusal_;  // ours; else the scanner's
};

Result<BodyMembers> MemberFinder::find(std::string_view go_type) {
    scan_.skip_blanks();
    if (scan_.at_end()) {
        return fail(Errc::BadRequest, "EOF", ErrorSource::Client);
    }
    auto const begin = scan_.at();
    out_.is_object = body_[begin] == '{';
    Kind kind = Kind::Object;
    bool const good = out_.is_object ? scan_top() : scan_.skip_value(0, kind);
    if (!good) {
        return fail(
            Errc::BadRequest, refusal_.empty() ? scan_.error() : refusal_, ErrorSource::Client
        );
    }
    if (!out_.is_object && kind != Kind::Null) {
        return fail(
            Errc::BadRequest,
            "json: cannot unmarshal " + std::string(go_name(kind)) + " into Go value of type " +
                std::string(go_type),
            ErrorSource::Client
        );
    }
    out_.value_end = scan_.at();
    out_.object = {begin, out_.value_end};
    drop_absent();
    return std::move(out_);
}

bool MemberFinder::scan_top() {
    return scan_object(scan_, [this](std::size_t key_begin, std::string_view key, bool plain) {
        return take_member(key_begin, key, plain);
    });
}

bool MemberFinder::take_member(std::size_t key_begin, std::string_view key, bool plain) {
    auto const* const known = find_member_name(key, plain);
    auto const begin = scan_.at();
    Kind kind{};
    if (known == nullptr) {
        return scan_.skip_value(1, kind);
    }
    if (known->merge == Merge::Options && body_[begin] == '{') {
        kind = Kind::Object;
        if (!take_options()) {
            return false;
        }
    } else if (!scan_.skip_value(1, kind)) {
        return false;
    }
    if (known->merge == Merge::Options && kind == Kind::Null) {
        out_.option_members.clear();
    }
    auto& slot = out_.*(known->slot);
    if (!slot) {
        slot.emplace();
        slot->name = known->name;
    }
    return note(
        *slot, known->merge, {key_begin, scan_.at()}, make_value(kind, begin, known->keeps_text)
    );
}

bool MemberFinder::take_options() {
    return scan_object(scan_, [this](std::size_t key_begin, std::string_view key, bool plain) {
        return take_option(key_begin, key, plain);
    });
}

bool MemberFinder::take_option(std::size_t key_begin, std::string_view key, bool plain) {
    auto const begin = scan_.at();
    Kind kind{};
    if (!scan_.skip_value(2, kind)) {
        return false;
    }
    auto const name = find_option_name(key, plain);
    return name.empty() ||
           note(option(name), Merge::Any, {key_begin, scan_.at()}, make_value(kind, begin, true));
}

bool MemberFinder::note(Member& member, Merge merge, Range spelling, RawValue value) {
    if (member.occurrences.size() == kMaxSpellings) {
        refusal_ = "the member \"" + member.name + "\" stands more than " +
                   std::to_string(kMaxSpellings) + " times; send it once";
        return false;
    }
    member.occurrences.push_back(spelling);
    bool const keeps_earlier =
        is_wrong(merge, member.value.kind) || (merge == Merge::Text && value.kind == Kind::Null);
    if (!keeps_earlier) {
        member.value = std::move(value);
    }
    return true;
}

RawValue MemberFinder::make_value(Kind kind, std::size_t begin, bool keeps_text) const {
    RawValue value;
    value.kind = kind;
    value.where = {begin, scan_.at()};
    auto const raw = body_.substr(begin, scan_.at() - begin);
    if (kind == Kind::String) {
        value.is_empty = raw.size() == 2;
        if (keeps_text) {
            value.text = decode_json_string(raw.substr(1, raw.size() - 2));
        }
    } else if (kind == Kind::Array || kind == Kind::Object) {
        auto const first = raw.find_first_not_of(" \t\r\n", 1);
        value.is_empty = first == raw.size() - 1;
    } else if (keeps_text && kind != Kind::Null) {
        value.text = raw;
    }
    return value;
}

Member& MemberFinder::option(std::string_view name) {
    auto& all = out_.option_members;
    auto const found = std::ranges::find(all, name, &Member::name);
    if (found != all.end()) {
        return *found;
    }
    all.emplace_back();
    all.back().name = name;
    return all.back();
}

// null is absence; but it stood in the way of earlier spellings, so it is only taken out at the
// end.
void MemberFinder::drop_absent() {
    for (auto slot :
         {&BodyMembers::model,
          &BodyMembers::name,
          &BodyMembers::source,
          &BodyMembers::destination,
          &BodyMembers::from,
          &BodyMembers::stream,
          &BodyMembers::keep_alive,
          &BodyMembers::shift,
          &BodyMembers::prompt,
          &BodyMembers::messages,
          &BodyMembers::input,
          &BodyMembers::images,
          &BodyMembers::suffix,
          &BodyMembers::think,
          &BodyMembers::format,
          &BodyMembers::tools,
          &BodyMembers::truncate,
          &BodyMembers::options}) {
        auto& member = out_.*slot;
        if (member && member->value.kind == Kind::Null) {
            member.reset();
        }
    }
    std::erase_if(out_.option_members, [](Member const& member) {
        return member.value.kind == Kind::Null;
    });
}

}  // namespace

std::string_view go_name(RawValue::Kind kind) {
    switch (kind) {
        case Kind::Null:
            return "null";
        case Kind::Bool:
            return "bool";
        case Kind::Number:
            return "number";
        case Kind::String:
            return "string";
        case Kind::Array:
            return "array";
        case Kind::Object:
            return "object";
    }
    return "value";
}

Result<BodyMembers> find_members(std::string_view body, std::string_view go_type) {
    return MemberFinder(body).find(go_type);
}

}  // namespace plimsoll::http
