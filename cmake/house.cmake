# The checks of the house itself: headers that stand alone, and tools/tidy as tests.

# Each header is compiled by itself, twice included: what it needs it includes, and it may be
# included again. Public headers see only include/, as they will when they are installed.
function(balcony_headers_alone target root)
  set(sources)
  foreach(header ${ARGN})
    file(RELATIVE_PATH name ${root} ${header})
    string(REGEX REPLACE "[/.]" "_" stem ${name})
    set(source ${CMAKE_BINARY_DIR}/headers/${target}/${stem}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include <${name}>\n#include <${name}>\n")
    list(APPEND sources ${source})
  endforeach()
  add_library(${target} OBJECT ${sources})
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
endfunction()

file(GLOB public_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/balcony/*.h)
balcony_headers_alone(public_headers ${CMAKE_SOURCE_DIR}/include ${public_headers})
target_include_directories(public_headers PRIVATE ${CMAKE_SOURCE_DIR}/include)

# `make lint` does the same for every header under src/; too slow for every build.
file(GLOB_RECURSE inner_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*.h)
balcony_headers_alone(inner_headers ${CMAKE_SOURCE_DIR}/src ${inner_headers})
set_target_properties(inner_headers PROPERTIES EXCLUDE_FROM_ALL ON)
target_include_directories(inner_headers PRIVATE ${CMAKE_SOURCE_DIR}/include
                                                 ${CMAKE_SOURCE_DIR}/src
                                                 ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(inner_headers PRIVATE BALCONY_VERSION="${PROJECT_VERSION}")
# gateway/mail/mime_library.h is the one that needs a library's headers.
pkg_check_modules(GMIME_HEADERS REQUIRED gmime-3.0)
target_include_directories(inner_headers SYSTEM PRIVATE ${GMIME_HEADERS_INCLUDE_DIRS})

# Once is enough: the sanitized builds would find the same.
if(BALCONY_TESTS AND NOT BALCONY_SANITIZE AND NOT BALCONY_FUZZ)
  add_test(NAME tidy COMMAND ${CMAKE_SOURCE_DIR}/tools/tidy --build ${CMAKE_BINARY_DIR})
  add_test(NAME tidy_test COMMAND ${CMAKE_SOURCE_DIR}/tools/tidy_test.py)
  add_test(NAME ci_test COMMAND ${CMAKE_SOURCE_DIR}/tools/ci_test.py)
  set_tests_properties(tidy tidy_test ci_test PROPERTIES LABELS house TIMEOUT 60)
endif()
