/* Which proxy the environment names, and what a proxy's URL says. Private to the engine. */
#ifndef LP_PROXY_H
#define LP_PROXY_H

#include "engine/bytes.h"

/*
 * The proxy that the environment names for a URL that has passed lp_request_fault, as curl reads it: http_proxy (in lower
 * case only: a web server hands a header of its clients to a CGI program as HTTP_PROXY), https_proxy or HTTPS_PROXY, else
 * all_proxy or ALL_PROXY; none where no_proxy or NO_PROXY has the host. NULL: none.
 *
 * libcurl would do the same, and not tell which one it took.
 */
const char *lp_proxy_from_environment(const char *url, size_t len);

/* A proxy's URL in its parts, each NUL-terminated. */
typedef struct {
  lp_bytes text; /* of all parts */
  const char *url;             /* without credentials */
  const char *name;            /* host and port, as the URL has them; NULL: it cannot be read, and libcurl refuses `url` */
  const char *user, *password; /* without escapes; NULL: none */
} lp_proxy;

/* False when there is no memory. */
bool lp_proxy_read(lp_proxy *proxy, const char *url);

void lp_proxy_free(lp_proxy *proxy);

#endif
