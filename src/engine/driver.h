/*
 * The driver: an engine on a thread of its own, for a program that has an event loop and may never wait.
 *
 * Whoever made the driver uses it from one thread, its own; no verb waits for the network or for a name. The engine's
 * thread calls nobody back. It tells of ended transfers by a byte on the bell (see lp_driver_hang): one, until some are
 * reaped, however many they are; and another for those that were left: whoever reaps a few at a time serves others in
 * between. When nothing ends it rings some times a second all the same: so whoever listens can look after its own
 * affairs, and waits for a byte without a time-out.
 */
#ifndef LP_DRIVER_H
#define LP_DRIVER_H

#include "engine/engine.h"

typedef struct lp_driver lp_driver;

/* Starts the thread, which has every signal blocked. NULL and a message in `why` when the system lets it not. */
lp_driver *lp_driver_new(const lp_engine_options *options, char *why, size_t why_size);

/* Ends every transfer, then the thread, and frees everything. NULL is allowed. In a process that was forked from the
 * one that made the driver, where there is no such thread, it leaves everything alone. */
void lp_driver_free(lp_driver *driver);

/* Whether this process is the one that made it: if not, nothing but lp_driver_free may be called. */
bool lp_driver_is_ours(const lp_driver *driver);

/* As lp_engine_submit. */
lp_id lp_driver_submit(lp_driver *driver, const lp_request *request, char *why, size_t why_size);

/* Wants the end of a transfer: unless it ends otherwise before, it is reaped and taken as LP_CANCELLED. Returns whether
 * it was still going on. */
bool lp_driver_cancel(lp_driver *driver, lp_id id);

/* The same for a transfer that nobody waits for any more: it is neither reaped nor taken. Also for one that has ended. */
void lp_driver_forget(lp_driver *driver, lp_id id);

/* As the engine's. */
size_t lp_driver_reap(lp_driver *driver, lp_id *ids, size_t max);
const lp_response *lp_driver_take(lp_driver *driver, lp_id id);
void lp_driver_release(lp_driver *driver, lp_id id);

/* Transfers submitted, and not taken and released. */
size_t lp_driver_held(const lp_driver *driver);

/* Hangs a bell: a unix-domain socket within a folder of its own in `folder`. Returns its path, to connect to at once; or
 * NULL and a message in `why`. The path is gone after lp_driver_answer. */
const char *lp_driver_hang(lp_driver *driver, const char *folder, char *why, size_t why_size);

/* From now on the thread rings by the connection that was made, in place of the one before. Returns whether there is
 * one. Whatever has ended before is to be reaped once without a byte. */
bool lp_driver_answer(lp_driver *driver);

#endif
