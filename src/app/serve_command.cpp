#include "app/application.hpp"
#include "app/process.hpp"
#include "app/run.hpp"

#include <plimsoll/log/log.hpp>

#include <cstdio>

namespace plimsoll::app {

int run_serve(ServeOptions const& options) {
    auto loaded = load_config(options.config, options.flags);
    if (!loaded) {
        for (auto const& problem : loaded.error()) {
            std::fprintf(stderr, "%s\n", to_string(problem).c_str());
        }
        return 2;
    }
    prepare_process();
    log::configure(loaded->config.log);

    net::Loop loop;
    Application application(loop, options, std::move(loaded->config));
    auto const started = application.start();
    if (!started) {
        std::fprintf(stderr, "plimsoll serve: %s\n", started.error().message.c_str());
        return 1;
    }
    std::printf("%s\n", application.listening_line().c_str());
    std::fflush(stdout);
    let_go_of_start_up_code();
    loop.run();
    return 0;
}

}  // namespace plimsoll::app
