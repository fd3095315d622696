/*
 * A route: one way to reach origins, that is what an lp_transport says. Private to the engine.
 *
 * libcurl 7.88 takes a kept connection for another request although the client's key or its password is another, and a
 * handle keeps its TLS sessions. So each route has its own connections and sessions: what one client may use never
 * carries a request of another.
 */
#ifndef LP_ROUTE_H
#define LP_ROUTE_H

#include <curl/curl.h>

#include "engine/bytes.h"
#include "engine/engine.h"
#include "engine/proxy.h"

typedef struct lp_route lp_route;

struct lp_route {
  lp_route *next;
  size_t users;  /* transfers that hold it, those in the pool whose handle stays on it too */
  CURLSH *share; /* its connections and TLS sessions */
  lp_bytes key;  /* all that tells it from others; the strings below are in it */
  const char *ca_file, *certificate, *private_key, *key_password; /* as in lp_transport */
  size_t connections;
  bool insecure, has_proxy;
  lp_proxy proxy;
};

typedef struct {
  lp_route *first; /* the one used last comes first */
  size_t made;     /* so far */
} lp_routes;

/* The route of a transport, held until lp_route_leave; NULL when there is no memory. `proxy` stands in place of the
 * transport's own, `ca_file` where it has none; both may be NULL. */
lp_route *lp_route_take(lp_routes *routes, const lp_transport *transport, const char *ca_file, const char *proxy);

/* Its connections stay for those who come later, until many other routes have been used. NULL is allowed. */
void lp_route_leave(lp_route *route);

/* Sets everything that a route says of a handle; false when there is no memory, and the handle may not be used. */
bool lp_route_set(const lp_route *route, CURL *easy);

/* Whether a handle may stay on it for its next request: nothing of it is secret, or somebody's own. */
bool lp_route_is_plain(const lp_route *route);

/* Takes all of a route from a handle. */
void lp_route_unset(CURL *easy);

/* No handle may be on any route any more. Closes their connections. */
void lp_routes_free(lp_routes *routes);

#endif
