# Compiler, warnings, sanitizers, ccache, lld. g++ 12 miscompiles coroutines, so only clang builds this.

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Millrace builds with clang 19 (g++ 12 miscompiles coroutines): run tools/setup run")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

set(MILLRACE_SANITIZE "" CACHE STRING "Sanitizers for everything, as -fsanitize= takes them")
option(MILLRACE_FUZZ "Build the fuzz targets" OFF)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wimplicit-fallthrough -Wthread-safety -Wno-sign-conversion
                    -Wno-missing-designated-field-initializers -Werror -fcolor-diagnostics)
add_link_options(-fuse-ld=lld)
if(MILLRACE_SANITIZE)
  # What vptr checks it asks the kernel for by way of a pipe, and takes its lack for a fault of ours: there
  # are tests without a descriptor left.
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
endif()
if(MILLRACE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# tools/compile runs the compiler through ccache and records the CPU seconds of cache misses.
set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_SOURCE_DIR}/tools/compile)
