// The saved chains of the service.

#include "chain/chains_impl.hpp"

#include <plimsoll/net/on_worker.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::chain {

namespace {

Error no_folder() {
    return {
        Errc::Unsupported, "no folder for saved chains is configured; set directory in [chains]"
    };
}

}  // namespace

Chains::Saved Chains::Impl::checked(SavedFile file) const {
    Saved out{std::move(file.name), std::move(file.document), std::move(file.problems)};
    if (out.problems.empty()) {
        auto const spec = check(out.document);
        if (!spec) {
            out.problems = spec.error();
        } else if (!spec->name.empty() && spec->name != out.name) {
            out.problems.push_back(
                {"/name",
                 fmt::format("is \"{}\", but the chain is saved as \"{}\"", spec->name, out.name)}
            );
        }
    }
    return out;
}

net::Task<Result<std::vector<Chains::Saved>>> Chains::Impl::saved() {
    auto const keep = shared_from_this();
    if (config.directory.empty()) {
        names.clear();
        co_return std::vector<Saved>();
    }
    auto work = [folder = config.directory, read_toml = surroundings.read_toml] {
        return read_folder(folder, read_toml);
    };
    auto files = co_await net::on_worker(surroundings.loop, std::move(work));
    if (!files) {
        co_return fail(std::move(files).error());
    }
    std::vector<Saved> out;
    names.clear();
    for (auto& file : *files) {
        out.push_back(checked(std::move(file)));
        names.insert(out.back().name);
    }
    co_return out;
}

net::Task<Result<Chains::Saved>> Chains::Impl::saved(std::string name) {
    if (auto const wrong = check_chain_name(name); !wrong) {
        co_return fail(wrong.error());
    }
    auto all = co_await saved();
    if (!all) {
        co_return fail(std::move(all).error());
    }
    auto const found = std::ranges::find(*all, name, &Saved::name);
    if (found == all->end()) {
        co_return fail(
            Errc::NotFound,
            fmt::format("there is no saved chain \"{}\"; GET /plimsoll/v1/chains lists them", name)
        );
    }
    co_return std::move(*found);
}

net::Task<Result<std::vector<Chains::Saved>>> Chains::saved() {
    return impl_->saved();
}

net::Task<Result<Chains::Saved>> Chains::saved(std::string name) {
    return impl_->saved(std::move(name));
}

net::Task<Result<void>> Chains::save(std::string name, boost::json::value document) {
    auto const impl = impl_;
    if (auto const wrong = check_chain_name(name); !wrong) {
        co_return wrong;
    }
    if (impl->config.directory.empty()) {
        co_return fail(no_folder());
    }
    impl->names.insert(name);  // at once, so that the next request finds it
    auto work = [folder = impl->config.directory, name, document = std::move(document)] {
        return write_chain(folder, name, document);
    };
    auto done = co_await net::on_worker(impl->surroundings.loop, std::move(work));
    auto const read = co_await impl->saved();
    static_cast<void>(read);
    co_return done;
}

net::Task<Result<void>> Chains::remove(std::string name) {
    auto const impl = impl_;
    if (auto const wrong = check_chain_name(name); !wrong) {
        co_return wrong;
    }
    if (impl->config.directory.empty()) {
        co_return fail(no_folder());
    }
    auto work = [folder = impl->config.directory, name] { return remove_chain(folder, name); };
    auto done = co_await net::on_worker(impl->surroundings.loop, std::move(work));
    auto const read = co_await impl->saved();
    static_cast<void>(read);
    co_return done;
}

}  // namespace plimsoll::chain
