/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats group, cats radio, cats period: settings, which the next cats_start() reads. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zephyr/settings/settings.h>
#include <zephyr/shell/shell.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "shell_internal.h"
#include "storage/settings.h"

static int save(const struct shell *sh, const char *name, const void *value, size_t size)
{
	int ret = settings_subsys_init();

	if (ret == 0) {
		ret = settings_save_one(name, value, size);
	}
	if (ret != 0) {
		shell_error(sh, "the settings fail (%d)", ret);
	}
	return ret;
}

static int cmd_group(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *instance = cats_shell_instance(sh);
	uint32_t group = CONFIG_CATS_GROUP;
	const struct cats_setting known[] = {{"group", &group, sizeof(group)}};
	bool later;
	int ret = 0;

	if (instance == NULL) {
		return -ENOENT;
	}
	if (argc > 1) {
		unsigned long value = shell_strtoul(argv[1], 16, &ret);

		if (ret != 0 || value > UINT32_MAX) {
			shell_error(sh, "%s: at most eight hexadecimal digits are wanted", argv[1]);
			return -EINVAL;
		}
		group = (uint32_t)value;
		ret = save(sh, "cats/group", &group, sizeof(group));
	} else {
		ret = cats_settings("cats", known, ARRAY_SIZE(known));
		if (ret != 0) {
			shell_error(sh, "the settings fail (%d)", ret);
		}
	}
	if (ret == 0) {
		later = cats_running(instance) != NULL && cats_group(instance) != group;
		shell_print(sh, "group %x%s", group, later ? ", from the next cats start on" : "");
	}
	return ret;
}

#ifdef CONFIG_CATS_SLEEP
static int set_period(const struct shell *sh, const struct cats_instance *instance,
		      const char *text)
{
	unsigned long ms;
	uint32_t stored;
	int ret = cats_shell_number(sh, text, CATS_PERIOD_MAX_US / USEC_PER_MSEC, &ms);

	if (ret != 0) {
		return ret;
	}
	if (ms < CATS_PERIOD_MIN_US / USEC_PER_MSEC) {
		shell_error(sh, "%s: at least %u ms", text, CATS_PERIOD_MIN_US / USEC_PER_MSEC);
		return -EINVAL;
	}
	stored = (uint32_t)ms;
	ret = cats_set_period(instance, stored);
	if (ret == -EINVAL) {
		shell_error(sh, "%s ms: a meeting of this deployment takes more than half of that",
			    text);
		return ret;
	}
	if (ret == -EACCES) {
		shell_print(sh, "another node leads, its period counts");
	}
	return save(sh, "cats/period", &stored, sizeof(stored));
}

static int cmd_period(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *instance = cats_shell_instance(sh);
	uint32_t us;
	int ret;

	if (instance == NULL) {
		return -ENOENT;
	}
	if (argc > 1) {
		ret = set_period(sh, instance, argv[1]);
		if (ret != 0) {
			return ret;
		}
	}
	ret = cats_next_meeting(instance, &us);
	if (ret == -ENOTCONN || ret == -ENOTSUP) {
		shell_print(sh, "%s meets nobody: %s", instance->name,
			    ret == -ENOTSUP ? "it has no other node" : "cats start");
		return 0;
	}
	shell_print(sh, "period %u ms", cats_period(instance));
	if (ret == -EAGAIN) {
		shell_print(sh, "searching for the others");
	} else {
		shell_print(sh, "next meeting in %u ms", us / USEC_PER_MSEC);
	}
	return 0;
}

SHELL_SUBCMD_ADD((cats), period, NULL,
		 SHELL_HELP("Show or set how often sleeping nodes meet", "[<milliseconds>]"),
		 cmd_period, 1, 1);
#endif

/* A setting cats/radio/NAME: a number of so many bytes in the processor's order. */
struct radio_setting {
	const char *name;
	uint8_t size;
	bool hex;
	int64_t least; /* below zero: it has a sign */
	int64_t most;
	int64_t unset; /* what the firmware was built with */
};

struct radio {
	const struct cats_transport *transport;
	const struct radio_setting *settings;
	size_t count;
};

#ifdef CONFIG_CATS_IEEE802154
static const struct radio_setting ieee802154[] = {
	{"channel", 2, false, 11, 26, CONFIG_CATS_IEEE802154_CHANNEL},
	{"pan", 2, true, 0, 0xfffe, CONFIG_CATS_IEEE802154_PAN},
	{"power", 2, false, -40, 20, CONFIG_CATS_IEEE802154_POWER},
	{"cca", 1, false, 0, 1, IS_ENABLED(CONFIG_CATS_IEEE802154_CCA)},
};
#endif

#ifdef CONFIG_CATS_NRF_RADIO
static const struct radio_setting nrf_radio[] = {
	{"channel", 2, false, 2, 80, CONFIG_CATS_NRF_RADIO_FREQUENCY},
	{"address", 4, true, 1, UINT32_MAX, CONFIG_CATS_NRF_RADIO_ADDRESS},
	{"power", 2, false, -40, 8, CONFIG_CATS_NRF_RADIO_POWER},
};
#endif

static const struct radio radios[] = {
#ifdef CONFIG_CATS_IEEE802154
	{&cats_ieee802154, ieee802154, ARRAY_SIZE(ieee802154)},
#endif
#ifdef CONFIG_CATS_NRF_RADIO
	{&cats_nrf_radio, nrf_radio, ARRAY_SIZE(nrf_radio)},
#endif
	{NULL, NULL, 0},
};

/* A number as it is stored. */
union stored {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	int16_t s16;
};

static const struct radio *radio_of(const struct shell *sh)
{
	const struct cats_instance *instance = cats_shell_instance(sh);
	const struct radio *radio = radios;

	if (instance == NULL) {
		return NULL;
	}
	while (radio->transport != NULL && radio->transport != instance->transport) {
		radio++;
	}
	if (radio->transport == NULL) {
		shell_error(sh, "%s has no settings", instance->transport->name);
		return NULL;
	}
	return radio;
}

static int64_t number_of(const struct radio_setting *setting, const union stored *value)
{
	if (setting->least < 0) {
		return value->s16;
	}
	return setting->size == 1 ? value->u8 : setting->size == 2 ? value->u16 : value->u32;
}

static void store(const struct radio_setting *setting, int64_t number, union stored *value)
{
	if (setting->size == 1) {
		value->u8 = (uint8_t)number;
	} else if (setting->size == 2) {
		value->u16 = (uint16_t)number;
	} else {
		value->u32 = (uint32_t)number;
	}
}

static void print_setting(const struct shell *sh, const struct radio_setting *setting,
			  int64_t number)
{
	if (setting->hex) {
		shell_print(sh, "%s 0x%x", setting->name, (uint32_t)number);
	} else {
		shell_print(sh, "%s %d", setting->name, (int)number);
	}
}

static int show_radio(const struct shell *sh, const struct radio *radio)
{
	for (size_t i = 0; i < radio->count; i++) {
		const struct radio_setting *setting = &radio->settings[i];
		union stored value = {0};
		const struct cats_setting known[] = {{setting->name, &value, setting->size}};
		int ret;

		store(setting, setting->unset, &value);
		ret = cats_settings("cats/radio", known, ARRAY_SIZE(known));
		if (ret != 0) {
			shell_error(sh, "the settings fail (%d)", ret);
			return ret;
		}
		print_setting(sh, setting, number_of(setting, &value));
	}
	return 0;
}

static int set_radio(const struct shell *sh, const struct radio_setting *setting, const char *text)
{
	union stored value = {0};
	char name[32];
	int ret = 0;
	int64_t number = text[0] == '-' ? shell_strtol(text, 0, &ret)
					: (int64_t)shell_strtoul(text, 0, &ret);

	if (ret != 0 || !IN_RANGE(number, setting->least, setting->most)) {
		if (setting->hex) {
			shell_error(sh, "%s: a number from 0x%x to 0x%x is wanted", text,
				    (uint32_t)setting->least, (uint32_t)setting->most);
		} else {
			shell_error(sh, "%s: a whole number from %d to %d is wanted", text,
				    (int)setting->least, (int)setting->most);
		}
		return -EINVAL;
	}
	store(setting, number, &value);
	snprintf(name, sizeof(name), "cats/radio/%s", setting->name);
	ret = save(sh, name, &value, setting->size);
	if (ret == 0) {
		print_setting(sh, setting, number);
	}
	return ret;
}

static int cmd_radio(const struct shell *sh, size_t argc, char **argv)
{
	const struct radio *radio = radio_of(sh);

	if (radio == NULL) {
		return -ENOTSUP;
	}
	if (argc == 1) {
		return show_radio(sh, radio);
	}
	for (size_t i = 0; argc == 3 && i < radio->count; i++) {
		if (strcmp(argv[1], radio->settings[i].name) == 0) {
			return set_radio(sh, &radio->settings[i], argv[2]);
		}
	}
	if (argc == 3) {
		shell_error(sh, "%s is no setting of %s: cats radio", argv[1],
			    radio->transport->name);
	} else {
		shell_error(sh, "%s: a value is missing", argv[1]);
	}
	return -EINVAL;
}

SHELL_SUBCMD_ADD((cats), group, NULL,
		 SHELL_HELP("Show or set the group of the nodes that hear each other", "[<hex>]"),
		 cmd_group, 1, 1);
SHELL_SUBCMD_ADD((cats), radio, NULL,
		 SHELL_HELP("Show or set what the radio is set to", "[<name> <value>]"), cmd_radio,
		 1, 2);
