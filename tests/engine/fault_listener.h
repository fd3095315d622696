/*
 * A listener for tests, on threads of its own, that fails in exactly one place and counts what it acted on. A request
 * counts as acted on only when the whole of it arrived. Everything but the one faulty exchange is answered well, so a
 * second sending shows up as a second act.
 */
#ifndef FAULT_LISTENER_H
#define FAULT_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { FAULT_H1, FAULT_TLS, FAULT_H2 } fault_transport; /* HTTP/1.1; the same over TLS; HTTP/2 by ALPN */

typedef enum {
  PLACE_NONE,
  PLACE_CONNECT,   /* of the proxy: instead of its answer to CONNECT */
  PLACE_TLS,       /* after the client's first bytes of the handshake */
  PLACE_BEFORE,    /* before the first byte of the request is read */
  PLACE_PART,      /* the headers and some of the body have been read */
  PLACE_AFTER,     /* acted, no answer */
  PLACE_STATUS,    /* in the status line; HTTP/2: in the HEADERS frame */
  PLACE_HEADERS,   /* before the blank line; HTTP/2: HEADERS without END_HEADERS */
  PLACE_BODY,      /* fewer bytes than Content-Length; HTTP/2: DATA without END_STREAM */
  PLACE_CHUNK,     /* no last chunk; HTTP/2: in a DATA frame */
  PLACE_ANSWER,    /* acted, then `answer` */
  PLACE_IDLE,      /* after exchange number `at - 1` was answered well, when told: fault_let_go */
  PLACE_GOAWAY,    /* HTTP/2: GOAWAY that leaves the request's stream out; not acted */
  PLACE_REFUSED,   /* HTTP/2: RST_STREAM REFUSED_STREAM; not acted */
  PLACE_RESET,     /* HTTP/2: RST_STREAM INTERNAL_ERROR, acted */
  PLACE_INTERIM,   /* HTTP/2: :status 100 and no more */
  PLACE_EMPTY,     /* HTTP/2: an answer that ends with its headers */
} fault_place;

typedef enum {
  HOW_FIN,    /* ends the connection, with no word of TLS about it */
  HOW_NOTIFY, /* the same, after TLS's close_notify */
  HOW_RST,
  HOW_SILENT, /* says nothing more, until the client is gone */
  HOW_KEEP,   /* goes on to the next exchange */
} fault_how;

/* What happens to connections that come after the fault. */
typedef enum { THEN_GOOD, THEN_REFUSED, THEN_TLS_REFUSED, THEN_SILENT } fault_then;

typedef enum { CERT_GOOD, CERT_UNTRUSTED, CERT_WRONG_NAME, CERT_EXPIRED, CERT_WANTS_CLIENT, CERT_ASKS_CLIENT } fault_certificate;

typedef struct {
  fault_transport transport;
  fault_place place;
  fault_how how;
  unsigned at; /* the exchange that fails; those before it are good and on the same connection */
  fault_then then;
  fault_certificate certificate;
  bool proxy;         /* a CONNECT comes first; the listener is then itself the origin */
  bool hold;          /* acts, and answers only when told: fault_let_go */
  const char *answer; /* raw bytes for PLACE_ANSWER, PLACE_CONNECT, PLACE_TLS, PLACE_PART */
  size_t answer_len;  /* 0: strlen(answer) */
  const char *good;   /* HTTP/1.1: the answer to everything else, NULL for a small JSON object */
  size_t good_len;
} fault_plan;

typedef struct {
  unsigned connections, begun, acted;
  unsigned held, most_held; /* requests acted on and not answered: now, and at most */
  bool reached;             /* the fault happened… */
  double reached_at;        /* …at this time, lp_now() */
} fault_counts;

typedef struct fault_listener fault_listener;

/* Listens on a free port of 127.0.0.1. Ends the program when the system does not let it. */
fault_listener *fault_listen(const fault_plan *plan);

/* No new connection is made from here on. Waits until every connection has been served to its end, so the client must
 * have closed them (lp_engine_free). The counts are final then. */
void fault_finish(fault_listener *listener);

/* After fault_finish. */
void fault_free(fault_listener *listener);

bool fault_is_tls(const fault_listener *listener);
int fault_port(const fault_listener *listener);
fault_counts fault_count(fault_listener *listener);

/* Lets `count` held requests be answered, or idle connections end, now or when they come. */
void fault_let_go(fault_listener *listener, unsigned count);

/* Waits for the fault to happen. */
void fault_wait_reached(fault_listener *listener);

/* HTTP/1.1: the head (up to and with the blank line) and the body of the request acted on last; valid until the next
 * one. */
const char *fault_last_head(fault_listener *listener);
const char *fault_last_body(fault_listener *listener, size_t *len);

/* The last handshake: the common name in the client's certificate; "" when it showed none. With CERT_ASKS_CLIENT. */
const char *fault_last_client(fault_listener *listener);

/* The head of the last CONNECT, see plan.proxy; "" before one. */
const char *fault_last_connect(fault_listener *listener);

/* Makes the certificates. Returns the PEM file of the authority that signs the good one. */
const char *fault_tls_start(void);
void fault_tls_stop(void);

/* A PEM file with a client's certificate, of "client", and its key; between start and stop. */
const char *fault_tls_client(void);

/* Names under .invalid, see fault_names.c: "slow.invalid" is not answered before this, and "both.invalid" is ::1 and then
 * 127.0.0.1. */
void fault_names_answer(void);

/* A port of 127.0.0.1 that refuses connections, or does not answer to them, until fault_port_close. */
typedef struct {
  int port, fds[8];
} fault_dead_port;
fault_dead_port fault_closed_port(void);
fault_dead_port fault_deaf_port(void);
void fault_port_close(fault_dead_port *port);

#endif
