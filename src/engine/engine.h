/*
 * The engine carries many HTTP transfers at once over one libcurl multi handle.
 *
 * Five verbs: submit, drive, reap, take, cancel. Nothing here knows Lua, calls back into its user, or repeats a
 * request: whether repeating is safe is for its user to say, from the evidence that every response carries.
 *
 * An engine belongs to one thread at a time.
 */
#ifndef LP_ENGINE_H
#define LP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/clock.h"

typedef struct lp_engine lp_engine;

/* Names one transfer of one engine; never 0. A slot number and its generation, below 2^53, so that LuaJIT holds it
 * exactly and a late cancel or take of an old id finds nothing. */
typedef uint64_t lp_id;

/* What became of a transfer, as far as carrying bytes goes. */
typedef enum {
  LP_OK,        /* an answer arrived whole: status, headers and body */
  LP_NETWORK,   /* not resolved, not connected, or the connection was lost */
  LP_TLS,       /* no agreement on TLS, or the certificate was not good */
  LP_TIMEOUT,   /* the deadline or the connect time-out passed */
  LP_PROTOCOL,  /* what arrived is not an HTTP answer, or only part of one */
  LP_TOO_LARGE, /* the answer is larger than the limit */
  LP_CANCELLED, /* cancelled before it ended */
} lp_failure;

/* What is known of the request without an answer: the word that everything safe is built on. */
typedef enum {
  LP_ANSWERED, /* a whole status line and all headers arrived: the status says what happened */
  LP_NOT_SENT, /* no byte of the request reached the origin */
  LP_UNKNOWN,  /* bytes were sent and no answer tells what was done with them */
} lp_outcome;

typedef struct {
  const char *name, *value; /* NUL-terminated; checked again by submit, see lp_engine_submit */
  size_t name_len, value_len;
} lp_header;

/* How an origin is reached. What has carried requests in one way never carries those of another: connections, TLS
 * sessions and turns in the queue are each way's own. A file that cannot be used ends the transfer as LP_TLS. */
typedef struct {
  const char *ca_file;      /* PEM, in place of the engine's and the system's; NULL: those */
  const char *certificate;  /* the client's own, PEM; NULL: none */
  const char *key;          /* its private key, PEM; NULL: it is in the certificate's file */
  const char *key_password; /* NULL: the key needs none */
  const char *proxy;        /* "http://[user:password@]host:port"; "": none; NULL: as the environment says */
  bool insecure;            /* no certificate is verified */
  size_t connections;       /* in place of the engine's per_host; 0: that */
} lp_transport;

typedef struct {
  const char *method; /* "GET", "POST", …: letters only */
  const char *url;    /* http or https, absolute, already escaped; sent as it stands */
  size_t method_len, url_len;
  bool head_is_right; /* method and headers have passed lp_head_fault */
  bool keep_url; /* it may stay in memory: nothing in it is secret, and it comes again. One with a query never stays. */
  const lp_header *headers;
  size_t header_count;
  const char *body; /* NULL: no body; a length of 0 with a body sends Content-Length: 0 */
  size_t body_len;
  long timeout_ms;         /* the whole transfer, waiting in the queue included; at least 1 */
  long connect_timeout_ms; /* name, connection and TLS together; at least 1 */
  size_t response_limit;   /* bytes of body after decompression; 0: LP_RESPONSE_LIMIT */
  lp_transport transport;
} lp_request;

typedef struct {
  lp_failure failure;
  lp_outcome outcome;
  char message[512];   /* "" when failure is LP_OK; of the request at most its hosts and the files of certificates */
  int status;          /* of an answer whose headers arrived whole, else 0 */
  const char *headers; /* header_count times name, NUL, value, NUL; names in lower case */
  size_t header_count, headers_len;
  const char *body; /* what arrived of it, decompressed */
  size_t body_len;
  const char *proxy; /* host and port of the proxy that it was to go through; NULL: none */
  bool reused;    /* the transfer began on a connection that had carried another */
  int http;       /* 10, 11 or 20; 0 when no answer began */
  double seconds; /* from submit to end */
} lp_response;

typedef struct {
  size_t per_host;     /* transfers in flight to one origin, the rest wait in the engine; 0: LP_PER_HOST */
  size_t buffer;       /* bytes that a transfer reads at once; 0: libcurl's 16 KB */
  const char *ca_file; /* PEM; NULL: the system's certificates */
} lp_engine_options;

#define LP_RESPONSE_LIMIT ((size_t)8 * 1024 * 1024)
#define LP_HEADER_LIMIT ((size_t)256 * 1024) /* bytes of one answer's headers */
#define LP_HEADER_COUNT ((size_t)1000)
#define LP_PER_HOST ((size_t)128)

/* NULL when memory or libcurl fail. `options` may be NULL; its strings are copied. */
lp_engine *lp_engine_new(const lp_engine_options *options);

/* Ends every transfer and frees everything. NULL is allowed. */
void lp_engine_free(lp_engine *engine);

/* For whoever sends many requests that begin alike, see head_is_right: what is wrong with the method, a header or
 * connect_timeout_ms (a constant; it never quotes the request); NULL when nothing is. */
const char *lp_head_fault(const lp_request *request);

/*
 * Starts a transfer, or queues it when its origin has enough in flight. Everything is copied.
 * Returns its id, or 0 and a message in `why` (of `why_size` bytes) for a request that may not be sent: a scheme other
 * than http and https, a URL with anything but printable ASCII, a method or header with CR, LF, NUL or another control
 * character, a header name that is no token (RFC 9110, 5.6.2), Content-Length or Transfer-Encoding (they are the
 * engine's), no time at all.
 */
lp_id lp_engine_submit(lp_engine *engine, const lp_request *request, char *why, size_t why_size);

/* Moves bytes, waiting at most `ms` milliseconds for something to happen: on a connection, on a watched descriptor, or
 * a signal. Returns the number of transfers that have ended and are not yet reaped. Returns at once when some have, or
 * when nothing is in flight and nothing watched. */
size_t lp_engine_drive(lp_engine *engine, int ms);

/* Lets drive return early while `fd`, which belongs to somebody else, is readable or has an error. Unwatch it before it
 * is closed. False when there is no memory. */
bool lp_engine_watch(lp_engine *engine, int fd);

/* Harmless for a descriptor that is not watched. */
void lp_engine_unwatch(lp_engine *engine, int fd);

/* Writes up to `max` ids of ended transfers, each told once, in the order of their ends. Returns how many. */
size_t lp_engine_reap(lp_engine *engine, lp_id *ids, size_t max);

/* The response of an ended transfer, valid until `lp_engine_release`; NULL for an id that is unknown, in flight, or
 * released. Taking does not need reaping first. */
const lp_response *lp_engine_take(lp_engine *engine, lp_id id);

/* Gives a taken transfer back: its buffers are wiped and pooled. Harmless for an unknown id. */
void lp_engine_release(lp_engine *engine, lp_id id);

/* Ends a transfer in flight or queued as LP_CANCELLED; it is then reaped and taken as any other. Returns false, and
 * does nothing, for an id that is unknown or has ended. */
bool lp_engine_cancel(lp_engine *engine, lp_id id);

/* The part of an id that numbers what the engine holds: from 1, no larger than the most that it held at once. */
size_t lp_id_slot(lp_id id);

/* Transfers submitted and not ended, those in the queue included. */
size_t lp_engine_in_flight(const lp_engine *engine);

#endif
