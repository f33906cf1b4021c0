// What a file of the wrong format is instead, for error messages.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace metron::detail {

inline constexpr std::size_t file_kind_bytes = 64;  // of a file's beginning that tell its kind

// "; it is an HTML page" and what to do about it; empty for bytes of an unknown kind.
std::string file_kind_hint(std::string_view beginning);
std::string file_kind_hint_at(const std::filesystem::path& path);

}  // namespace metron::detail
