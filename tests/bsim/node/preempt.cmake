# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0

if(CONFIG_CATS_BSIM_PREEMPT)
  target_sources(app PRIVATE ${CMAKE_CURRENT_LIST_DIR}/src/preempt.c)
  # The compiler calls preempt.c where a function of the driver begins and ends.
  set_source_files_properties(
    ${CMAKE_CURRENT_LIST_DIR}/../../../subsys/cats/transport/nrf_radio.c
    TARGET_DIRECTORY cats_transport
    PROPERTIES COMPILE_OPTIONS -finstrument-functions
  )
  zephyr_ld_options(
    -Wl,--wrap=nrf_radio_crc_status_check
    -Wl,--wrap=nrf_radio_event_check
    -Wl,--wrap=nrf_radio_event_clear
    -Wl,--wrap=nrf_radio_shorts_set
    -Wl,--wrap=nrf_radio_state_get
    -Wl,--wrap=nrf_timer_cc_get
    -Wl,--wrap=nrf_timer_cc_set
    -Wl,--wrap=nrf_timer_event_clear
    -Wl,--wrap=nrf_timer_int_disable
    -Wl,--wrap=nrf_timer_int_enable
    -Wl,--wrap=nrf_timer_task_trigger
  )
endif()
