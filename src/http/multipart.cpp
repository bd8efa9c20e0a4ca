#include "http/chars.hpp"
#include "http/media_type.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/multipart.hpp>

#include <algorithm>
#include <optional>

namespace plimsoll::http {

namespace {

// Go's reader forgives more (bare line feeds, folded part headers, a preamble). What it might read
// otherwise than we do is refused, so that both always mean the same field.
std::unexpected<Error> broken(std::string_view what) {
    return fail(
        Errc::BadRequest,
        "the multipart body is malformed: " + std::string(what),
        ErrorSource::Client
    );
}

struct Part {
    std::string name;  // empty: no form field
    bool is_file = false;
    std::string_view content;
};

class PartReader {
  public:
    PartReader(std::string_view body, std::string const& boundary)
        : body_(body), delimiter_("\r\n--" + boundary) {}

    // nullopt: no more.
    Result<std::optional<Part>> next();

  private:
    Result<bool> start();
    Result<bool> end_delimiter_line();
    Result<std::string_view> take_content();
    Result<Part> take_headers();
    static Result<void> read_header(std::string_view line, Part& part, bool& has_disposition);
    static Result<void> read_disposition(std::string_view value, Part& part);

    std::string_view body_;
    std::string delimiter_;
    std::size_t at_ = 0;
    bool started_ = false;
    bool finished_ = false;
};

// Behind "--boundary": blanks and CRLF before a part (true), or "--" at the end of all (false).
Result<bool> PartReader::end_delimiter_line() {
    auto rest = body_.substr(at_);
    if (rest.starts_with("--")) {
        return false;
    }
    auto const blanks = rest.find_first_not_of(" \t");
    rest.remove_prefix(std::min(blanks, rest.size()));
    if (!rest.starts_with("\r\n")) {
        return broken("a boundary line does not end with CRLF");
    }
    at_ = body_.size() - rest.size() + 2;
    return true;
}

Result<bool> PartReader::start() {
    started_ = true;
    auto const first = std::string_view(delimiter_).substr(2);
    if (!body_.starts_with(first)) {
        return broken("it does not start with its boundary");
    }
    at_ = first.size();
    return end_delimiter_line();
}

Result<void> PartReader::read_disposition(std::string_view value, Part& part) {
    auto const media = parse_media_type(value);
    if (!media) {
        return fail(media.error());
    }
    for (auto const& [name, ignored] : media->parameters) {
        // RFC 2231 spells "name" as name* or name*0; nobody does so for form fields.
        if (name.starts_with("name*")) {
            return broken("a field name is encoded");
        }
    }
    auto const* const filename = media->find("filename");
    part.is_file = filename != nullptr && !filename->empty();
    for (auto const& [name, ignored] : media->parameters) {
        part.is_file = part.is_file || name.starts_with("filename*");
    }
    auto const* const name = media->find("name");
    if (media->type == "form-data" && name != nullptr) {
        part.name = *name;
    }
    return {};
}

Result<void> PartReader::read_header(std::string_view line, Part& part, bool& has_disposition) {
    auto const colon = line.find(':');
    auto const name = line.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() || !all_of_class(name, kToken) ||
        !all_of_class(line, kFieldValue)) {
        return broken("a part header is not a field");
    }
    auto const value = trim_blanks(line.substr(colon + 1));
    if (is_name(name, "content-transfer-encoding") && is_name(value, "quoted-printable")) {
        return broken("a part is encoded as quoted-printable");
    }
    if (!is_name(name, "content-disposition")) {
        return {};
    }
    if (has_disposition) {
        return broken("a part has two Content-Disposition headers");
    }
    has_disposition = true;
    return read_disposition(value, part);
}

Result<Part> PartReader::take_headers() {
    Part part;
    bool has_disposition = false;
    for (;;) {
        auto const end = body_.find("\r\n", at_);
        if (end == std::string_view::npos) {
            return broken("it ends inside the headers of a part");
        }
        auto const line = body_.substr(at_, end - at_);
        at_ = end + 2;
        if (line.empty()) {
            return part;
        }
        auto read = read_header(line, part, has_disposition);
        if (!read) {
            return fail(read.error());
        }
    }
}

Result<std::string_view> PartReader::take_content() {
    // An empty part may have its delimiter's CRLF in the empty line that ends its headers.
    auto search = at_ - 2;
    for (;;) {
        auto const found = body_.find(delimiter_, search);
        if (found == std::string_view::npos) {
            return broken("it ends before its last boundary");
        }
        auto const behind = found + delimiter_.size();
        char const next = behind < body_.size() ? body_[behind] : '\0';
        if (next == ' ' || next == '\t' || next == '\r' || next == '\n' || next == '-') {
            auto const content = found < at_ ? std::string_view{} : body_.substr(at_, found - at_);
            at_ = behind;
            return content;
        }
        search = behind;  // a longer word that only starts like the boundary
    }
}

Result<std::optional<Part>> PartReader::next() {
    if (!started_) {
        auto const has_part = start();
        if (!has_part) {
            return fail(has_part.error());
        }
        finished_ = !*has_part;
    }
    if (finished_) {
        return std::optional<Part>{};
    }
    auto part = take_headers();
    if (!part) {
        return fail(part.error());
    }
    auto const content = take_content();
    if (!content) {
        return fail(content.error());
    }
    part->content = *content;
    auto const has_more = end_delimiter_line();
    if (!has_more) {
        return fail(has_more.error());
    }
    finished_ = !*has_more;
    return std::optional<Part>(std::move(*part));
}

}  // namespace

Result<std::string> form_field(
    std::string_view content_type, std::string_view body, std::string_view field
) {
    auto const media = parse_media_type(content_type);
    if (!media) {
        return fail(media.error());
    }
    auto const* const boundary = media->find("boundary");
    if (media->type != "multipart/form-data" || boundary == nullptr || boundary->empty() ||
        boundary->size() > 70) {
        return fail(
            Errc::BadRequest,
            "the Content-Type must be multipart/form-data with a boundary of 1 to 70 characters",
            ErrorSource::Client
        );
    }
    PartReader reader(body, *boundary);
    for (;;) {
        auto part = reader.next();
        if (!part) {
            return fail(part.error());
        }
        if (!part->has_value()) {
            return fail(
                Errc::NotFound,
                "the form has no field \"" + std::string(field) + '"',
                ErrorSource::Client
            );
        }
        if ((*part)->name == field && !(*part)->is_file) {
            return std::string((*part)->content);
        }
    }
}

}  // namespace plimsoll::http
