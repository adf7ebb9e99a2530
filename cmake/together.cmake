# Several source files as one for the compiler (docs/decisions/0015): what the standard library's
# and our own templates cost is paid once for all of them. With g++ only: clang's builds compile
# each file alone, and so show what one forgot to include.

set(balcony_together_count 12)  # changing one file must not cost much more than compiling it alone

# balcony_together(OUT NAME source...): sets OUT to generated files that include the sources by
# their paths below src/, the same in every clone, so that a cache knows them again.
function(balcony_together out name)
  if(BALCONY_FUZZ OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(${out} ${ARGN} PARENT_SCOPE)
    return()
  endif()
  set(files ${ARGN})
  list(SORT files)
  set(groups)
  while(files)
    list(LENGTH files left)
    if(left GREATER balcony_together_count)
      set(left ${balcony_together_count})
    endif()
    list(LENGTH groups number)
    set(content)
    foreach(i RANGE 1 ${left})
      list(POP_FRONT files source)
      file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR}/src ${source})
      string(APPEND content "#include \"${path}\"\n")
    endforeach()
    set(group ${CMAKE_BINARY_DIR}/together/${name}_${number}.cc)
    file(CONFIGURE OUTPUT ${group} CONTENT "${content}")
    list(APPEND groups ${group})
  endwhile()
  # g++ takes an anonymous namespace in an included file for one in a header.
  set_source_files_properties(${groups} PROPERTIES COMPILE_OPTIONS -Wno-subobject-linkage)
  set(${out} ${groups} PARENT_SCOPE)
endfunction()
