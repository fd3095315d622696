/*
 * One transfer: a request in its own memory, a libcurl easy handle, what has arrived, and the evidence of what was sent.
 * Private to the engine.
 */
#ifndef LP_TRANSFER_H
#define LP_TRANSFER_H

#include <curl/curl.h>

#include "engine/bytes.h"
#include "engine/engine.h"
#include "engine/route.h"
#include "engine/sockets.h"

typedef enum { LP_FREE, LP_QUEUED, LP_RUNNING, LP_ENDED } lp_state;

typedef struct lp_origin lp_origin;
typedef struct lp_transfer lp_transfer;

struct lp_transfer {
  lp_sockets *sockets; /* its engine's */
  lp_route *route;     /* held; what the handle is set for, or NULL */
  lp_id id;
  lp_state state;
  bool told; /* reaped */
  lp_transfer *prev, *next; /* in its origin's queue, or in the engine's list of ended ones */
  lp_origin *origin;
  CURL *easy;
  double submitted, deadline; /* lp_now() */
  long connect_timeout_ms;

  lp_bytes request;           /* URL, method, header lines, body */
  struct curl_slist *headers; /* an array of header_count nodes that point into `request` */
  size_t header_room;
  CURLU *url; /* one that stays for the next request with the same, parsed; NULL: none */
  lp_bytes url_text;

  /* The evidence. */
  unsigned sendings;   /* how often libcurl was about to send the request; the second time is refused */
  bool stale;          /* the kept connection that libcurl chose had ended: nothing was sent into it */
  long size_before;    /* CURLINFO_REQUEST_SIZE at the first: what a proxy's CONNECT has counted */
  bool answer_began;   /* a status line arrived */
  bool answer_headed;  /* …and all headers, up to the blank line, of an answer that is not 1xx */
  lp_failure stopped;  /* why a callback of ours ended the transfer; LP_OK if none did */
  bool no_memory;

  lp_bytes head, body; /* of the answer; head as lp_response.headers has it */
  size_t head_seen;    /* bytes of header lines, of 1xx answers too */
  size_t response_limit;
  char curl_says[CURL_ERROR_SIZE];
  lp_response response;
};

/* A transfer with its easy handle, its lasting options set; NULL when there is no memory. */
lp_transfer *lp_transfer_new(lp_sockets *sockets);
void lp_transfer_free(lp_transfer *transfer);

/* Copies a request that has passed lp_request_fault and points the easy handle at the copy. The hold of its route becomes
 * the transfer's. False when there is no memory. */
bool lp_transfer_load(lp_transfer *transfer, const lp_request *request, lp_route *route);

/* Sets what is left of its time, just before it is given to the multi handle. */
void lp_transfer_arm(lp_transfer *transfer, double now);

/* Whether nothing was sent because the connection had ended before: the transfer is then ready to run again, on a new
 * one. That connects again; it repeats nothing. */
bool lp_transfer_begin_again(lp_transfer *transfer, CURLcode code);

/* Fills in the response after libcurl has ended the transfer with `code`. */
void lp_transfer_end(lp_transfer *transfer, CURLcode code);

/* Fills in the response of a transfer that libcurl has not ended: a time-out in the queue, a cancel. */
void lp_transfer_stop(lp_transfer *transfer, lp_failure failure, const char *message);

/* Wipes what the transfer carried and makes it ready for another. It stays on a plain route: the next one may be its. */
void lp_transfer_clear(lp_transfer *transfer);

/* Takes one that carries nothing from the route that it has stayed on. */
void lp_transfer_leave_route(lp_transfer *transfer);

#endif
