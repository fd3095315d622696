/*
 * An HTTP/1.1 listener over libmicrohttpd that asks its user for every answer: whole requests are handed out one by
 * one, and each is answered whenever its user likes, or its connection is abused on purpose.
 *
 * No threads and no callbacks: `lp_listener_fd` says when there is something to do, `lp_listener_run` does it. Nothing
 * here knows Lua. A listener belongs to one thread.
 */
#ifndef LP_LISTENER_H
#define LP_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h" /* lp_header */

typedef struct lp_listener lp_listener;

typedef struct {
  const char *host;    /* an IPv4 or IPv6 address, or "localhost"; NULL: 127.0.0.1 */
  uint16_t port;       /* 0: one that is free */
  size_t body_limit;   /* bytes; a larger body is answered with 413. 0: LP_BODY_LIMIT */
  unsigned keep_alive; /* seconds that a silent connection stays open; 0: for ever */
  bool shut;           /* has its port, and refuses connections until lp_listener_open */
} lp_listener_options;

#define LP_BODY_LIMIT ((size_t)8 * 1024 * 1024)

/* Names one request of one listener; never 0, below 2^53. Late use of an old id finds nothing. */
typedef uint64_t lp_arrival_id;

/* A request that arrived whole. Valid until it is answered or ended. */
typedef struct {
  lp_arrival_id id;
  const char *method;
  const char *path;    /* as it was sent, with its escapes and without its query */
  const char *query;   /* as it was sent, without the `?`; "" */
  const char *http;    /* "1.0" or "1.1" */
  const char *headers; /* header_count times name, NUL, value, NUL; names in lower case */
  size_t header_count;
  const char *body; /* NULL when body_len is 0 */
  size_t body_len;
} lp_arrival;

typedef enum {
  LP_CLOSE, /* as if the program behind it had ended: FIN */
  LP_RESET, /* RST */
} lp_finish;

/* NULL when it cannot listen; `why` (of `why_size` bytes) then says "HOST:PORT: reason". `options` may be NULL. */
lp_listener *lp_listener_new(const lp_listener_options *options, char *why, size_t why_size);

/* Closes every connection, answered or not, and frees everything. NULL is allowed. */
void lp_listener_free(lp_listener *listener);

/* Takes connections from now on; true when it does so already. False, and `why` as for lp_listener_new, when it cannot. */
bool lp_listener_open(lp_listener *listener, char *why, size_t why_size);

uint16_t lp_listener_port(const lp_listener *listener);

/* Becomes readable when there is something to run; belongs to the listener. */
int lp_listener_fd(const lp_listener *listener);

/* Accepts, reads and writes what can be done without waiting. */
void lp_listener_run(lp_listener *listener);

/* Seconds after which it has to run although its descriptor is silent; negative: never. */
double lp_listener_timeout(lp_listener *listener);

/* The next request that arrived whole, each once, in the order of their arrival; NULL: none. */
const lp_arrival *lp_listener_next(lp_listener *listener);

/*
 * Answers a request that was handed out; the connection goes on. The body is not sent where HTTP has none (HEAD, 204,
 * 304); Content-Length is the listener's own.
 * Returns false for an id that is unknown or ended, or was written to; and, with a reason in `*wrong` (else NULL), for
 * an answer that may not be sent: the request then still waits.
 */
bool lp_listener_answer(lp_listener *listener, lp_arrival_id id, unsigned status, const lp_header *headers,
                        size_t header_count, const void *body, size_t body_len, const char **wrong);

/* Writes bytes to the client as they are, in place of an answer; may be repeated, and is ended by lp_listener_finish.
 * Never waits: what the client has no room for yet is kept, and written by later runs. False when not everything was
 * taken: the client has gone, there is no memory, or the id is unknown or ended. */
bool lp_listener_write(lp_listener *listener, lp_arrival_id id, const void *bytes, size_t len);

/* Ends the connection of a request that was handed out, without an answer. LP_CLOSE does so when all that was written
 * has been sent, LP_RESET at once. */
bool lp_listener_finish(lp_listener *listener, lp_arrival_id id, lp_finish how);

/* Ends the next `count` connections as soon as they are made, before anything of them is read. Returns how many of those
 * that it was told of before have not come. */
size_t lp_listener_hang_up(lp_listener *listener, size_t count, lp_finish how);

/* Whether the client has closed its end; true for an id that is unknown or ended. */
bool lp_listener_gone(lp_listener *listener, lp_arrival_id id);

/* How many requests were handed out and neither answered nor ended. */
size_t lp_listener_waiting(const lp_listener *listener);

#endif
