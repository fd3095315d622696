/* What is to be sent to a client as it is, and waits until the client has room for it. Nothing here waits. */
#ifndef LP_LISTENER_OUTBOX_H
#define LP_LISTENER_OUTBOX_H

#include "engine/bytes.h"

#include <stdint.h>

/* Where those that hold something are watched. */
typedef struct {
  int epoll; /* becomes readable when a client has room; an event's data.u64 is the id that the outbox was given */
  size_t full;
} lp_outboxes;

typedef struct {
  lp_bytes bytes; /* from `sent` on they are still to be sent */
  size_t sent;
  bool closed; /* the client has gone, or there was no memory: nothing more can follow */
} lp_outbox;

/* Sends what the client has room for, and keeps the rest. False when not everything was taken. */
bool lp_outbox_write(lp_outbox *box, lp_outboxes *all, int fd, uint64_t id, const void *bytes, size_t len);

/* Sends more of what was kept. Whether nothing is left to be sent: it is empty, or nothing more can follow. */
bool lp_outbox_send(lp_outbox *box, lp_outboxes *all, int fd);

/* Forgets what was kept. It must be empty before its descriptor is closed. */
void lp_outbox_clear(lp_outbox *box, lp_outboxes *all, int fd);

#endif
