// The rewriter's state, shared by its parts: each handles the tokens of one language extension.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rewrite.h"
#include "source.h"

namespace metron::nvcc {

class Rewriter {
 public:
  explicit Rewriter(const Source& source) : source_(source), tokens_(source.tokens) {}
  Rewritten run();

 private:
  using Index = std::size_t;  // of a token

  // rewrite.cpp
  void token(Index);
  void open_brace(Index);
  void close_brace();
  bool in_function() const { return !scopes_.empty() && scopes_.back().function; }
  bool in_device_code() const { return !scopes_.empty() && scopes_.back().device; }
  void device_code(Index);  // what only device code may not use
  void attribute(Index);
  void replace(Index first, Index last, std::string text);  // tokens [first, last)
  std::string joined(Index first, Index last) const;        // on one line
  void insert_before(Index, std::string text);
  void insert_after(Index, std::string text);
  void complain(Index, std::string message);
  std::string edited() const;

  // Navigation.
  Index closing(Index open) const;   // of (, [ or {; the last token if there is none
  Index opening(Index close) const;  // of ), ] or }; 0 if there is none
  Index statement_begin(Index) const;
  Index statement_end(Index) const;  // its semicolon, or the brace that opens its body
  bool is_launch(Index) const;

  // launches.cpp
  void launch(Index);
  bool is_condition(Index open) const;
  Index callee_begin(Index) const;  // of the expression that ends before the token

  // kernels.cpp
  void kernel(Index);
  void device_function(Index);
  Index declarator(Index) const;  // the parenthesis of a function's parameters; 0 if it is a variable
  std::string parameter_name(Index first, Index last, int number);

  // variables.cpp
  void shared_variable(Index);
  void dynamic_shared(Index, Index begin, Index end);
  void global_variable(Index, std::string_view section);
  void use_of_dynamic_shared(Index);

  // assembly.cpp
  void assembly(Index);

  struct Edit {
    std::size_t begin, end;
    std::string text;
  };
  struct Scope {
    bool function, device;
    std::vector<std::string> shadowed;  // names that hide a namespace's dynamic shared memory
  };

  const Source& source_;
  const std::vector<Token>& tokens_;
  std::vector<Edit> edits_;
  std::vector<Complaint> complaints_;
  std::vector<Scope> scopes_;
  std::set<Index> device_bodies_;                          // braces
  std::map<std::string, int, std::less<>> dynamic_names_;  // declared at namespace scope
  std::string bounds_;                                     // of a __launch_bounds__ before its __global__
  Index kernel_head_end_ = 0;                              // launch bounds before it have been read
  int guards_ = 0;
  bool has_globals_ = false;  // variables in device memory
};

}  // namespace metron::nvcc
