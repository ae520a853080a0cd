# SPDX-License-Identifier: Apache-2.0
# leat_cuda(TARGET): runner/cuda with its kernels, or what stands for it without CUDA.
# nvcc is called by itself, since our compile options are gcc's and not for it. Nothing
# of CUDA is linked but its static runtime, which looks for the driver when it is used.
set(LEAT_CUDA AUTO CACHE STRING "CUDA devices: AUTO (if a toolkit is found), ON or OFF")
set_property(CACHE LEAT_CUDA PROPERTY STRINGS AUTO ON OFF)

# Machine code for Hopper, and PTX of Ampere that drivers translate for any later GPU.
set(LEAT_CUDA_TARGETS -gencode arch=compute_90,code=sm_90
  -gencode arch=compute_80,code=compute_80)

if(NOT LEAT_CUDA STREQUAL "OFF")
  # Where scripts/get-cuda puts it comes first.
  find_program(LEAT_NVCC nvcc HINTS $ENV{LEAT_CACHE}/cuda/bin
    $ENV{XDG_CACHE_HOME}/leat/cuda/bin $ENV{HOME}/.cache/leat/cuda/bin
    PATHS /usr/local/cuda/bin)
  if(LEAT_NVCC)
    get_filename_component(LEAT_CUDA_HOME ${LEAT_NVCC} REALPATH)
    get_filename_component(LEAT_CUDA_HOME ${LEAT_CUDA_HOME}/../.. ABSOLUTE)
    find_library(LEAT_CUDART libcudart_static.a NO_CACHE NO_DEFAULT_PATH
      PATHS ${LEAT_CUDA_HOME}/lib64 ${LEAT_CUDA_HOME}/targets/x86_64-linux/lib)
    find_path(LEAT_CUDA_INCLUDE cublasLt.h NO_CACHE NO_DEFAULT_PATH
      PATHS ${LEAT_CUDA_HOME}/include ${LEAT_CUDA_HOME}/targets/x86_64-linux/include)
  endif()
  if(LEAT_NVCC AND LEAT_CUDART AND LEAT_CUDA_INCLUDE)
    set(LEAT_CUDA_FOUND TRUE)
    message(STATUS "CUDA: ${LEAT_CUDA_HOME}")
  elseif(LEAT_CUDA STREQUAL "ON")
    message(FATAL_ERROR "LEAT_CUDA=ON, but there is no CUDA toolkit with cublasLt.h and "
      "libcudart_static.a: run scripts/get-cuda")
  else()
    message(STATUS "CUDA: no toolkit (scripts/get-cuda fetches one); built without")
  endif()
endif()

# leat_kernels(TARGET FILE.cu...): adds their objects to the target.
function(leat_kernels target)
  set(werror)
  if(LEAT_WERROR)
    set(werror -Werror all-warnings)
  endif()
  foreach(source ${ARGN})
    get_filename_component(name ${source} NAME)
    set(object ${CMAKE_BINARY_DIR}/kernels/${name}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/kernels
      COMMAND ${LEAT_NVCC} -std=c++17 -O3 ${LEAT_CUDA_TARGETS} ${werror}
        -Xcompiler -Wall,-Wextra,-fPIE,-fno-exceptions,-fno-rtti,-fno-threadsafe-statics
        -I ${CMAKE_SOURCE_DIR} -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d COMMENT "Building CUDA object ${name}.o"
      VERBATIM)
    target_sources(${target} PRIVATE ${object})
    set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  endforeach()
endfunction()

function(leat_cuda target)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/runner/cuda/*.c)
  file(GLOB kernels CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/runner/cuda/*.cu)
  if(NOT LEAT_CUDA_FOUND)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/runner/cuda/absent.c)
    return()
  endif()
  list(FILTER sources EXCLUDE REGEX "/absent\\.c$")
  target_sources(${target} PRIVATE ${sources})
  leat_kernels(${target} ${kernels})
  target_include_directories(${target} SYSTEM PUBLIC ${LEAT_CUDA_INCLUDE})
  target_link_libraries(${target} PUBLIC ${LEAT_CUDART} ${CMAKE_DL_LIBS} rt)
endfunction()
