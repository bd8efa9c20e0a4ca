#pragma once
// A run that is watched until its end: progress on standard error, its output on standard output.

#include "app/control_client.hpp"

#include <string>
#include <string_view>

namespace plimsoll::app {

struct FollowOptions {
    http::Method method = http::Method::Post;
    std::string path;
    std::string body;
    std::string source;  // of the chain, for what is wrong with it
    bool json = false;   // the run's object instead of its output
    bool quiet = false;
};

// The exit status: 0 only if the run succeeded.
int follow_run(ControlClient& client, FollowOptions const& options);

// "plimsoll: what", and 1.
int complain(std::string_view what);
// What an answer that is an error says: each problem of a document, else its sentence; and 1.
int complain(ControlClient::Reply const& reply, std::string const& source);

// As it is. False if it cannot be written: that is said.
bool write_out(std::string_view text);

}  // namespace plimsoll::app
