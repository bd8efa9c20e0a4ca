#pragma once
// The strict gate: bytes to a checked request or response head (RFC 9110, RFC 9112). Pure and
// incremental: it is given all bytes of the head that have come so far, and says "more", "done" or
// why not. What it accepts has exactly one meaning; what is ambiguous is refused before one byte
// goes upstream. See docs/decisions/0009 for why this is ours.

#include <plimsoll/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::http {

enum class Method : std::uint8_t { Get, Head, Post, Put, Patch, Delete, Options };

std::string_view to_string(Method method);

struct HeadLimits {
    std::size_t max_head = 16 * 1024;   // bytes, request line and fields together: 431
    std::size_t max_target = 8 * 1024;  // bytes: 414
    std::size_t max_fields = 100;       // 431
};

// A field as it stood on the wire, spelling kept; the value without surrounding blanks. Views into
// their Fields.
struct Field {
    std::string_view name;
    std::string_view value;
};

// An ordered list of fields with case-insensitive look-up. Names and values share one buffer: two
// allocations for a whole head. Views handed out die with the next change.
class Fields {
  public:
    void add(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    void set(std::string_view name, std::string_view value);  // removes all of that name, then adds
    // The first of that name.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;

    [[nodiscard]] std::size_t size() const { return entries_.size(); }

    [[nodiscard]] Field operator[](std::size_t index) const;
    void clear();

    // Bytes of names and values, for reserving.
    [[nodiscard]] std::size_t text_size() const { return text_.size(); }

    void reserve(std::size_t bytes, std::size_t fields);

    class Iterator {
      public:
        Iterator(Fields const& fields, std::size_t index) : fields_(&fields), index_(index) {}

        Field operator*() const { return (*fields_)[index_]; }

        Iterator& operator++() {
            ++index_;
            return *this;
        }

        bool operator==(Iterator const& other) const { return index_ == other.index_; }

      private:
        Fields const* fields_;
        std::size_t index_;
    };

    [[nodiscard]] Iterator begin() const { return {*this, 0}; }

    [[nodiscard]] Iterator end() const { return {*this, entries_.size()}; }

  private:
    struct Entry {
        std::uint32_t name_begin, name_size, value_begin, value_size;
    };

    std::string text_;
    std::vector<Entry> entries_;
};

struct Framing {
    enum class Kind : std::uint8_t {
        None,
        Length,
        Chunked,
        UntilClose
    };  // UntilClose: responses only
    // For None: nothing is said about a length.
    static constexpr std::uint64_t kUnstated = ~std::uint64_t{0};

    Kind kind = Kind::None;
    // Bytes of the body. For None in an answer to HEAD, or a 304: what Content-Length says a body
    // would have, so that passing a parsed Framing on to write_response_head keeps that field.
    std::uint64_t length = 0;
};

struct RequestHead {
    Method method = Method::Get;
    int minor_version = 1;  // HTTP/1.minor, 0 or 1
    std::string target;  // as sent, origin-form (an absolute-form to our own Host is reduced to it)
    std::string
        path;  // decoded and canonical: what routes are matched on, and what goes upstream encoded
    std::string query;  // raw, without '?'
    bool has_query = false;
    // Set where Ollama would redirect ("//", "/./", "/../", a slash at the end): the
    // Location, query included. Answer it with 301 for GET and HEAD, else 307, and send nothing
    // upstream.
    std::optional<std::string> redirect_to;
    std::string host;  // the one Host value, grammar-checked; empty for HTTP/1.0 without one
    Fields fields;     // all, hop-by-hop included
    Framing framing;
    bool keep_alive = true;
    bool expects_continue = false;
};

struct ResponseHead {
    int minor_version = 1;
    unsigned status = 200;
    std::string reason;
    Fields fields;
    Framing framing;
    bool keep_alive = true;
};

// A refusal of the gate: the status to answer with before the connection is closed, and one
// sentence why.
struct Refusal {
    unsigned status = 400;
    std::string message;
};

struct ParseProgress {
    enum class Kind : std::uint8_t { NeedMore, Done, Refused };
    Kind kind = Kind::NeedMore;
    std::size_t consumed = 0;  // Done: bytes of the head, its empty line included
    Refusal refusal;           // Refused
};

// `bytes` starts at the first byte of the message. Empty lines before a request line are skipped
// (RFC 9112 2.2), two at most. Linear in the bytes; callers re-offer the whole prefix when more has
// come.
ParseProgress parse_request_head(
    std::string_view bytes, HeadLimits const& limits, RequestHead& out
);

// `request` decides about bodies of HEAD answers. 1xx heads are reported as Done with framing None.
// A refusal here means that the upstream's bytes cannot be trusted: 502 and the connection is
// dropped.
ParseProgress parse_response_head(
    std::string_view bytes, HeadLimits const& limits, Method request, ResponseHead& out
);

// Percent-decoding and canonical form of a path. "%2F" is a slash, as it is for the upstream, so
// that no spelling of a route escapes the table. Refused: encoded control bytes ("%00"), invalid
// escapes, bytes that need an escape. `redirect_to` (encoded) is set where the upstream would
// redirect ("//", "/./", "/../", trailing "/", encoded or not); such a path is answered by us with
// Ollama's redirect and never matched; `path` is canonical even then.
struct PathResult {
    std::string path;
    std::optional<std::string> redirect_to;
};

Result<PathResult> canonical_path(std::string_view raw);
// Encodes a canonical path for a request line.
std::string encode_path(std::string_view path);

// Which fields go on to the next hop: not the hop-by-hop ones, those named in Connection, Host,
// framing fields and Expect. Works for both directions. The fields must outlive it.
class EndToEnd {
  public:
    explicit EndToEnd(Fields const& fields);

    // For a field of those that it was made of.
    [[nodiscard]] bool keeps(Field const& field) const;

  private:
    std::vector<std::string_view> named_;
};

// Those fields, in their order and spelling.
Fields end_to_end(Fields const& fields);

// Serialised heads, ended by the empty line. `framing` writes Content-Length or Transfer-Encoding
// itself; Host and framing fields among `fields` are skipped, and Connection too in a response.
// None writes "Content-Length: 0" where a body would be possible. Values are not checked again:
// they come from the gate or from our own code. `minor_version` is the client's: for 1.0 keep-alive
// is said, and a caller uses UntilClose instead of Chunked.
std::string write_request_head(
    Method method,
    std::string_view target,
    std::string_view host,
    Fields const& fields,
    Framing framing
);
std::string write_response_head(
    unsigned status,
    std::string_view reason,
    Fields const& fields,
    Framing framing,
    bool keep_alive,
    int minor_version
);
std::string_view reason_phrase(unsigned status);

}  // namespace plimsoll::http
