// The files of the amdgpu driver: card<N>/device/mem_info_vram_total and _used.

#include <plimsoll/base/text.hpp>
#include <plimsoll/probe/probe.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <optional>
#include <system_error>

namespace plimsoll::probe {

namespace {

namespace fs = std::filesystem;

std::optional<std::string> read_line(fs::path const& file) {
    std::ifstream in(file);
    std::string line;
    return std::getline(in, line) ? std::optional(std::string(trim(line))) : std::nullopt;
}

std::optional<Bytes> read_bytes(fs::path const& file) {
    auto const line = read_line(file);
    std::uint64_t count = 0;
    if (!line || line->empty()) {
        return std::nullopt;
    }
    auto const [end, error] = std::from_chars(line->data(), line->data() + line->size(), count);
    bool const is_whole = error == std::errc() && end == line->data() + line->size();
    return is_whole ? std::optional(Bytes(count)) : std::nullopt;
}

// "card0", not its connectors "card0-DP-1".
bool is_card(std::string const& name) {
    return name.starts_with("card") && name.size() > 4 &&
           std::ranges::all_of(name.substr(4), [](char c) { return c >= '0' && c <= '9'; });
}

class Amdgpu final : public MemoryProbe {
  public:
    explicit Amdgpu(std::vector<fs::path> cards) : cards_(std::move(cards)) {}

    [[nodiscard]] std::string source() const override { return "amdgpu"; }

    Result<std::vector<Card>> read() override {
        std::vector<Card> out;
        for (fs::path const& card : cards_) {
            fs::path const device = card / "device";
            auto const total = read_bytes(device / "mem_info_vram_total");
            auto const used = read_bytes(device / "mem_info_vram_used");
            if (!total || !used || total->is_zero() || *used > *total) {
                return fail(
                    Errc::Io,
                    "amdgpu: the files mem_info_vram_total and _used in " +
                        printable(device.string()) + " are no sizes"
                );
            }
            out.push_back(
                {.id = "amd:" + card.filename().string(),
                 .name = printable(read_line(device / "product_name").value_or("")),
                 .total = *total,
                 .used = *used}
            );
        }
        return out;
    }

  private:
    std::vector<fs::path> cards_;
};

}  // namespace

Result<std::unique_ptr<MemoryProbe>> open_amdgpu(fs::path const& root) {
    std::vector<fs::path> cards;
    std::error_code error;
    for (fs::directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
        bool const tells = fs::exists(at->path() / "device" / "mem_info_vram_total", error);
        if (is_card(at->path().filename().string()) && tells) {
            cards.push_back(at->path());
        }
        error.clear();
    }
    if (cards.empty()) {
        return fail(Errc::NotFound, "no AMD card says what memory it has");
    }
    std::ranges::sort(cards);
    auto probe = std::make_unique<Amdgpu>(std::move(cards));
    if (auto const read = probe->read(); !read) {
        return fail(read.error());
    }
    return probe;
}

}  // namespace plimsoll::probe
