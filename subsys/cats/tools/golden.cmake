# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0

include_guard(GLOBAL)

set_property(GLOBAL PROPERTY CATS_GOLDEN_HERE ${CMAKE_CURRENT_LIST_DIR})

# Append `static const uint8_t NAME[] = {bytes of FILE};` to the variable OUT.
function(cats_golden_array out name file)
  file(READ ${file} bytes HEX)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  set(${out}
    "${${out}}static const uint8_t __aligned(8) ${name}[] = {\n${bytes}\n};\n\n"
    PARENT_SCOPE
  )
endfunction()

# cats_golden(TARGET CASE...)
#
# Link golden cases, folders of tests/vectors, so that STRUCT_SECTION_FOREACH(cats_golden, ...)
# finds them. CONFIG_CATS_SELFTEST has linked two_class already.
function(cats_golden target)
  get_property(here GLOBAL PROPERTY CATS_GOLDEN_HERE)
  foreach(case ${ARGN})
    set(vectors ${here}/../../../tests/vectors/${case})
    file(GLOB found ${vectors}/node_*.bin)
    list(SORT found)
    list(LENGTH found nodes)
    if(nodes EQUAL 0)
      message(FATAL_ERROR "cats_golden: no golden case ${case} in tests/vectors")
    endif()

    set(arrays "")
    set(images "")
    set(sizes "")
    foreach(file ${found})
      get_filename_component(name ${file} NAME_WE)
      cats_golden_array(arrays ${name} ${file})
      string(APPEND images "${name}, ")
      string(APPEND sizes "sizeof(${name}), ")
    endforeach()
    cats_golden_array(arrays input ${vectors}/input.bin)
    set(runs "")
    foreach(run clean lossy deaf)
      cats_golden_array(arrays ${run}_available ${vectors}/${run}.available.bin)
      cats_golden_array(arrays ${run}_output ${vectors}/${run}.output.bin)
      string(APPEND runs
        "\t{\"${run}\", ${run}_available, sizeof(${run}_available), ${run}_output, "
        "sizeof(${run}_output)},\n"
      )
    endforeach()
    configure_file(${here}/golden.c.in ${CMAKE_CURRENT_BINARY_DIR}/golden_${case}.c @ONLY)
    target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/golden_${case}.c)
  endforeach()
endfunction()
