#pragma once
// The form field `model` of a multipart/form-data body (audio transcriptions). Pure, one pass.

#include <plimsoll/base/result.hpp>

#include <string>
#include <string_view>

namespace plimsoll::http {

// The first field of that name that is not a file, as Go's FormValue takes it. Errors: BadRequest
// for a missing boundary or broken parts, NotFound for no such field. What Go's reader might take
// otherwise than this one (encoded names, quoted-printable, bare line feeds, a preamble) is
// refused. Go's FormValue also looks into the query, and there first: a caller that relies on this
// must not forward the query of such a request.
Result<std::string> form_field(
    std::string_view content_type, std::string_view body, std::string_view field
);

}  // namespace plimsoll::http
