#pragma once
// Rows of the lists of models. Pure.

#include <boost/json/value.hpp>

#include <string_view>

namespace plimsoll::proxy {

// The model of a row of /api/tags, /api/ps or /v1/models; empty: it names none.
inline std::string_view model_of_row(boost::json::value const& row) {
    auto const* const object = row.if_object();
    for (auto const* const member : {"model", "name", "id"}) {
        auto const* const name = object == nullptr ? nullptr : object->if_contains(member);
        if (name != nullptr && name->is_string()) {
            return name->get_string();
        }
    }
    return {};
}

}  // namespace plimsoll::proxy
