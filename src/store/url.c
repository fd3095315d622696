#include "store/url.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <string.h>

static const char *after_scheme(const char *url) {
  static const char *const schemes[] = {"postgresql://", "postgres://"};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    size_t len = strlen(schemes[i]);
    if (!strncmp(url, schemes[i], len)) return url + len;
  }
  return NULL;
}

/* What stands between the @ and the path: hosts with ports, parted by commas. */
static bool has_port_fault(const char *at, size_t len) {
  const char *end = at + len;
  while (at < end) {
    if (*at == '[') { /* an IPv6 address has colons of its own */
      const char *close = memchr(at, ']', (size_t)(end - at));
      if (!close) return true;
      at = close + 1;
    }
    while (at < end && *at != ':' && *at != ',') at++;
    if (at < end && *at == ':') {
      const char *port = ++at;
      while (at < end && *at >= '0' && *at <= '9') at++;
      if (at == port || at - port > 5) return true;
    }
    if (at < end && *at++ != ',') return true;
  }
  return false;
}

const char *lp_url_fault(const char *url) {
  const char *at = after_scheme(url);
  if (!at) return "a URL of PostgreSQL begins with postgres:// or postgresql://";
  size_t len = strcspn(at, "/?#");
  const char *sign = memchr(at, '@', len), *last = strrchr(at, '@');
  if (last != sign) return "the URL has an @ too many, or a / ? # before it: in a password they are %40 %2F %3F %23";
  const char *hosts = sign ? sign + 1 : at;
  if (has_port_fault(hosts, len - (size_t)(hosts - at))) return "the URL has a port that is no number";
  char *why = NULL;
  PQconninfoOption *parts = PQconninfoParse(url, &why);
  PQfreemem(why);
  if (!parts) return "libpq cannot read the URL: an option that it does not know, or a % without two digits";
  PQconninfoFree(parts);
  return NULL;
}
