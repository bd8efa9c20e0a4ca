#pragma once
// The one way in which our coroutines come to rest: the rest of the coroutine is handed out as a
// function object.

#include <plimsoll/net/loop.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <utility>

namespace plimsoll::net {

// Continues a suspended coroutine with these values, at once and on the caller's stack. Dropping it
// uncalled destroys the coroutine.
template <class... Values>
using Resume = std::move_only_function<void(Values...)>;

// Suspends, then calls `start` with the Resume. `start` must not resume before it returns.
template <class... Values, class Start>
auto suspend(Start start) {
    constexpr boost::asio::use_awaitable_t<Executor> token;
    return boost::asio::
        async_initiate<boost::asio::use_awaitable_t<Executor> const, void(Values...)>(
            [](auto handler, Start begin) { begin(Resume<Values...>(std::move(handler))); },
            token,
            std::move(start)
        );
}

}  // namespace plimsoll::net
