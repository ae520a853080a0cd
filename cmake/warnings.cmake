# SPDX-License-Identifier: Apache-2.0
# Warnings and hardening for our own code, not for what we include (SYSTEM).
add_library(leat_warnings INTERFACE)
target_compile_definitions(leat_warnings INTERFACE _GNU_SOURCE LEAT_VERSION="${PROJECT_VERSION}")
target_compile_options(leat_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wvla -Wundef -Wcast-qual
  -Wpointer-arith -Wwrite-strings -Wformat=2 -Wnull-dereference -Wdouble-promotion
  -Wimplicit-fallthrough -Werror=format-security -Werror=implicit-function-declaration)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(leat_warnings INTERFACE
    -Wcast-align=strict -Wduplicated-cond -Wduplicated-branches -Wlogical-op
    -Wjump-misses-init)
else()
  target_compile_options(leat_warnings INTERFACE
    -Wcomma -Wunreachable-code-aggressive -Wdocumentation
    -fcomment-block-commands=owner,thread,blocks,shape,source)
endif()
if(LEAT_WERROR)
  target_compile_options(leat_warnings INTERFACE -Werror)
endif()
add_compile_options(-fno-omit-frame-pointer)
if(LEAT_SANITIZE)
  add_compile_options(-fsanitize=${LEAT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LEAT_SANITIZE})
  if(LEAT_FUZZ) # coverage of all rooms guides the fuzzers
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
  endif()
else()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection
    -fcf-protection=full $<$<NOT:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,MODULE_LIBRARY>>:-fPIE>)
  add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie> -Wl,-z,relro,-z,now,-z,noexecstack)
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_definitions(_FORTIFY_SOURCE=2)
  endif()
endif()
