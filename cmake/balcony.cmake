# How Balcony builds a folder: one library, one test program, its fuzz targets.

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# -O2 as the release says; sanitized builds at -O1, which finds the same and is half the time.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
if(BALCONY_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1 -fno-omit-frame-pointer")
  add_compile_options(-fsanitize=${BALCONY_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BALCONY_SANITIZE})
endif()
if(BALCONY_FUZZ)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1 -fno-omit-frame-pointer")
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wnull-dereference -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 warns of its own library here (PR 105562, 105651, 107138 and kin).
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-null-dereference
                      -Wno-stringop-overflow -Wno-array-bounds -Wno-mismatched-new-delete
                      -Wno-missing-field-initializers)
else()
  add_compile_options(-Wno-missing-field-initializers -Wno-gnu-zero-variadic-macro-arguments)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# balcony_library(NAME [DEPS folder…] [LIBS library…])
# The folder's *.cc but tests, fuzz targets and benchmarks become the library balcony_NAME; its
# *_test.cc one program NAME_test that CTest runs; each x_fuzz.cc a program fuzz_x where fuzzing is on.
function(balcony_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;PRIVATE_LIBS;TEST_LIBS" ${ARGN})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS *.cc)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "(_(test|fuzz|bench)\\.cc|/testing/[^/]*)$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")

  add_library(balcony_${name} STATIC ${sources})
  set_target_properties(balcony_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(balcony_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>
    $<INSTALL_INTERFACE:include>)
  list(TRANSFORM ARG_DEPS PREPEND balcony_ OUTPUT_VARIABLE deps)
  target_link_libraries(balcony_${name} PUBLIC ${deps} ${ARG_LIBS} PRIVATE ${ARG_PRIVATE_LIBS})

  if(BALCONY_TESTS AND tests AND NOT BALCONY_FUZZ)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE balcony_${name} ${ARG_TEST_LIBS} gtest gmock gtest_main
                                               Threads::Threads)
    add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS unit)
  endif()

  if(BALCONY_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(stem ${fuzzer} NAME_WE)
      string(REPLACE "_fuzz" "" stem ${stem})
      add_executable(fuzz_${stem} ${fuzzer})
      target_link_options(fuzz_${stem} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(fuzz_${stem} PRIVATE balcony_${name} ${ARG_TEST_LIBS} Threads::Threads)
    endforeach()
  endif()
endfunction()
