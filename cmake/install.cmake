# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where a distribution expects it, beside the programs
# (cmake/rooms.cmake). No path of this machine is in any of it, so the whole may be moved.
# Components: `Runtime` (leat), `Development` (leat-dev).
include(GNUInstallDirs)
set(LEAT_DATA ${CMAKE_INSTALL_DATADIR}/leat)

install(DIRECTORY include/leat DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT Development FILES_MATCHING PATTERN "*.h")
configure_file(cmake/leat.pc.in ${CMAKE_BINARY_DIR}/leat.pc @ONLY)
# Headers only, so the file is the same on every architecture.
install(FILES ${CMAKE_BINARY_DIR}/leat.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig
  COMPONENT Development)

install(DIRECTORY schemas/ DESTINATION ${LEAT_DATA}/schemas
  COMPONENT Runtime FILES_MATCHING PATTERN "*.avsc")
install(DIRECTORY models/digits DESTINATION ${LEAT_DATA}/models COMPONENT Runtime)
install(FILES docs/openapi.json DESTINATION ${LEAT_DATA} COMPONENT Runtime)

file(GLOB documents CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/docs/*.md)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT Runtime)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT Runtime)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT Development
  PATTERN ".gitignore" EXCLUDE PATTERN "build" EXCLUDE PATTERN "*.so" EXCLUDE)
