/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The host's side of a simulated node: its command line, files, the simulated time.
 */

#ifndef CATS_BSIM_HOST_H_
#define CATS_BSIM_HOST_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Command line; times in microseconds where the name says nothing else. The program's -help
 * explains them.
 */
struct options {
	char *deploy;
	char *compute;
	char *code;
	unsigned int node;
	unsigned int inferences;
	unsigned int first;
	unsigned int submit;
	unsigned int gap_us;
	unsigned int start_us;
	unsigned int quiet_us;
	unsigned int loss;
	unsigned int seed;
	unsigned int kill_inference;
	unsigned int kill_us;
	unsigned int intrude_us;
	unsigned int beside;
	unsigned int phone;
	unsigned int period_ms;
	unsigned int change_ms;
	unsigned int then_ms;
	unsigned int look_ms;
	unsigned int until_ms;
	unsigned int die_ms;
	char *prompt;
	unsigned int tokens;
	unsigned int author;
	unsigned int restart_ms;
	unsigned int off_ms;
};

extern struct options options;

/**
 * @brief Set what the command line did not; what has no default stays UINT_MAX then. The crystal
 * takes as long to start as a real one.
 */
void host_begin(void);

/** @brief Bytes of a file; exits where it cannot be read. Never freed. */
void *host_file(const char *name, size_t *size);

/** @brief Simulated time of the channel, microseconds, the same at all nodes. */
uint64_t host_time(void);

/**
 * @brief The calling thread computes for so many nanoseconds, without what others do meanwhile.
 *
 * The clock has microseconds: what is left of one counts the next time.
 */
void host_hold(double ns);

/** @brief A line for the test that runs this, as printf(). */
#define report(...) bs_trace_raw(0, "cats: " __VA_ARGS__)

/** @brief Microseconds that producing (0) or consuming (1) a full tile of a gather takes. */
void compute_load(const char *name, unsigned int node);

/** @brief Let code take the time of a table, struct air_code. CONFIG_CATS_BSIM_CODE_TIME. */
void code_time_load(const char *name);

/** @brief The driver of nrf_radio is at a place of its code. CONFIG_CATS_BSIM_PREEMPT. */
void preempt_pass(uintptr_t place);

/** @brief An application with Bluetooth of its own, and what it met. CONFIG_CATS_BSIM_BESIDE. */
void beside_begin(void);
void beside_report(void);

/** @brief Connect to such applications until there is none for options.quiet_us. */
void beside_phone(void);

/** @brief How often a setting was written. CONFIG_SETTINGS. */
unsigned int stored_writes(void);

struct cats_instance;

/** @brief Set a node's period, once it has started, and tell how it does. CONFIG_CATS_SLEEP. */
void meetings_begin(const struct cats_instance *instance);
void meetings_report(void);

/** @brief Write options.tokens behind options.prompt with others, or hear of it; whether it came to
 * its end. CONFIG_CATS_LLAMA.
 */
bool text_write(const struct cats_instance *node);

struct cats_image_header;

/** @brief Attack a deployment until it falls silent for options.quiet_us; frames sent. */
unsigned int intrude(const struct cats_image_header *image);

#endif /* CATS_BSIM_HOST_H_ */
