/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_transport Transports
 * @ingroup cats
 * @brief What carries frames between nodes: one small interface, one implementation per radio.
 *
 * A transport is a broadcast medium with a clock. It sends opaque frames of 1 to mtu bytes at the
 * time it is told, or not at all, and hands over what it hears, with the time at which it heard it.
 * It promises nothing else: a frame may be lost, but never changed (the radio's CRC sees to that).
 * It knows nothing of gathers.
 *
 * A slot is used or lost: what cannot start in time is not sent, for it would disturb the slot of
 * another. In time is what the transport's clock, and the timer that wakes it, can tell from it. So
 * that frames are in time, a transport takes the next one while one waits or is on the air, built
 * and sealed, and starts it by itself: from the interrupt at the end of the first, say. Between two
 * slots of one node there is then nothing that has to wait for a thread.
 *
 * Time is in microseconds of the transport's free-running clock, 32 bits, wrapping; times compare
 * by the sign of their difference. The start of a frame is one fixed point of it, the same for
 * sending and for receiving: the first bit on the air, say. A driver that reports the end of a
 * frame subtracts its air time.
 *
 * All callbacks run on cats_air_queue, so one after the other: a transport whose driver reports
 * from an interrupt hands over to that queue with a k_work first.
 *
 * @{
 */

#ifndef CATS_TRANSPORT_H_
#define CATS_TRANSPORT_H_

#include <stdbool.h>
#include <stdint.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/slist.h>

#include <cats/image.h>
#include <cats/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Frames that a port may have with its transport at a time. */
#define CATS_TRANSPORT_FRAMES 2

/** Work queue of everything that has to do with the air, of CONFIG_CATS_AIR_PRIORITY. */
extern struct k_work_q cats_air_queue;

/** One user's end of a transport. Allocated by the user, who sets received, sent and sensed. */
struct cats_port {
	/**
	 * A frame was heard.
	 *
	 * @param frame as it was given to send(); the transport's, valid during the call
	 * @param size  its bytes
	 * @param start transport time of its start
	 */
	void (*received)(struct cats_port *port, const uint8_t *frame, uint16_t size,
			 uint32_t start);
	/**
	 * A frame was sent, or is not. Told once for each frame that send() accepted, in their
	 * order, perhaps before send() returns.
	 *
	 * @param ok    false: it was not sent (clear channel assessment, too late)
	 * @param start transport time of its true start, or of what it would have been
	 */
	void (*sent)(struct cats_port *port, bool ok, uint32_t start);
	/**
	 * What sense() was asked for: whether the air was busy. Told once for each call that was
	 * accepted.
	 */
	void (*sensed)(struct cats_port *port, bool busy);
	/** Of the frame that received() tells: the power with which it was heard, dBm; 0: the radio
	 * does not tell. Set by the transport.
	 */
	int8_t power;
	/** The transport's own. */
	sys_snode_t list;
#ifdef CONFIG_CATS_LOOPBACK
	/** @cond INTERNAL_HIDDEN */
	uint32_t sense_us;
	bool senses;
	/** @endcond */
#endif
};

/** A transport. Constant; its state is its own. */
struct cats_transport {
	/** For people: "loopback". */
	const char *name;
	/**
	 * enum cats_radio: cats_start() refuses an image that is planned for another one, whose
	 * slots are too short, or longer than need be. CATS_RADIO_ANY: it takes all.
	 */
	uint8_t radio;
	/** Largest frame, bytes. cats_start() refuses an image whose plan has larger ones. */
	uint16_t mtu;
	/**
	 * Begin to listen and to accept frames. Called from threads.
	 *
	 * @retval 0 on success
	 * @retval -EBUSY no room for another port
	 * @retval -errno of the driver
	 */
	int (*attach)(struct cats_port *port);
	/**
	 * No callback of this port runs or comes after it returned; a frame that waits may be lost.
	 * Called from threads, but not from cats_air_queue.
	 */
	void (*detach)(struct cats_port *port);
	/** The time. Called from any context. */
	uint32_t (*now)(void);
	/**
	 * Send a frame so that it starts at @p at.
	 *
	 * CATS_TRANSPORT_FRAMES a port at a time, each to start behind the one before it. Called on
	 * cats_air_queue.
	 *
	 * @param frame copied
	 * @retval 0 accepted; sent() follows
	 * @retval -ETIME    @p at has passed, or is too near
	 * @retval -EMSGSIZE larger than mtu
	 * @retval -ENOBUFS  too many frames wait
	 * @retval -errno    of the driver
	 */
	int (*send)(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t at);
	/**
	 * Find out whether anybody sends a frame that starts about @p at: one, or several at once,
	 * who cannot be understood. The receiver may miss frames meanwhile. Own frames that wait
	 * end before. Called on cats_air_queue. NULL: the radio cannot tell, and no image for it
	 * asks.
	 *
	 * @retval 0 accepted; sensed() follows
	 * @retval -errno it is not known
	 */
	int (*sense)(struct cats_port *port, uint32_t at);
	/**
	 * Reschedule @p work on cats_air_queue for @p at, or for now where that has passed; what an
	 * earlier call said no longer counts. NULL: the kernel's clock goes as this one. Called on
	 * cats_air_queue.
	 *
	 * @param work one a port; its user cancels it behind detach()
	 */
	void (*wake)(struct cats_port *port, struct k_work_delayable *work, uint32_t at);
	/**
	 * Have the receiver on only when @p listen says so, until this is called again, or a rest
	 * that it tells has ended. A frame that is being received is received to its end where the
	 * driver can tell. NULL: it always listens. Called on cats_air_queue.
	 *
	 * With CONFIG_CATS_SLEEP what makes the radio's time may stop in a long rest as well; now()
	 * goes on. A frame is then sent if it is handed over some milliseconds ahead.
	 *
	 * @param ready_us in a rest: frames may be handed over as ever from then on, so all that
	 *                 sending needs is to run by then
	 */
	void (*listen)(struct cats_port *port, const struct cats_listen *listen, uint32_t ready_us);
	/** Where there is listen(): microseconds for which the receiver was off so far; wraps. */
	uint32_t (*rested_us)(void);
	/** Where there is listen(): so long behind its start a frame is being received; 0: not
	 * known before its end.
	 */
	uint16_t detect_us;
	/**
	 * Where there is listen(): microseconds by which now(), and so the starts of frames that
	 * are sent or heard, may differ behind a rest from a clock that did not stop. It does not
	 * add up over rests; the drift of the clock that goes on in them is not in it.
	 */
	uint16_t jitter_us;
};

#if defined(CONFIG_CATS_LOOPBACK) || defined(__DOXYGEN__)

/**
 * @brief All instances of this process share one air, which loses nothing by itself.
 *
 * Every port hears a frame when its air time has passed, counted from its start at
 * CONFIG_CATS_LOOPBACK_BYTE_NS a byte. Frames that overlap do not disturb each other. The clock is
 * the kernel's, CONFIG_CATS_LOOPBACK_SLOWDOWN times slower. It wakes up by ticks, so a frame may be
 * CONFIG_CATS_LATE_US late.
 */
extern const struct cats_transport cats_loopback;

#endif

#if defined(CONFIG_CATS_NRF_RADIO) || defined(__DOXYGEN__)

/**
 * @brief The nRF RADIO peripheral with the framing of Bluetooth LE at 2 Mbit/s, and nobody else's.
 *
 * The clock is TIMER0 on the crystal, and the kernel's in long rests. Frames start to the
 * microsecond when they are to; the receiver is on in between, but for what listen() says. One
 * instance at a time.
 */
extern const struct cats_transport cats_nrf_radio;

/** What cats_nrf_radio counts, since the start of the program. */
struct cats_nrf_radio_stats {
	uint32_t sent;    /**< frames */
	uint32_t heard;   /**< frames handed over */
	uint32_t damaged; /**< frames with a wrong CRC */
	uint32_t overrun; /**< frames for which no buffer was free */
	uint32_t late;    /**< frames not sent, since an interrupt came too late */
};

/** Read at any time. */
extern struct cats_nrf_radio_stats cats_nrf_radio_stats;

#endif

#if defined(CONFIG_CATS_IEEE802154) || defined(__DOXYGEN__)

/**
 * @brief Broadcast data frames of IEEE 802.15.4 through the driver chosen as zephyr,ieee802154.
 *
 * One port. The clock is the driver's where it has one, else the kernel's. A frame starts with
 * the transmitter's ramp-up, 200 microseconds before its length byte.
 */
extern const struct cats_transport cats_ieee802154;

#endif

#if defined(CONFIG_CATS_BLE) || defined(__DOXYGEN__)

/**
 * @brief Bluetooth LE without connections: extended advertising and scanning, on any controller.
 *
 * One port. It enables the host where nobody did, and scans without a pause, but for what listen()
 * says, so nobody else can scan. The clock is the kernel's. A frame starts with the packet that has
 * the data, behind those on the primary channels; when exactly, the controller decides.
 */
extern const struct cats_transport cats_ble;

#endif

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_TRANSPORT_H_ */
