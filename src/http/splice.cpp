#include "http/json_scanner.hpp"
#include "http/member_names.hpp"

#include <plimsoll/http/members.hpp>
#include <plimsoll/http/reply.hpp>

#include <algorithm>

namespace plimsoll::http {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    return std::min(text.find_first_not_of(kBlanks, at), text.size());
}

// Adds what to leave out so that these members of one object are gone and its commas still fit.
// Members in order.
void cut_from_object(
    std::string_view body, std::vector<Range> const& members, std::vector<Range>& cuts
) {
    auto const first_cut = cuts.size();
    for (auto const& member : members) {
        auto end = skip_blanks(body, member.end);
        bool const is_last = body[end] != ',';
        end = is_last ? member.end : skip_blanks(body, end + 1);
        bool const joins = cuts.size() > first_cut && cuts.back().end == member.begin;
        if (joins) {
            cuts.back().end = end;
        } else {
            cuts.push_back({member.begin, end});
        }
        if (is_last) {
            // No comma follows that could go; the one before the run of cut members goes instead.
            auto const before = body.find_last_not_of(kBlanks, cuts.back().begin - 1);
            if (body[before] == ',') {
                cuts.back().begin = before;
            }
        }
    }
}

// Spellings of these names inside one options object. The bytes were read before, so nothing can
// fail.
std::vector<Range> find_options(
    std::string_view body, std::size_t object, std::vector<std::string> const& names
) {
    std::vector<Range> found;
    JsonScanner scan(body, object);
    scan_object(scan, [&](std::size_t key_begin, std::string_view key, bool plain) {
        RawValue::Kind kind{};
        if (!scan.skip_value(2, kind)) {
            return false;
        }
        bool const is_cut = plain
                                ? std::ranges::find(names, key) != names.end()
                                : std::ranges::find(names, decode_json_string(key)) != names.end();
        if (is_cut) {
            found.push_back({key_begin, scan.at()});
        }
        return true;
    });
    return found;
}

std::vector<Range> find_cuts(
    std::string_view body, BodyMembers const& members, BodyEdit const& edit
) {
    std::vector<Range> cuts;
    std::vector<Range> whole;
    for (auto const& name : edit.cut_members) {
        auto const* const known = find_member_name(name);
        if (known != nullptr && (members.*(known->slot))) {
            auto const& spellings = (members.*(known->slot))->occurrences;
            whole.insert(whole.end(), spellings.begin(), spellings.end());
        }
    }
    std::ranges::sort(whole, {}, &Range::begin);
    cut_from_object(body, whole, cuts);
    bool const keeps_options =
        std::ranges::find(edit.cut_members, "options") == edit.cut_members.end();
    if (members.options && keeps_options && !edit.cut_options.empty()) {
        for (auto const& spelling : members.options->occurrences) {
            // "options": value; the value starts behind the key's colon.
            bool plain = false;
            JsonScanner scan(body, spelling.begin);
            scan.skip_string(plain);
            auto const value = skip_blanks(body, skip_blanks(body, scan.at()) + 1);
            if (body[value] == '{') {
                cut_from_object(body, find_options(body, value, edit.cut_options), cuts);
            }
        }
    }
    std::ranges::sort(cuts, {}, &Range::begin);
    return cuts;
}

bool is_left_empty(std::string_view body, Range object, std::vector<Range> const& cuts) {
    auto at = skip_blanks(body, object.begin + 1);
    for (auto const& cut : cuts) {
        if (cut.begin > at) {
            break;
        }
        at = skip_blanks(body, cut.end);
    }
    return at == object.end - 1;
}

std::string options_member(BodyEdit const& edit, bool needs_comma) {
    std::string text = needs_comma ? "," : "";
    text += "\"options\":{";
    bool first = true;
    for (auto const& [name, value] : edit.set_options) {
        text += first ? "" : ",";
        text += json_quote(name) + ':' + value;
        first = false;
    }
    return text += '}';
}

void add_piece(SplicedBody& out, std::string_view piece) {
    if (!piece.empty()) {
        out.pieces.push_back(piece);
        out.size += piece.size();
    }
}

}  // namespace

SplicedBody splice(std::string_view body, BodyMembers const& members, BodyEdit const& edit) {
    SplicedBody out;
    auto const object = members.object;
    if (!members.is_object) {
        add_piece(out, body.substr(object.begin, object.end - object.begin));
        return out;
    }
    auto const cuts = find_cuts(body, members, edit);
    auto at = object.begin;
    for (auto const& cut : cuts) {
        add_piece(out, body.substr(at, cut.begin - at));
        at = cut.end;
    }
    auto const brace = object.end - 1;
    add_piece(out, body.substr(at, brace - at));
    if (!edit.set_options.empty()) {
        out.storage.push_back(options_member(edit, !is_left_empty(body, object, cuts)));
        add_piece(out, out.storage.back());
    }
    add_piece(out, body.substr(brace, 1));
    return out;
}

}  // namespace plimsoll::http
