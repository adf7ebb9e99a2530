# Headers that are read once for many files. With g++ only: what clang precompiles names the folder it
# was made in, which a cache must not hand to another; and clang's build so shows which file forgot
# to include what it uses.
#   standard: the standard library, for everything. Half of a file's time was spent in it.
#   test:     the same and GoogleTest.
#   commands: the same, CLI11 and JSON, for the programs with many commands.
if(NOT BALCONY_FUZZ AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(standard_headers
      <algorithm> <array> <atomic> <charconv> <chrono> <coroutine> <cstdint> <cstring> <deque>
      <expected> <fstream> <functional> <map> <memory> <mutex> <optional> <set> <span>
      <string> <string_view> <unordered_map> <utility> <variant> <vector>)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cc CONTENT "")
  add_library(precompiled_standard OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
  target_link_libraries(precompiled_standard PRIVATE Threads::Threads)
  target_precompile_headers(precompiled_standard PRIVATE ${standard_headers})
  add_library(precompiled_commands OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
  target_link_libraries(precompiled_commands PRIVATE Threads::Threads)
  target_precompile_headers(precompiled_commands PRIVATE ${standard_headers} <CLI/CLI.hpp>
                                                         <nlohmann/json.hpp>)
  if(BALCONY_TESTS)
    add_library(precompiled_test OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
    target_link_libraries(precompiled_test PRIVATE Threads::Threads)
    target_precompile_headers(precompiled_test PRIVATE ${standard_headers} <gmock/gmock.h>
                                                       <gtest/gtest.h>)
  endif()
endif()

# balcony_precompiled(TARGET standard|test|commands)
function(balcony_precompiled target kind)
  if(TARGET precompiled_${kind})
    target_precompile_headers(${target} REUSE_FROM precompiled_${kind})
  endif()
endfunction()
