# Headers that are read once for many files. With g++ only: what clang precompiles names the folder
# it was made in, which a cache must not hand to another; and clang's build so shows which file
# forgot to include what it uses.
#   standard: the standard library, for libraries and programs; takes a fifth of their time away.
#   test:     GoogleTest, which brings much of the standard library with it.
# More in one set makes it slower: the compiler reads the whole of it for each file. CLI11 with JSON
# (150 MB) and the folders' own headers were tried and gained nothing.
if(NOT BALCONY_FUZZ AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(standard_headers
      <algorithm> <array> <atomic> <charconv> <chrono> <coroutine> <cstdint> <cstring> <deque>
      <expected> <fstream> <functional> <map> <memory> <mutex> <optional> <set> <span>
      <string> <string_view> <unordered_map> <utility> <variant> <vector>)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cc CONTENT "")
  add_library(precompiled_standard OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
  target_link_libraries(precompiled_standard PRIVATE Threads::Threads)
  target_precompile_headers(precompiled_standard PRIVATE ${standard_headers})
  if(BALCONY_TESTS)
    add_library(precompiled_test OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
    target_link_libraries(precompiled_test PRIVATE Threads::Threads)
    target_compile_options(precompiled_test PRIVATE ${balcony_test_options})
    target_precompile_headers(precompiled_test PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  endif()
endif()

# balcony_precompiled(TARGET standard|test)
function(balcony_precompiled target kind)
  if(TARGET precompiled_${kind})
    target_precompile_headers(${target} REUSE_FROM precompiled_${kind})
  endif()
endfunction()
