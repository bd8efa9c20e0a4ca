// Models that no upstream has: requests that name one, and the lists in which they stand.

#include "proxy/headers.hpp"
#include "proxy/impl.hpp"
#include "proxy/rows.hpp"
#include "proxy/tagged_exchange.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace plimsoll::proxy {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostOfList = 64U << 20U;
constexpr std::string_view kOneOpenAiModel = "/v1/models/";

// The member of a list of models that holds its rows; empty: no such list.
std::string_view rows_member(http::RequestHead const& head) {
    bool const is_reading = head.method == http::Method::Get || head.method == http::Method::Head;
    if (is_reading && (head.path == "/api/tags" || head.path == "/api/ps")) {
        return "models";
    }
    return is_reading && head.path == "/v1/models" ? "data" : "";
}

void keep_usable(json::array& rows, access::Pass const& pass) {
    json::array kept;
    for (auto& row : rows) {
        if (pass.may_use(model_of_row(row))) {
            kept.push_back(std::move(row));
        }
    }
    rows = std::move(kept);
}

// The upstream's list with more rows, and without those that the key is not for; the text as it was
// where it is no such list.
std::string edited_list(
    std::string text, std::string_view member, json::array rows, access::Pass const& pass
) {
    boost::system::error_code broken;
    auto list = json::parse(text, broken);
    auto* const object = broken ? nullptr : list.if_object();
    auto* const present = object == nullptr ? nullptr : object->if_contains(member);
    if (present == nullptr) {
        return text;
    }
    if (present->is_null()) {  // how Go writes an empty list
        *present = json::array();
    }
    if (auto* const all = present->if_array()) {
        for (auto& row : rows) {
            all->push_back(std::move(row));
        }
        keep_usable(*all, pass);
        return json::serialize(list);
    }
    return text;
}

}  // namespace

bool Proxy::Impl::is_virtual(Call const& call, std::string_view model) const {
    return virtual_models != nullptr && call.only == nullptr && virtual_models->has(model);
}

net::Task<void> Proxy::Impl::answer_virtually(
    Call& call, std::string_view model, std::string_view body
) {
    call.model = model;
    TaggedExchange tagged(call);
    co_await virtual_models->answer(tagged, call.route, model, body);
}

net::Task<bool> Proxy::Impl::show_virtual_model(Call& call, std::string_view body) {
    if (virtual_models == nullptr || call.route.operation != http::Operation::Show) {
        co_return false;
    }
    auto const members = http::find_members(body);
    if (!members) {
        co_return false;
    }
    for (auto const* const member : {&members->model, &members->name}) {
        bool const is_text = *member && (*member)->value.kind == http::RawValue::Kind::String;
        if (is_text && is_virtual(call, (*member)->value.text)) {
            co_await answer_virtually(call, (*member)->value.text, body);
            co_return true;
        }
    }
    co_return false;
}

net::Task<bool> Proxy::Impl::catalogue(Call& call) {
    auto const& head = call.exchange.head();
    if (head.path.starts_with(kOneOpenAiModel)) {
        auto const name = std::string_view(head.path).substr(kOneOpenAiModel.size());
        auto const is_allowed = co_await may_use_model(call, name);
        if (!is_allowed) {
            co_return true;
        }
        if (head.method == http::Method::Get && is_virtual(call, name)) {
            co_await answer_virtually(call, name, {});
            co_return true;
        }
        co_return false;
    }
    auto const member = rows_member(head);
    if (member.empty()) {
        co_return false;
    }
    json::array rows;
    if (virtual_models != nullptr && call.only == nullptr && head.path != "/api/ps") {
        rows = co_await virtual_models->rows(call.route.dialect);
    }
    if (rows.empty() && !call.pass.is_limited()) {
        co_return false;
    }
    co_await answer_list(call, member, std::move(rows));
    co_return true;
}

net::Task<void> Proxy::Impl::answer_list(Call& call, std::string_view member, json::array rows) {
    auto const& head = call.exchange.head();
    auto& upstream = first(call).provider();
    net::ClientRequest request;
    request.method = http::Method::Get;
    request.target = upstream_target(head, true);
    request.fields = upstream_fields(head, false);
    request.head_timeout = upstream.config().timeout;
    auto response = co_await upstream.client().send(request, &call.exchange.canceller());
    if (!response) {
        co_await answer_upstream_failure(call, response.error(), upstream.config().name);
        co_return;
    }
    auto text = co_await response->read_all(
        kMostOfList, upstream.config().timeout, &call.exchange.canceller()
    );
    if (!text) {
        co_await answer_upstream_failure(call, text.error(), upstream.config().name);
        co_return;
    }
    http::Reply reply{response->head().status, client_fields(response->head()), {}};
    reply.body = edited_list(std::move(*text), member, std::move(rows), call.pass);
    co_await answer(call, std::move(reply));
}

}  // namespace plimsoll::proxy
