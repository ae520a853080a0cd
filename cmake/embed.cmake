# SPDX-License-Identifier: Apache-2.0
# leat_embed(TARGET FILE SYMBOL): the bytes of FILE as `const unsigned char SYMBOL[]` and
# `const size_t SYMBOL_size` inside TARGET. Called with -P it writes that source itself.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${LEAT_EMBED_FILE} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "((0x..,){16})" "\\1\n" bytes "${bytes}")
  file(WRITE ${LEAT_EMBED_OUTPUT} "#include <stddef.h>
extern const unsigned char ${LEAT_EMBED_SYMBOL}[];
extern const size_t ${LEAT_EMBED_SYMBOL}_size;
const unsigned char ${LEAT_EMBED_SYMBOL}[] = {
${bytes}
};
const size_t ${LEAT_EMBED_SYMBOL}_size = sizeof(${LEAT_EMBED_SYMBOL});
")
  return()
endif()

set(LEAT_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(leat_embed target file symbol)
  set(output ${CMAKE_BINARY_DIR}/embedded/${symbol}.c)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DLEAT_EMBED_FILE=${CMAKE_SOURCE_DIR}/${file}
      -DLEAT_EMBED_OUTPUT=${output} -DLEAT_EMBED_SYMBOL=${symbol}
      -P ${LEAT_EMBED_SCRIPT}
    DEPENDS ${CMAKE_SOURCE_DIR}/${file} ${LEAT_EMBED_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
