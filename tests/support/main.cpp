#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"

namespace plimsoll::test {

std::uint64_t run_seed() {
#if __has_include(<catch2/catch_all.hpp>)
    return Catch::getSeed();
#else
    return Catch::rngSeed();
#endif
}

}  // namespace plimsoll::test

int main(int argc, char* argv[]) {
    return Catch::Session().run(argc, argv);
}
