# A text of the repository as a C++ function that returns it, so that the program carries it.
# millrace_text_file(target FUNCTION namespace::name HEADER header FILE path)

if(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${FILE} text)
  string(REGEX MATCH "^(.*)::([^:]*)$" _ ${FUNCTION})
  file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nnamespace ${CMAKE_MATCH_1} {\n\nstd::string_view "
       "${CMAKE_MATCH_2}() {\n    return R\"~~~(" "${text}" ")~~~\";\n}\n\n}\n")
  return()
endif()

function(millrace_text_file target)
  cmake_parse_arguments(TEXT "" "FUNCTION;HEADER;FILE" "" ${ARGN})
  string(REGEX REPLACE ".*::" "" name ${TEXT_FUNCTION})
  set(output ${CMAKE_BINARY_DIR}/texts/${name}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DFILE=${CMAKE_SOURCE_DIR}/${TEXT_FILE} -DFUNCTION=${TEXT_FUNCTION}
            -DHEADER=${TEXT_HEADER} -DOUTPUT=${output} -P ${CMAKE_SOURCE_DIR}/cmake/text_file.cmake
    DEPENDS ${CMAKE_SOURCE_DIR}/${TEXT_FILE} ${CMAKE_SOURCE_DIR}/cmake/text_file.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
  set_source_files_properties(${output} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings
                              SKIP_PRECOMPILE_HEADERS ON)
endfunction()
