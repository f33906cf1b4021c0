#include <metron/core/error.h>
#include <metron/core/internal/classic_stream.h>

namespace metron::detail {

Message::Message(const char* op) : out_(new ClassicStream) { *out_ << '[' << op << "] "; }
Message::~Message() { delete out_; }

std::ostream& Message::stream() { return *out_; }
void Message::add_text(std::string_view text) { *out_ << text; }
void Message::add_number(double number) { *out_ << number; }
void Message::add_number(long long number) { *out_ << number; }
void Message::add_number(unsigned long long number) { *out_ << number; }
std::string Message::text() const { return out_->str(); }

}  // namespace metron::detail
