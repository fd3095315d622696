#include "engine/route.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Seconds for which libcurl remembers what was in a CA file: it would be a day. */
enum { CA_SECONDS = 60 };

/* Routes that are kept for their connections although nobody uses them. */
enum { KEPT_ROUTES = 64 };

/* ---- finding ---- */

static bool add_text(lp_bytes *key, const char *text) {
  if (!text) return lp_bytes_add(key, "-", 1);
  return lp_bytes_add(key, "+", 1) && lp_bytes_add(key, text, strlen(text) + 1);
}

static bool make_key(lp_bytes *key, const lp_transport *transport, const char *ca_file, const char *proxy) {
  return lp_bytes_add(key, (const char *)&transport->connections, sizeof transport->connections) &&
         lp_bytes_add(key, transport->insecure ? "!" : ".", 1) && add_text(key, ca_file) &&
         add_text(key, transport->certificate) && add_text(key, transport->key) &&
         add_text(key, transport->key_password) && add_text(key, proxy);
}

static const char *next_text(const char **at) {
  if (*(*at)++ == '-') return NULL;
  const char *text = *at;
  *at += strlen(text) + 1;
  return text;
}

static void drop(lp_route *route) {
  if (route->share) curl_share_cleanup(route->share);
  lp_bytes_clear(&route->key, 0);
  lp_proxy_free(&route->proxy);
  free(route);
}

/* Takes over the key. */
static lp_route *make_route(lp_bytes *key) {
  lp_route *route = calloc(1, sizeof *route);
  if (!route) {
    lp_bytes_clear(key, 0);
    return NULL;
  }
  route->key = *key;
  const char *at = key->data;
  memcpy(&route->connections, at, sizeof route->connections);
  at += sizeof route->connections;
  route->insecure = *at++ == '!';
  route->ca_file = next_text(&at);
  route->certificate = next_text(&at);
  route->private_key = next_text(&at);
  route->key_password = next_text(&at);
  const char *proxy = next_text(&at);
  route->has_proxy = proxy != NULL;
  route->share = curl_share_init();
  if (!route->share || (proxy && !lp_proxy_read(&route->proxy, proxy)) ||
      curl_share_setopt(route->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK ||
      curl_share_setopt(route->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
    drop(route);
    return NULL;
  }
  return route;
}

/* The one that was used least recently, when there are too many without a user. */
static bool drop_one_too_many(lp_routes *routes) {
  size_t unused = 0;
  lp_route **oldest = NULL;
  for (lp_route **link = &routes->first; *link; link = &(*link)->next) {
    if ((*link)->users) continue;
    unused++;
    oldest = link;
  }
  if (unused <= KEPT_ROUTES) return false;
  lp_route *route = *oldest;
  *oldest = route->next;
  drop(route);
  return true;
}

lp_route *lp_route_take(lp_routes *routes, const lp_transport *transport, const char *ca_file, const char *proxy) {
  lp_bytes key = {0};
  if (!make_key(&key, transport, transport->ca_file ? transport->ca_file : ca_file, proxy)) {
    lp_bytes_clear(&key, 0);
    return NULL;
  }
  lp_route **link = &routes->first;
  while (*link && ((*link)->key.len != key.len || memcmp((*link)->key.data, key.data, key.len) != 0))
    link = &(*link)->next;
  lp_route *route = *link;
  if (route) {
    *link = route->next;
    lp_bytes_clear(&key, 0);
  } else {
    while (drop_one_too_many(routes)) {}
    route = make_route(&key);
    if (!route) return NULL;
    routes->made++;
  }
  route->next = routes->first;
  routes->first = route;
  route->users++;
  return route;
}

void lp_route_leave(lp_route *route) {
  if (route) route->users--;
}

void lp_routes_free(lp_routes *routes) {
  while (routes->first) {
    lp_route *next = routes->first->next;
    drop(routes->first);
    routes->first = next;
  }
}

/* ---- a handle's options ---- */

/* Every option is set, so that nothing depends on what the handle did before. */
bool lp_route_set(const lp_route *route, CURL *easy) {
  const char *system_file = NULL, *system_folder = NULL;
  curl_easy_getinfo(easy, CURLINFO_CAINFO, &system_file);
  curl_easy_getinfo(easy, CURLINFO_CAPATH, &system_folder);
  const char *password = route->key_password;
  /* Without one, OpenSSL would ask for it at the terminal. */
  if (route->certificate && !password) password = "";
  bool ok = curl_easy_setopt(easy, CURLOPT_SHARE, route->share) == CURLE_OK;
#define SET(option, value) ok = curl_easy_setopt(easy, option, value) == CURLE_OK && ok
  SET(CURLOPT_CAINFO, route->ca_file ? route->ca_file : system_file);
  SET(CURLOPT_CAPATH, route->ca_file ? NULL : system_folder);
  SET(CURLOPT_CA_CACHE_TIMEOUT, (long)CA_SECONDS);
  SET(CURLOPT_SSL_VERIFYPEER, route->insecure ? 0L : 1L);
  SET(CURLOPT_SSL_VERIFYHOST, route->insecure ? 0L : 2L);
  SET(CURLOPT_SSLCERT, route->certificate);
  SET(CURLOPT_SSLKEY, route->private_key);
  SET(CURLOPT_KEYPASSWD, password);
  /* "" and not NULL: libcurl looks at the environment otherwise. */
  SET(CURLOPT_PROXY, route->has_proxy ? route->proxy.url : "");
  SET(CURLOPT_NOPROXY, "");
  SET(CURLOPT_PROXYUSERNAME, route->proxy.user);
  SET(CURLOPT_PROXYPASSWORD, route->proxy.password);
#undef SET
  return ok;
}

bool lp_route_is_plain(const lp_route *route) {
  return !route->certificate && !route->private_key && !route->key_password && !route->has_proxy;
}

void lp_route_unset(CURL *easy) {
  static const CURLoption texts[] = {CURLOPT_CAINFO,        CURLOPT_CAPATH, CURLOPT_SSLCERT,
                                     CURLOPT_SSLKEY,        CURLOPT_KEYPASSWD, CURLOPT_PROXY,
                                     CURLOPT_PROXYUSERNAME, CURLOPT_PROXYPASSWORD};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) curl_easy_setopt(easy, texts[i], NULL);
  curl_easy_setopt(easy, CURLOPT_SHARE, NULL);
}
