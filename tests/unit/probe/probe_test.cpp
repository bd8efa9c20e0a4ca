#include "support/catch.hpp"

#include <plimsoll/probe/probe.hpp>
#include <plimsoll/probe/processes.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace plimsoll;
using probe::Card;

namespace fs = std::filesystem;

namespace {

struct FakeNvml {
    explicit FakeNvml(char const* cards) { setenv("FAKE_NVML", cards, 1); }

    ~FakeNvml() { unsetenv("FAKE_NVML"); }

    FakeNvml(FakeNvml const&) = delete;
    FakeNvml& operator=(FakeNvml const&) = delete;
};

// A tree like /sys/class/drm.
struct Tree {
    Tree() {
        std::string name = "/tmp/plimsoll-drm-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        root = name;
    }

    ~Tree() { fs::remove_all(root); }

    Tree(Tree const&) = delete;
    Tree& operator=(Tree const&) = delete;

    void write(std::string const& file, std::string const& text) const {
        fs::create_directories((root / file).parent_path());
        std::ofstream(root / file) << text;
    }

    fs::path root;
};

}  // namespace

TEST_CASE("probe: programs on NVML's cards", "[probe][unit]") {
    FakeNvml const fake("24564 1024 4711 700,16384 300,24564 9000 12 8000");
    auto const processes = probe::nvml_processes(PLIMSOLL_FAKE_NVML);
    REQUIRE(processes);
    REQUIRE(processes->size() == 2);
    CHECK(processes->at(0).card == "nvidia:GPU-1");
    CHECK(processes->at(0).pid == 4711);
    CHECK(processes->at(0).used == mebibytes(700));
    CHECK(processes->at(1).card == "nvidia:GPU-3");
    CHECK(probe::nvml_processes("").error().code == Errc::NotFound);
}

TEST_CASE("probe: NVML's cards with their memory", "[probe][unit]") {
    FakeNvml const fake("24564 1024,16384 300");
    auto const probe = probe::open_nvml(PLIMSOLL_FAKE_NVML);
    REQUIRE(probe);
    CHECK((*probe)->source() == "NVML");
    auto const cards = (*probe)->read();
    REQUIRE(cards);
    REQUIRE(cards->size() == 2);
    CHECK(cards->at(0).id == "nvidia:GPU-1");
    CHECK(cards->at(0).name == "Fake 4090");
    CHECK(cards->at(0).total == mebibytes(24564));
    CHECK(cards->at(0).used == mebibytes(1024));
    CHECK(cards->at(1).total == mebibytes(16384));
}

TEST_CASE("probe: a driver that does not work is said, with its words", "[probe][unit]") {
    struct Case {
        char const *cards, *says;
    };

    auto const [cards, says] = GENERATE(
        Case{"init", "cannot be started: Driver Not Loaded"},
        Case{"", "counts 0 cards"},
        Case{"24564 1024,lost", "reading the memory of card 1 failed: GPU is lost"},
        Case{"0 0", "uses 0 of 0 bytes"},
        Case{"10 20", "uses 20971520 of 10485760 bytes"}
    );
    FakeNvml const fake(cards);
    auto const probe = probe::open_nvml(PLIMSOLL_FAKE_NVML);
    REQUIRE_FALSE(probe);
    CHECK(probe.error().code == Errc::Io);
    CHECK_THAT(probe.error().message, ContainsSubstring(says));
}

TEST_CASE("probe: a missing library is no fault, a wrong one is", "[probe][unit]") {
    auto const missing = probe::open_nvml("libno-such-library.so.9");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == Errc::NotFound);
    CHECK(probe::open_nvml("").error().code == Errc::NotFound);
    CHECK(probe::open_amdgpu("").error().code == Errc::NotFound);
    auto const wrong = probe::open_nvml("libm.so.6");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == Errc::Io);
    CHECK_THAT(wrong.error().message, ContainsSubstring("has no nvmlInit_v2"));
    Tree tree;
    tree.write("library.so", "not a library");
    auto const broken = probe::open_nvml((tree.root / "library.so").string());
    REQUIRE_FALSE(broken);
    CHECK(broken.error().code == Errc::Io);
}

TEST_CASE("probe: the files of AMD cards", "[probe][unit]") {
    Tree tree;
    CHECK(probe::open_amdgpu(tree.root).error().code == Errc::NotFound);
    CHECK(probe::open_amdgpu(tree.root / "nowhere").error().code == Errc::NotFound);
    tree.write("card0/device/vendor", "0x8086\n");  // an Intel card tells nothing
    tree.write("card0-DP-1/device/mem_info_vram_total", "1\n");
    tree.write("renderD128/device/mem_info_vram_total", "1\n");
    CHECK(probe::open_amdgpu(tree.root).error().code == Errc::NotFound);
    tree.write("card1/device/mem_info_vram_total", "25753026560\n");
    tree.write("card1/device/mem_info_vram_used", "1073741824\n");
    tree.write("card1/device/product_name", "Radeon RX 7900 XTX\n");
    auto const probe = probe::open_amdgpu(tree.root);
    REQUIRE(probe);
    auto const cards = (*probe)->read();
    REQUIRE(cards);
    REQUIRE(cards->size() == 1);
    CHECK(cards->front().id == "amd:card1");
    CHECK(cards->front().name == "Radeon RX 7900 XTX");
    CHECK(cards->front().total == Bytes(25753026560));
    CHECK(cards->front().used == gibibytes(1));
    // Read anew each time.
    tree.write("card1/device/mem_info_vram_used", "2147483648\n");
    CHECK((*probe)->read()->front().used == gibibytes(2));
    char const* const wrong =
        GENERATE("", "many", "-1", "1e9", "99999999999999999999", "25753026561");
    tree.write("card1/device/mem_info_vram_used", wrong);
    CAPTURE(wrong);
    CHECK_FALSE((*probe)->read());
    CHECK_FALSE(probe::open_amdgpu(tree.root));
}

TEST_CASE("probe: the first source that works is taken, what is broken is said", "[probe][unit]") {
    Tree tree;
    probe::Places places{.nvml = "libno-such-library.so.9", .drm = tree.root};
    auto found = probe::find_probe(places);
    CHECK(found.probe == nullptr);
    CHECK(found.problem.empty());
    tree.write("card1/device/mem_info_vram_total", "1000\n");
    tree.write("card1/device/mem_info_vram_used", "10\n");
    found = probe::find_probe(places);
    REQUIRE(found.probe != nullptr);
    CHECK(found.probe->source() == "amdgpu");
    places.nvml = PLIMSOLL_FAKE_NVML;
    {
        FakeNvml const fake("init");
        found = probe::find_probe(places);
        CHECK(found.probe != nullptr);
        CHECK_THAT(found.problem, ContainsSubstring("Driver Not Loaded"));
    }
    FakeNvml const fake("8192 0");
    found = probe::find_probe(places);
    REQUIRE(found.probe != nullptr);
    CHECK(found.probe->source() == "NVML");
    CHECK(found.problem.empty());
}
