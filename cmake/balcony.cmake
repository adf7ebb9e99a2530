# How Balcony builds a folder: one library, one test program, its fuzz targets.

# What a compiler writes must not depend on where the tree lies: then a clean clone is compiled from
# the cache, and messages name `src/xml/parser.cc` on every machine. ccache turns paths into ones
# relative to the build folder, hence the second map.
file(RELATIVE_PATH from_build ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/)
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(from_build)
  add_compile_options(-ffile-prefix-map=${from_build}=)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# -O2 as the release says; sanitized builds at -O1, which finds the same and is half the time. The
# sanitized ones also check the bounds of the standard library's containers.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(checked_flags "-O1 -g1 -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS")
if(BALCONY_FUZZ)
  set(CMAKE_CXX_FLAGS_RELEASE ${checked_flags})
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(BALCONY_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELEASE ${checked_flags})
  add_compile_options(-fsanitize=${BALCONY_SANITIZE} -fno-sanitize-recover=all)
  if(BALCONY_SANITIZE MATCHES undefined)
    # It opens a pipe to look at memory, and reports nonsense when a test has taken all descriptors.
    add_compile_options(-fno-sanitize=vptr)
  endif()
  add_link_options(-fsanitize=${BALCONY_SANITIZE})
else()
  # What costs an attacker work and us nothing that can be measured.
  add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
  # So that a linker may lay side by side what each message runs through (src/app/balconyd).
  add_compile_options(-ffunction-sections)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wnull-dereference -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 warns of its own library here (PR 105562, 105651, 107138 and kin).
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-null-dereference
                      -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds
                      -Wno-mismatched-new-delete
                      -Wno-missing-field-initializers)
else()
  add_compile_options(-Wno-missing-field-initializers -Wno-gnu-zero-variadic-macro-arguments)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# g++ collects its garbage at 128 MB: files that need 300 MB are a tenth faster when it waits. What
# reads a command line gains nothing from -O2, and tests are compiled longer than they run
# (_FORTIFY_SOURCE wants optimisation).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT BALCONY_SANITIZE)
  add_compile_options(--param=ggc-min-expand=1000 --param=ggc-min-heapsize=1000000)
  set(balcony_light_options -O1)
  set(balcony_test_options -O0 -U_FORTIFY_SOURCE)
endif()

include(precompiled)
include(together)

# balcony_library(NAME [DEPS folder...] [LIBS library...] [PRIVATE_LIBS library...]
#                 [TEST_LIBS library...] [APART file...] [TOGETHER] [TESTS_TOGETHER])
# The folder's *.cc but tests, fuzz targets and benchmarks become the library balcony_NAME; its
# *_test.cc one program NAME_test that CTest runs; each x_fuzz.cc a program fuzz_x where fuzzing is
# on. APART: files that are no part of it. TOGETHER, TESTS_TOGETHER: several files are compiled as
# one (together.cmake).
function(balcony_library name)
  cmake_parse_arguments(ARG "TOGETHER;TESTS_TOGETHER" ""
                        "DEPS;LIBS;PRIVATE_LIBS;TEST_LIBS;APART" ${ARGN})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS *.cc)
  list(TRANSFORM ARG_APART PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(REMOVE_ITEM all ${ARG_APART})
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "(_(test|fuzz|bench)\\.cc|/testing/[^/]*)$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")

  if(ARG_TOGETHER)
    balcony_together(sources ${name} ${sources})
  endif()
  if(ARG_TESTS_TOGETHER)
    balcony_together(tests ${name}_test ${tests})
  endif()

  add_library(balcony_${name} STATIC ${sources})
  set_target_properties(balcony_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(balcony_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>
    $<INSTALL_INTERFACE:include>)
  list(TRANSFORM ARG_DEPS PREPEND balcony_ OUTPUT_VARIABLE deps)
  target_link_libraries(balcony_${name} PUBLIC ${deps} ${ARG_LIBS} PRIVATE ${ARG_PRIVATE_LIBS})
  balcony_precompiled(balcony_${name} standard)

  if(BALCONY_TESTS AND tests AND NOT BALCONY_FUZZ)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE balcony_${name} ${ARG_TEST_LIBS} gtest gmock
                                               gtest_main Threads::Threads)
    target_compile_options(${name}_test PRIVATE ${balcony_test_options})
    balcony_precompiled(${name}_test test)
    add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS unit)
  endif()

  if(BALCONY_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(stem ${fuzzer} NAME_WE)
      string(REPLACE "_fuzz" "" stem ${stem})
      add_executable(fuzz_${stem} ${fuzzer})
      if(NOT TARGET fuzzers)
        add_custom_target(fuzzers)
      endif()
      add_dependencies(fuzzers fuzz_${stem})
      set_target_properties(fuzz_${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                                    ${CMAKE_BINARY_DIR}/bin)
      target_link_options(fuzz_${stem} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(fuzz_${stem} PRIVATE balcony_${name} ${ARG_TEST_LIBS} Threads::Threads)
    endforeach()
  endif()
endfunction()

# balcony_table(FOLDER STEM TYPE name...): the table of what the files of a folder define, each an
# object of this type, made from STEM_list.h.in and STEM_table.cc.in.
function(balcony_table folder stem type)
  set(declarations "")
  set(entries "")
  foreach(name ${ARGN})
    string(APPEND declarations "extern const ${type} ${name};\n")
    string(APPEND entries "      &${name},\n")
  endforeach()
  set(generated ${CMAKE_BINARY_DIR}/generated/${folder})
  configure_file(${stem}_list.h.in ${generated}/${stem}_list.h @ONLY)
  configure_file(${stem}_table.cc.in ${generated}/${stem}_table.cc @ONLY)
  target_sources(balcony_${folder} PRIVATE ${generated}/${stem}_table.cc)
  target_include_directories(balcony_${folder} PUBLIC ${CMAKE_BINARY_DIR}/generated)
endfunction()

# balcony_program(NAME SOURCES file... LIBS library...): a program that people run. It comes to lie
# in bin/ of the build folder, where `make run` and the scenarios look for it, and is installed.
function(balcony_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  target_compile_options(${name} PRIVATE ${balcony_light_options})
  balcony_precompiled(${name} standard)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  install(TARGETS ${name} RUNTIME COMPONENT programs)
endfunction()
