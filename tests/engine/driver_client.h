/* A driver and a listener for it to talk to, in tests. These fail the running test when something is not as it should. */
#ifndef DRIVER_CLIENT_H
#define DRIVER_CLIENT_H

#include "engine/driver.h"
#include "fault_client.h"

typedef struct {
  lp_driver *driver;
  fault_listener *listener;
  int bell; /* the owner's end; -1: none */
  char url[256];
} driver_bench;

driver_bench driver_open(const fault_plan *plan, const lp_engine_options *options);

/* Returns what the listener has counted in the end. */
fault_counts driver_close(driver_bench *bench);

/* Hangs the bell in /tmp and connects to it, as an event loop would. */
void driver_hang(driver_bench *bench);

/* Submits a small POST. */
lp_id driver_post(driver_bench *bench);

/* Waits until the transfer has ended. */
const lp_response *driver_wait(driver_bench *bench, lp_id id);

/* The same; it must be in that way. */
const lp_response *driver_expect(driver_bench *bench, lp_id id, lp_failure failure, lp_outcome outcome);

/* Waits until the listener holds that many requests. */
void driver_until_held(driver_bench *bench, unsigned count);

/* Waits for a byte of the bell. False when none comes in `ms` milliseconds. */
bool driver_rings(driver_bench *bench, int ms);

#endif
