# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0

# Code takes no simulated time by itself: compute.c gives jobs theirs, code_time.c all else. For the
# programs of simulated boards, which also need host.c for the command line.
set(bsim ${CMAKE_CURRENT_LIST_DIR}/src)
set(module ${CMAKE_CURRENT_LIST_DIR}/../../..)

target_sources(app PRIVATE
  ${bsim}/compute.c
  ${bsim}/host.c
)
target_include_directories(app PRIVATE
  ${bsim}
  $ENV{BSIM_COMPONENTS_PATH}/libUtilv1/src
  $ENV{BSIM_COMPONENTS_PATH}/libPhyComv1/src
)
zephyr_ld_options(-Wl,--wrap=cats_job_run)

if(CONFIG_CATS_BSIM_CODE_TIME)
  set(native ${module}/python/cats/native)
  target_sources(app PRIVATE ${bsim}/code_time.c ${native}/air_code.c)
  target_include_directories(app PRIVATE ${module}/subsys/cats ${native})
  zephyr_ld_options(
    -Wl,--wrap=cats_air_received
    -Wl,--wrap=cats_air_sensed
    -Wl,--wrap=cats_air_sent
    -Wl,--wrap=cats_air_work
    -Wl,--wrap=cats_node_compute_begin
    -Wl,--wrap=cats_node_poll
    -Wl,--wrap=cats_node_receive
  )
  if(CONFIG_CATS_SECURE)
    zephyr_ld_options(-Wl,--wrap=cats_secure_receive -Wl,--wrap=cats_secure_send)
  endif()
endif()

if(CONFIG_CATS_NRF_RADIO)
  target_sources(app PRIVATE ${bsim}/radio.c)
  zephyr_ld_options(-Wl,--wrap=nrf_radio_task_trigger)
endif()
