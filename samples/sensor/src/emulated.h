/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef EMULATED_H_
#define EMULATED_H_

/**
 * @brief Have the emulated accelerometer measure the next step of the simulated motions.
 *
 * @return the motion's name, or NULL when all were played
 */
const char *emulated_step(void);

#endif /* EMULATED_H_ */
