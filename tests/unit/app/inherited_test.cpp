// What socket activation passes, as $LISTEN_FDS tells it.
#include "app/inherited.hpp"

#include "support/catch.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

using namespace plimsoll;
using namespace plimsoll::app;

namespace {

void set(std::string const& pid, std::string const& count, std::string const& names) {
    ::setenv("LISTEN_PID", pid.c_str(), 1);
    ::setenv("LISTEN_FDS", count.c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
}

// Two neighbouring descriptors: a TCP socket of some port, and a Unix socket without a name.
struct Pair {
    Pair() {
        REQUIRE(::dup2(::socket(AF_INET, SOCK_STREAM, 0), first) == first);
        REQUIRE(::dup2(::socket(AF_UNIX, SOCK_STREAM, 0), first + 1) == first + 1);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(first, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }

    ~Pair() {
        ::close(first);
        ::close(first + 1);
    }

    Pair(Pair const&) = delete;
    Pair& operator=(Pair const&) = delete;

    int first = 200;
};

}  // namespace

TEST_CASE("inherited: sockets by name, with their addresses", "[app]") {
    Pair const sockets;
    set("7", "2", "plimsoll.socket:admin");
    auto const found = take_inherited_sockets(7, sockets.first);
    REQUIRE(found);
    REQUIRE(found->size() == 2);
    CHECK_FALSE((*found)[0].is_admin);
    CHECK((*found)[0].fd == sockets.first);
    CHECK((*found)[0].address == "127.0.0.1");
    CHECK((*found)[0].port != 0);
    CHECK((*found)[1].is_admin);
    CHECK((*found)[1].address == "unix:");
    CHECK(std::getenv("LISTEN_FDS") == nullptr);
    CHECK(std::getenv("LISTEN_PID") == nullptr);
    CHECK(std::getenv("LISTEN_FDNAMES") == nullptr);
}

TEST_CASE("inherited: without names every socket is a public one", "[app]") {
    Pair const sockets;
    set("7", "2", "");
    auto const found = take_inherited_sockets(7, sockets.first);
    REQUIRE((found && found->size() == 2));
    CHECK_FALSE((*found)[0].is_admin);
    CHECK_FALSE((*found)[1].is_admin);
}

TEST_CASE("inherited: what was meant for another process is left alone", "[app]") {
    set("8", "1", "");
    auto const found = take_inherited_sockets(7, 200);
    REQUIRE(found);
    CHECK(found->empty());
}

TEST_CASE("inherited: nothing was passed", "[app]") {
    ::unsetenv("LISTEN_FDS");
    auto const found = take_inherited_sockets(7);
    REQUIRE(found);
    CHECK(found->empty());
}

TEST_CASE("inherited: nonsense is an error that says so", "[app]") {
    auto const count = GENERATE(std::string("many"), std::string("65"), std::string("-1"));
    set("7", count, "");
    auto const found = take_inherited_sockets(7, 200);
    REQUIRE_FALSE(found);
    CHECK_THAT(found.error().message, ContainsSubstring("LISTEN_FDS is \"" + count + "\""));
}

TEST_CASE("inherited: a descriptor that is no socket is an error", "[app]") {
    set("7", "1", "");
    auto const found = take_inherited_sockets(7, 201);  // closed
    REQUIRE_FALSE(found);
    CHECK_THAT(found.error().message, ContainsSubstring("descriptor 201"));
}
