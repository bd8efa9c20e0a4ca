#pragma once
// Settings of the process itself, made once before anything else starts.

#include <plimsoll/base/bytes.hpp>

#include <filesystem>
#include <string>

namespace plimsoll::app {

// Memory given back to the system as large bodies end, no core dump or tracing by other users'
// tools (prompts are in our memory), no end by a log reader that went away, and as many descriptors
// as the system allows.
void prepare_process();

// Lets go of the pages of code that ran so far: what only the start needed is not resident for good
// then, and the rest comes back from the page cache as it runs again.
void let_go_of_start_up_code();

Bytes host_memory();
// Bytes of this process in memory; zero where /proc is not to be had.
Bytes resident_memory();
// Descriptors that this process holds; zero where /proc is not to be had.
std::size_t open_files();
std::string machine_name();

// Where state lies if the configuration names no file: /var/lib/plimsoll for a service that may
// write there, else $XDG_STATE_HOME/plimsoll, else ~/.local/state/plimsoll. Empty if there is no
// home either.
std::filesystem::path default_state_file();

// "127.0.0.1:80", "[::1]:80"; "unix:/path" as it is.
std::string authority_of(std::string const& address, unsigned port);

}  // namespace plimsoll::app
