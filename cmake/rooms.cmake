# SPDX-License-Identifier: Apache-2.0
# leat_room(NAME LIB...): NAME/*.c but main.c as static library leat_NAME.
function(leat_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  if(sources)
    add_library(leat_${name} STATIC ${sources})
    target_link_libraries(leat_${name} PUBLIC ${ARGN} PRIVATE leat_warnings)
    target_include_directories(leat_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  else()
    add_library(leat_${name} INTERFACE)
    target_link_libraries(leat_${name} INTERFACE ${ARGN})
    target_include_directories(leat_${name} INTERFACE ${CMAKE_SOURCE_DIR})
  endif()
endfunction()

# leat_program(PROGRAM ROOM): ROOM/main.c with the room's library.
function(leat_program program room)
  if(EXISTS ${CMAKE_SOURCE_DIR}/${room}/main.c)
    add_executable(${program} ${room}/main.c)
    target_link_libraries(${program} PRIVATE leat_${room} leat_warnings)
    install(TARGETS ${program} RUNTIME COMPONENT Runtime)
  endif()
endfunction()
