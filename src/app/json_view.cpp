#include "app/json_view.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace plimsoll::app {

JsonView JsonView::operator[](std::string_view key) const {
    if (value_ == nullptr || !value_->is_object()) {
        return JsonView(nullptr);
    }
    return JsonView(value_->get_object().if_contains(key));
}

std::vector<JsonView> JsonView::items() const {
    std::vector<JsonView> out;
    if (value_ != nullptr && value_->is_array()) {
        for (auto const& item : value_->get_array()) {
            out.emplace_back(item);
        }
    }
    return out;
}

std::string JsonView::text() const {
    return value_ != nullptr && value_->is_string()
               ? std::string(std::string_view(value_->get_string()))
               : std::string();
}

std::optional<double> JsonView::number() const {
    if (value_ == nullptr || !value_->is_number()) {
        return std::nullopt;
    }
    boost::system::error_code error;
    auto const number = value_->to_number<double>(error);
    return error ? std::nullopt : std::optional(number);
}

std::uint64_t JsonView::count() const {
    if (value_ == nullptr || !value_->is_number()) {
        return 0;
    }
    boost::system::error_code error;
    auto const whole = value_->to_number<std::uint64_t>(error);
    return error ? 0 : whole;
}

bool JsonView::is_true() const {
    return value_ != nullptr && value_->is_bool() && value_->get_bool();
}

bool JsonView::exists() const {
    return value_ != nullptr && !value_->is_null();
}

std::string JsonView::json() const {
    return exists() ? boost::json::serialize(*value_) : std::string();
}

}  // namespace plimsoll::app
