# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0

# Of a deployment without C headers (`cats export --format image`): sets `header` to one that holds
# the bytes of `binary`, the image of `node`. The rest of it is in plan.json.

file(READ ${deploy}/plan.json plan)
string(JSON nodes LENGTH "${plan}" nodes)
string(JSON model_id GET "${plan}" model_id)
string(JSON arena_size GET "${plan}" nodes ${node} arena_bytes)
string(JSON image_size GET "${plan}" nodes ${node} image_bytes)
string(JSON radio GET "${plan}" radio)
string(REGEX REPLACE "[+].*" "" radio ${radio})
string(TOUPPER ${radio} radio)
if(nodes EQUAL 1 OR NOT radio MATCHES "^(IEEE802154|NRF_RADIO|BLE|BLE_2M)$")
  set(radio ANY)
endif()

set(header ${CMAKE_CURRENT_BINARY_DIR}/linked_${count}/cats_partition.h)
set(bytes ${CMAKE_CURRENT_BINARY_DIR}/linked_${count}/cats_partition.inc)
configure_file(linked_binary.h.in ${header} @ONLY)
generate_inc_file_for_target(cats_node ${binary} ${bytes})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${deploy}/plan.json)
