# The web page as C++: web/ is built by node into a table of files, a library of its own, which only the
# program links. Nothing is downloaded when web/node_modules is what web/package-lock.json says
# (web/install.mjs).

option(MILLRACE_WEB "Build the web page in (needs node 18 or newer, and npm)" ON)

function(millrace_page name)
  set(folder ${CMAKE_BINARY_DIR}/web)
  set(table ${folder}/page_files.cpp)
  if(MILLRACE_WEB)
    find_program(MILLRACE_NODE NAMES node nodejs)
    find_program(MILLRACE_NPM npm)
    if(NOT MILLRACE_NODE OR NOT MILLRACE_NPM)
      message(FATAL_ERROR "The web page is built by node (18 or newer) and npm, and they are not here: "
                          "run tools/setup run, or build without the page: cmake -DMILLRACE_WEB=OFF …")
    endif()
    set(web ${CMAKE_SOURCE_DIR}/web)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/*)
    add_custom_command(
      OUTPUT ${table}
      COMMAND ${MILLRACE_NODE} ${web}/build.mjs ${folder}
      DEPENDS ${sources} ${web}/build.mjs ${web}/install.mjs ${web}/package.json ${web}/package-lock.json
      COMMENT "Building the web page"
      VERBATIM)
    if(NOT MILLRACE_SANITIZE)
      add_test(NAME page_logic COMMAND ${MILLRACE_NODE} ${web}/test.mjs)
      add_test(NAME page_types COMMAND ${MILLRACE_NODE} ${web}/node_modules/typescript/bin/tsc -p ${web})
    endif()
  else()
    file(WRITE ${table} "#include \"session/page.hpp\"\n\n"
         "std::span<const millrace::session::PageFile> millrace::session::page_files() { return {}; }\n")
  endif()
  add_library(${name} STATIC ${table})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_compile_options(${name} PRIVATE -Wno-overlength-strings)
endfunction()
