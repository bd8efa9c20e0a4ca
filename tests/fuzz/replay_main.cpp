// Stands in for libFuzzer's main: runs a fuzz target once over every file of its corpus.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

int main(int argc, char* argv[]) {
    if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
        std::cerr << "usage: " << argv[0] << " CORPUS, an existing folder of inputs\n";
        return 2;
    }
    std::size_t files = 0;
    for (auto const& entry : std::filesystem::directory_iterator(argv[1])) {
        // Printed before the run, so that a crash names its input.
        std::cout << entry.path().filename().string() << std::endl;
        std::ifstream in(entry.path(), std::ios::binary);
        std::string const bytes{std::istreambuf_iterator<char>(in), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
        ++files;
    }
    std::cout << files << " inputs replayed\n";
    return files > 0 ? 0 : 1;
}
