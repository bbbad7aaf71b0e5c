# The windows: apps/desktop, the only place of Qt, in builds that ship. What of it needs no Qt is tested as
# any room is.
option(MILLRACE_DESKTOP "Build millrace-desktop where Qt 6 is" OFF)
if(NOT MILLRACE_DESKTOP)
  return()
endif()
find_package(Qt6 6.4 QUIET COMPONENTS Widgets)
if(NOT Qt6_FOUND)
  message(STATUS "millrace-desktop is not built: there is no Qt 6 (qt6-base-dev)")
  return()
endif()

set(desktop ${CMAKE_SOURCE_DIR}/apps/desktop)
set(plain ${desktop}/labels.cpp ${desktop}/minute.cpp ${desktop}/sentences.cpp ${desktop}/window_json.cpp)
add_library(desktop STATIC ${plain})
target_include_directories(desktop PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(desktop PUBLIC control)
millrace_precompile(desktop)
file(GLOB desktop_tests CONFIGURE_DEPENDS ${desktop}/*_test.cpp)
millrace_tests(desktop ${desktop_tests})

file(GLOB sources CONFIGURE_DEPENDS ${desktop}/*.cpp)
list(REMOVE_ITEM sources ${plain} ${desktop_tests})
add_executable(millrace-desktop ${sources})
target_compile_definitions(millrace-desktop PRIVATE MILLRACE_VERSION="${PROJECT_VERSION}" QT_NO_KEYWORDS)
target_link_libraries(millrace-desktop PRIVATE desktop node Qt6::Widgets)
# Qt names OpenGL, which nothing here calls.
target_link_options(millrace-desktop PRIVATE -Wl,--as-needed)
# No class here has signals of its own, so that there is nothing for moc.
set_target_properties(millrace-desktop PROPERTIES AUTOMOC OFF)
millrace_precompile(millrace-desktop <QImage> <QString> <QWidget>)
