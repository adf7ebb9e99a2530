# What `make install` puts where: programs, the library with its headers, the systemd unit.
#
# Others use the library by find_package(balcony) and the target balcony::balcony, or by
# `pkg-config --static balcony`. It is the client library and what that stands on.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(library_folders)
foreach(folder base precis xml jid stanza payload sasl stream net session client)
  if(TARGET balcony_${folder})
    list(APPEND library_folders ${folder})
    set_target_properties(balcony_${folder} PROPERTIES EXPORT_NAME ${folder})
  endif()
endforeach()
list(TRANSFORM library_folders PREPEND balcony_ OUTPUT_VARIABLE library_targets)

add_library(balcony INTERFACE)
target_link_libraries(balcony INTERFACE ${library_targets})
add_library(balcony::balcony ALIAS balcony)

install(TARGETS balcony ${library_targets} EXPORT balcony
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/balcony TYPE INCLUDE COMPONENT library)
install(EXPORT balcony NAMESPACE balcony:: FILE balcony-targets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/balcony COMPONENT library)

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/balcony-config.cmake.in ${CMAKE_BINARY_DIR}/balcony-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/balcony)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/balcony-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/balcony-config.cmake
              ${CMAKE_BINARY_DIR}/balcony-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/balcony COMPONENT library)

# For pkg-config: users first, what they stand on after them, as a linker wants static libraries.
set(pc_libraries ${library_folders})
list(REVERSE pc_libraries)
list(TRANSFORM pc_libraries PREPEND -lbalcony_)
list(JOIN pc_libraries " " pc_libraries)
configure_file(${CMAKE_CURRENT_LIST_DIR}/balcony.pc.in ${CMAKE_BINARY_DIR}/balcony.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/balcony.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)

configure_file(${CMAKE_SOURCE_DIR}/packaging/systemd/balconyd.service.in
               ${CMAKE_BINARY_DIR}/balconyd.service @ONLY)
if(TARGET balconyd)
  install(FILES ${CMAKE_BINARY_DIR}/balconyd.service DESTINATION lib/systemd/system
          COMPONENT programs)
endif()
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md
              ${CMAKE_SOURCE_DIR}/CHANGELOG.md TYPE DOC COMPONENT programs)
