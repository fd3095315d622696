/* The other end of the fault listener in tests: an engine's user. */
#ifndef FAULT_CLIENT_H
#define FAULT_CLIENT_H

#include "engine/engine.h"
#include "fault_listener.h"

enum { CLIENT_PATIENCE = 30 }; /* seconds, after which a test gives up */

/* Takes the proxies of whoever runs the tests out of the environment. */
void client_forget_proxies(void);

/* For a group of tests that speak TLS, too: the proxies go, and fault_tls_start has made this file. */
extern const char *client_ca_file;
int client_start(void **state);
int client_stop(void **state);

/* A request with time enough; `body` may be NULL. The strings are the caller's. */
lp_request client_request(const char *method, const char *url, const char *body);

/* Submits what cannot be refused; ends the program when it is. */
lp_id client_submit(lp_engine *engine, const lp_request *request);

/* Drives until the transfer has ended; NULL after CLIENT_PATIENCE. */
const lp_response *client_wait(lp_engine *engine, lp_id id);

/* The value of the n-th header of that name, from 0; NULL if there is none. */
const char *client_header(const lp_response *response, const char *name, size_t n);

/* An engine and a listener for it to talk to. These fail the running test when something is not as it should be. */
typedef struct {
  lp_engine *engine;
  fault_listener *listener;
  char url[256];
} client_bench;

/* `per_host` and `ca_file` as in lp_engine_options. */
client_bench client_open(const fault_plan *plan, size_t per_host, const char *ca_file);

/* The listener's URL with that path and query; in `bench->url`. */
const char *client_url(client_bench *bench, const char *target);

/* Returns what the listener has counted in the end. */
fault_counts client_close(client_bench *bench);

/* Submits a small POST. */
lp_id client_post(client_bench *bench);

/* Drives until the transfer has ended, which must be in that way. */
const lp_response *client_expect(client_bench *bench, lp_id id, lp_failure failure, lp_outcome outcome);

/* Drives until the listener holds that many requests. */
void client_until_held(client_bench *bench, unsigned count);

const char *client_failure_name(lp_failure failure);
const char *client_outcome_name(lp_outcome outcome);

#endif
