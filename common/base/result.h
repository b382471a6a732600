// How expected failure travels.
//
// A function that may fail in a way its caller has to live with returns Result<T>: a value, or an Error that says what
// the caller can do about it (Code) and what happened (text, for a person who has never seen the source). Broken
// invariants are not results; they go through check(). Exceptions of libraries stop in the .cc that wraps them.
//
// Named after std::expected, which gcc 12 does not have.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/base/check.h"

namespace reeve {

// What the caller can do about it.
enum class Code {
  invalid,      // the input is wrong: correct it; trying again will not help
  not_found,    // there is no such thing
  denied,       // not with this identity
  unavailable,  // not now: try again later
  exhausted,    // a bound is reached: free something, or wait
  corrupt,      // stored or received bytes are damaged
  cancelled,    // the caller itself gave up
};

std::string_view to_string(Code code);

class [[nodiscard]] Error {
 public:
  Error(Code code, std::string text) : code_(code), text_(std::move(text)) {}

  Code code() const { return code_; }
  const std::string& text() const { return text_; }

  // Adds what the caller was doing, in front: "open the spool: list /var/lib/reeve: permission denied".
  Error during(std::string_view doing) const { return Error(code_, std::string(doing) + ": " + text_); }

 private:
  Code code_;
  std::string text_;
};

// The Error for the errno of a failed system call: "<doing>: <strerror>". Codes follow the errno.
Error errno_error(int error_number, std::string_view doing);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return get(); }
  const T& value() const& { return const_cast<Result*>(this)->get(); }
  T&& value() && { return std::move(get()); }
  T& operator*() & { return get(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(get()); }
  T* operator->() { return &get(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    check(!ok(), "only a failed result has an error");
    return std::get<1>(state_);
  }

 private:
  T& get() {
    check(ok(), "only a successful result has a value");
    return std::get<0>(state_);
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const { check(ok(), "only a successful result has a value"); }

  const Error& error() const {
    check(!ok(), "only a failed result has an error");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace reeve

// Takes the value of a Result, or returns its error from the enclosing function.
// A whole statement or a whole initialiser, never nested in braces: there it leaks on gcc 12 and clang 14.
#define TRY(expression)                                              \
  ({                                                                 \
    auto try_result = (expression);                                  \
    if (!try_result.ok()) return ::reeve::Error(try_result.error()); \
    std::move(try_result).value();                                   \
  })

// The same, adding what was being done when it failed.
#define TRY_DURING(expression, doing)                              \
  ({                                                               \
    auto try_result = (expression);                                \
    if (!try_result.ok()) return try_result.error().during(doing); \
    std::move(try_result).value();                                 \
  })
