#include "proxy/adjust.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::proxy {
namespace {

// Values that mean the same to the upstream as nothing at all.
bool is_default(std::string_view option, std::int64_t asked) {
    return option == "num_gpu" && asked < 0;
}

bool is_default(std::string_view, bool) {
    return false;
}

class Builder {
  public:
    Builder(http::BodyMembers const& members, Adjustment& out) : members_(&members), out_(&out) {}

    [[nodiscard]] bool is_written(std::string_view option) const {
        return std::ranges::any_of(members_->option_members, [&](auto const& m) {
            return m.name == option;
        });
    }

    void cut(std::string_view option) { out_->edit.cut_options.emplace_back(option); }

    void set(std::string_view option, std::string value) {
        out_->edit.set_options.emplace_back(std::string(option), std::move(value));
    }

    void name(std::string text) {
        if (!out_->named.empty()) {
            out_->named += ", ";
        }
        out_->named += text;
    }

    // One runner option: what the instance has must be what the request says. `writes_all`: also
    // where the client said nothing; a bare instance has the Modelfile's options, which the
    // upstream applies by itself.
    template <class T>
    void match(
        std::string_view option,
        std::optional<T> const& asked,
        std::optional<T> const& has,
        bool writes_all
    ) {
        if (has == asked && (asked || !is_written(option))) {
            return;
        }
        if (has && (asked || writes_all)) {
            set(option, fmt::format("{}", *has));
        } else if (is_written(option)) {
            cut(option);
        }
        // Not asked means "whatever runs" to the upstream, so only a contradiction is worth naming.
        if (asked && has) {
            name(fmt::format("{}={} (asked {})", option, *has, *asked));
        } else if (asked && !is_default(option, *asked)) {
            name(fmt::format("{} cut (asked {})", option, *asked));
        }
    }

  private:
    http::BodyMembers const* members_;
    Adjustment* out_;
};

// A bare instance was loaded without num_ctx: a request that carries one would reload it, even with
// the same number on another default.
void adjust_bare(Builder& build, AskedOptions const& asked, core::RunnerSettings const& settings) {
    if (build.is_written("num_ctx")) {
        build.cut("num_ctx");
    }
    if (asked.num_ctx && settings.num_ctx != 0 && *asked.num_ctx != settings.num_ctx) {
        build.name(fmt::format("num_ctx={} (asked {})", settings.num_ctx, *asked.num_ctx));
    }
    if (build.is_written("num_batch")) {
        build.cut("num_batch");
        if (asked.num_batch) {
            build.name(fmt::format("num_batch cut (asked {})", *asked.num_batch));
        }
    }
}

void adjust_pinned(
    Builder& build, AskedOptions const& asked, core::RunnerSettings const& settings
) {
    if (settings.num_ctx != 0 && (!asked.num_ctx || *asked.num_ctx != settings.num_ctx)) {
        build.set("num_ctx", std::to_string(settings.num_ctx));
        if (asked.num_ctx) {
            build.name(fmt::format("num_ctx={} (asked {})", settings.num_ctx, *asked.num_ctx));
        }
    }
    if (settings.num_batch == 0) {
        if (build.is_written("num_batch")) {
            build.cut("num_batch");
            if (asked.num_batch) {
                build.name(fmt::format("num_batch cut (asked {})", *asked.num_batch));
            }
        }
    } else if (!asked.num_batch || *asked.num_batch != settings.num_batch) {
        build.set("num_batch", std::to_string(settings.num_batch));
        if (asked.num_batch) {
            build.name(fmt::format("num_batch={} (asked {})", settings.num_batch, *asked.num_batch)
            );
        }
    }
}

// `shift` stands beside "options". Not set on the instance means the default of the model's family,
// which is what the upstream takes when the member is absent.
void adjust_shift(
    Builder& build,
    Adjustment& out,
    http::BodyMembers const& members,
    std::optional<bool> asked,
    std::optional<bool> has
) {
    if (has == asked && (asked || !members.shift)) {
        return;
    }
    if (members.shift) {
        out.edit.cut_members.emplace_back("shift");
    }
    if (has) {
        out.insert_shift = *has;
        if (asked) {
            build.name(fmt::format("shift={} (asked {})", *has, *asked));
        }
    }
}

}  // namespace

Adjustment adjust(
    http::BodyMembers const& members,
    AskedOptions const& asked,
    core::Form form,
    core::RunnerSettings const& settings
) {
    Adjustment out;
    Builder build(members, out);
    if (members.keep_alive) {
        out.edit.cut_members.emplace_back("keep_alive");
    }
    for (auto const& cut : asked.cut) {
        build.name(cut);
    }
    bool const is_pinned = form == core::Form::Pinned;
    if (is_pinned) {
        adjust_pinned(build, asked, settings);
    } else {
        adjust_bare(build, asked, settings);
    }
    auto const& has = settings.options;
    build.match("num_gpu", asked.options.num_gpu, has.num_gpu, is_pinned);
    build.match("main_gpu", asked.options.main_gpu, has.main_gpu, is_pinned);
    build.match("num_thread", asked.options.num_thread, has.num_thread, is_pinned);
    build.match(
        "draft_num_predict", asked.options.draft_num_predict, has.draft_num_predict, is_pinned
    );
    build.match("use_mmap", asked.options.use_mmap, has.use_mmap, is_pinned);
    adjust_shift(build, out, members, asked.options.shift, has.shift);
    return out;
}

std::string name_all(Adjustment const& adjustment, std::string_view keep_alive) {
    std::string out = adjustment.named;
    out += out.empty() || keep_alive.empty() ? "" : ", ";
    out += keep_alive;
    return out;
}

http::SplicedBody apply(
    std::string_view body, http::BodyMembers const& members, Adjustment const& adjustment
) {
    auto spliced = http::splice(body, members, adjustment.edit);
    if (!adjustment.insert_shift || spliced.pieces.empty() ||
        !spliced.pieces.front().starts_with('{')) {
        return spliced;
    }
    // A member of our own right after the brace. It is followed by a comma: the body names a model
    // at least.
    std::string_view const shift =
        *adjustment.insert_shift ? R"({"shift":true,)" : R"({"shift":false,)";
    spliced.pieces.front().remove_prefix(1);
    spliced.pieces.insert(spliced.pieces.begin(), shift);
    spliced.size += shift.size() - 1;
    return spliced;
}

}  // namespace plimsoll::proxy
