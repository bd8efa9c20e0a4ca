// The program `plimsoll`. Everything is in run(); this file only hands over the command line and
// catches what a library may throw.

#include "app/run.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

int main(int argc, char* argv[]) {
    try {
        std::vector<std::string> const arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
        return plimsoll::app::run(arguments);
    } catch (std::exception const& error) {
        std::fprintf(stderr, "plimsoll: unexpected failure: %s\n", error.what());
        return 70;  // EX_SOFTWARE
    }
}
