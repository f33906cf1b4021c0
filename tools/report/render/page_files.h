// The embedded files of page/. Private to page.cpp.
#pragma once

namespace metron::report {

extern const char* const page_html;
extern const char* const page_css;
extern const char* const page_js;  // all scripts, concatenated

}  // namespace metron::report
