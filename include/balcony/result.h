// Result<T>: a value or an Error. The only way in which a function of Balcony fails: no exception
// crosses a folder. The macros unwrap in one line; they come in two forms, because g++ 12 dies of a
// `co_return` inside a statement expression.
//
//   BALCONY_ASSIGN(auto jid, Jid::parse(text));            // or return the error
//   BALCONY_CO_ASSIGN(auto roster, co_await load(jid));    // the same in a coroutine
//   BALCONY_CHECK(limits.admit(session));                  // for Result<>
#pragma once

#include <balcony/error.h>

#include <expected>
#include <utility>

namespace balcony {

template <class T = void>
using Result = std::expected<T, Error>;

// What a function returns that failed: `return fail(Errc::kConflict, "the resource is taken");`
// Cold: the compiler puts what ends here out of the way of what succeeds.
[[gnu::cold, gnu::noinline]] inline std::unexpected<Error> fail(Errc code,
                                                                std::string detail = {}) {
  return std::unexpected<Error>(std::in_place, code, std::move(detail));
}

// Passes on the error of another result.
[[gnu::cold, gnu::noinline]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

}  // namespace balcony

#define BALCONY_CONCAT_(a, b) a##b
#define BALCONY_CONCAT(a, b) BALCONY_CONCAT_(a, b)

#define BALCONY_ASSIGN_(result, declaration, ...)                 \
  auto result = (__VA_ARGS__);                                    \
  if (!result) return ::balcony::fail(std::move(result).error()); \
  declaration = *std::move(result)
#define BALCONY_ASSIGN(declaration, ...) \
  BALCONY_ASSIGN_(BALCONY_CONCAT(balcony_result_, __COUNTER__), declaration, __VA_ARGS__)

#define BALCONY_CO_ASSIGN_(result, declaration, ...)                 \
  auto result = (__VA_ARGS__);                                       \
  if (!result) co_return ::balcony::fail(std::move(result).error()); \
  declaration = *std::move(result)
#define BALCONY_CO_ASSIGN(declaration, ...) \
  BALCONY_CO_ASSIGN_(BALCONY_CONCAT(balcony_result_, __COUNTER__), declaration, __VA_ARGS__)

#define BALCONY_CHECK(...)                                                        \
  do {                                                                            \
    auto balcony_check = (__VA_ARGS__);                                           \
    if (!balcony_check) return ::balcony::fail(std::move(balcony_check).error()); \
  } while (false)

#define BALCONY_CO_CHECK(...)                                                        \
  do {                                                                               \
    auto balcony_check = (__VA_ARGS__);                                              \
    if (!balcony_check) co_return ::balcony::fail(std::move(balcony_check).error()); \
  } while (false)
