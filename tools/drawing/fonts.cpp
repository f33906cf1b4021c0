// Font selection: fontconfig finds the faces, one for Latin text and one for Chinese.
#include <cairo-ft.h>
#include <fontconfig/fontconfig.h>
#include <metron/core/error.h>
#include <metron/tools/drawing/fonts.h>

#include <array>
#include <memory>

namespace metron::drawing {
namespace {

struct DestroyPattern {
  void operator()(FcPattern* pattern) const { FcPatternDestroy(pattern); }
};
using Pattern = std::unique_ptr<FcPattern, DestroyPattern>;

struct DestroyFace {
  void operator()(cairo_font_face_t* face) const { cairo_font_face_destroy(face); }
};
using Face = std::unique_ptr<cairo_font_face_t, DestroyFace>;

constexpr std::array latin_families{"DejaVu Sans", "Noto Sans", "sans-serif"};
constexpr std::array chinese_families{"Noto Sans CJK SC",  "Source Han Sans SC",  "WenQuanYi Micro Hei",
                                      "WenQuanYi Zen Hei", "Droid Sans Fallback", "sans-serif"};

const FcChar8* as_fc(const char* text) { return reinterpret_cast<const FcChar8*>(text); }

Face make_face(bool bold, bool chinese) {
  const Pattern pattern(FcPatternCreate());
  const auto add = [&](const char* family) { FcPatternAddString(pattern.get(), FC_FAMILY, as_fc(family)); };
  if (chinese) {
    for (const char* family : chinese_families) add(family);
    FcPatternAddString(pattern.get(), FC_LANG, as_fc("zh-cn"));
  } else {
    for (const char* family : latin_families) add(family);
  }
  FcPatternAddInteger(pattern.get(), FC_WEIGHT, bold ? FC_WEIGHT_BOLD : FC_WEIGHT_REGULAR);
  return Face(cairo_ft_font_face_create_for_pattern(pattern.get()));
}

bool is_chinese(char32_t c) {
  return (c >= 0x2E80 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFF00 && c <= 0xFFEF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

// Length and character of the well-formed UTF-8 sequence at the front; length 0 if there is none (RFC 3629).
std::size_t decode(std::string_view text, char32_t& c) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    c = lead;
    return lead == 0 ? 0 : 1;
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length == 0 || lead > 0xF4 || text.size() < length) return 0;
  c = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    c = c << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
  return c < smallest[length] || c > 0x10FFFF || surrogate ? 0 : length;
}

}  // namespace

bool has_chinese_font() {
  static const bool found = [] {
    const Pattern pattern(FcPatternCreate());
    const std::unique_ptr<FcLangSet, void (*)(FcLangSet*)> languages(FcLangSetCreate(), FcLangSetDestroy);
    FcLangSetAdd(languages.get(), as_fc("zh-cn"));
    FcPatternAddLangSet(pattern.get(), FC_LANG, languages.get());
    const std::unique_ptr<FcFontSet, void (*)(FcFontSet*)> fonts(FcFontList(nullptr, pattern.get(), nullptr),
                                                                 FcFontSetDestroy);
    return fonts != nullptr && fonts->nfont > 0;
  }();
  return found;
}

std::vector<TextRun> split_runs(std::string_view text) {
  std::vector<TextRun> runs;
  while (!text.empty()) {
    char32_t c = 0;
    const std::size_t length = decode(text, c);
    const bool chinese = length > 0 && is_chinese(c);
    if (runs.empty() || runs.back().chinese != chinese) runs.push_back({"", chinese});
    runs.back().text += length > 0 ? text.substr(0, length) : "\xEF\xBF\xBD";  // U+FFFD for an invalid byte
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return runs;
}

void select_font(cairo_t* context, const TextStyle& style, bool chinese) {
  static const std::array<Face, 4> faces{make_face(false, false), make_face(true, false),
                                         make_face(false, true), make_face(true, true)};
  const auto index = static_cast<std::size_t>(style.bold) + 2 * static_cast<std::size_t>(chinese);
  cairo_set_font_face(context, faces[index].get());
  cairo_set_font_size(context, style.size);
}

}  // namespace metron::drawing
