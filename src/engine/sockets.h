/*
 * The sockets that libcurl has opened for an engine's connections, so that one can be looked at before a request goes into it. Private to the
 * engine.
 *
 * libcurl 7.88 notices a kept connection that ended with a FIN, but not one that ended with TLS's close_notify (how most
 * servers end an idle one), nor a reset. Without this look, the first call after a pause would be sent into a connection
 * that is gone, and nobody could say whether it had been acted on.
 */
#ifndef LP_SOCKETS_H
#define LP_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
  struct lp_socket {
    curl_socket_t fd;
    int port; /* the local one; 0: not known yet (not connected when last looked at) */
  } *all;
  size_t count, room;
} lp_sockets;

/* Makes libcurl open and close an easy handle's sockets through `sockets`. */
void lp_sockets_watch(lp_sockets *sockets, CURL *easy);

/* Whether the other side has ended the connection with this local port. Connections to several hosts may share a port:
 * then it is enough that one of them has ended. */
bool lp_sockets_ended(lp_sockets *sockets, int port);

void lp_sockets_free(lp_sockets *sockets);

#endif
