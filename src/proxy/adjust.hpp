#pragma once
// What must change in a request so that it means exactly the instance that serves it: a request
// whose runner settings differ from the running ones would make the upstream reload by itself.
// Pure.

#include "proxy/option_check.hpp"

#include <plimsoll/core/types.hpp>
#include <plimsoll/http/members.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::proxy {

struct Adjustment {
    http::BodyEdit edit;
    std::optional<bool> insert_shift;  // a top-level member that the client did not write
    std::string named;  // value of X-Plimsoll-Adjusted; empty: the meaning is unchanged

    [[nodiscard]] bool is_needed() const {
        return insert_shift.has_value() || !edit.cut_members.empty() || !edit.cut_options.empty() ||
               !edit.set_options.empty();
    }
};

Adjustment adjust(
    http::BodyMembers const& members,
    AskedOptions const& asked,
    core::Form form,
    core::RunnerSettings const& settings
);

// The value of X-Plimsoll-Adjusted, with what policy did to keep_alive (empty: nothing).
std::string name_all(Adjustment const& adjustment, std::string_view keep_alive);

// The edited body as pieces. `body` and the result must stay where they are until it is sent.
http::SplicedBody apply(
    std::string_view body, http::BodyMembers const& members, Adjustment const& adjustment
);

}  // namespace plimsoll::proxy
