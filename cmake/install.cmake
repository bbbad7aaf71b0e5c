# `cmake --install build/release`, and Debian packages by `cpack`: the server, which links no codec, the child
# that holds FFmpeg, and the windows. A server without the child relays and packages; only cameras and files
# need it, and the windows.
include(GNUInstallDirs)
set(documents ${CMAKE_INSTALL_DATADIR}/doc)

install(TARGETS millrace RUNTIME COMPONENT server)
install(TARGETS outside_module LIBRARY DESTINATION lib/millrace COMPONENT server)
install(TARGETS millrace_media RUNTIME COMPONENT media)
if(TARGET millrace-desktop)
  install(TARGETS millrace-desktop RUNTIME COMPONENT desktop)
  install(FILES deploy/millrace-desktop.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications
          COMPONENT desktop)
  install(FILES deploy/millrace-desktop.svg
          DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/apps COMPONENT desktop)
  install(FILES LICENSE DESTINATION ${documents}/millrace-desktop RENAME copyright COMPONENT desktop)
endif()
install(FILES README.md DESTINATION ${documents}/millrace COMPONENT server)
install(DIRECTORY docs DESTINATION ${documents}/millrace COMPONENT server)
# What depends on the prefix, which only the installation knows: unit, configuration, packed documents.
install(CODE "set(source \"${CMAKE_SOURCE_DIR}\")" COMPONENT server)
install(SCRIPT cmake/install_server.cmake COMPONENT server)
install(FILES LICENSE DESTINATION ${documents}/millrace RENAME copyright COMPONENT server)
install(FILES LICENSE DESTINATION ${documents}/millrace-media RENAME copyright COMPONENT media)

set(deploy ${CMAKE_SOURCE_DIR}/deploy)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME millrace)
set(CPACK_PACKAGE_CONTACT "The Millrace authors <millrace@localhost>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL server media)
if(TARGET millrace-desktop)
  list(APPEND CPACK_COMPONENTS_ALL desktop)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PACKAGE_SECTION video)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_SERVER_PACKAGE_NAME millrace)
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS millrace-media)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
    "${deploy}/debian/postinst;${deploy}/debian/prerm;${deploy}/debian/postrm;${deploy}/debian/conffiles")
set(CPACK_DEBIAN_MEDIA_PACKAGE_NAME millrace-media)
# Loaded when a camera, a screen or a microphone is asked for.
set(CPACK_DEBIAN_MEDIA_PACKAGE_RECOMMENDS "libavdevice59, libasound2")
set(CPACK_DEBIAN_SERVER_DESCRIPTION "live video server
Takes live video in and hands it to many by HLS, FLV, MPEG-TS, MP4 and RTMP,
over HTTP and WebSocket. Nothing is transcoded.")
set(CPACK_DEBIAN_MEDIA_DESCRIPTION "cameras, files and encoders for Millrace
The child process that Millrace starts for sources of its own, such as the
synthetic camera and files.")
set(CPACK_DEBIAN_DESKTOP_PACKAGE_NAME millrace-desktop)
set(CPACK_DEBIAN_DESKTOP_PACKAGE_DEPENDS millrace-media)
set(CPACK_DEBIAN_DESKTOP_DESCRIPTION "windows that send and play live video
A sender and a receiver for Millrace and other servers, which show what is
sent or played with its delay, bit rate, frame rate and quantizer.")
include(CPack)
