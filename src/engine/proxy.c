#include "engine/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/request.h"

/* ---- the environment ---- */

static const char *variable(const char *lower, const char *upper) {
  const char *value = getenv(lower);
  if ((!value || !*value) && upper) value = getenv(upper);
  return value && *value ? value : NULL;
}

typedef struct {
  const char *text;
  size_t len;
  int family; /* AF_INET, AF_INET6, or AF_UNSPEC: a name */
  unsigned char address[16];
} host;

static int read_address(const char *text, size_t len, unsigned char address[16]) {
  char copy[INET6_ADDRSTRLEN];
  if (len >= sizeof copy) return AF_UNSPEC;
  memcpy(copy, text, len);
  copy[len] = '\0';
  if (inet_pton(AF_INET, copy, address) == 1) return AF_INET;
  return inet_pton(AF_INET6, copy, address) == 1 ? AF_INET6 : AF_UNSPEC;
}

static host host_of(const char *url, size_t len) {
  size_t end = lp_origin_len(url, len);
  const char *begin = memchr(url, ':', end);
  host made = {.text = begin + 3, .len = (size_t)(url + end - (begin + 3))};
  const char *bracket = made.text[0] == '[' ? memchr(made.text, ']', made.len) : NULL;
  const char *colon = memchr(made.text, ':', made.len);
  if (bracket) {
    made.len = (size_t)(bracket - ++made.text);
  } else if (colon) {
    made.len = (size_t)(colon - made.text);
  }
  if (!bracket && made.len && made.text[made.len - 1] == '.') made.len--;
  made.family = read_address(made.text, made.len, made.address);
  return made;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits) {
  if (memcmp(a, b, bits / 8) != 0) return false;
  return bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0;
}

/* "10.0.0.1", "10.0.0.0/8", "2001:db8::/32" */
static bool has_address(const char *entry, size_t len, const host *h) {
  unsigned all = h->family == AF_INET ? 32 : 128;
  unsigned long bits = all;
  const char *slash = memchr(entry, '/', len);
  if (slash) {
    char *end;
    bits = strtoul(slash + 1, &end, 10);
    if (end == slash + 1 || end != entry + len || bits > all) return false;
    len = (size_t)(slash - entry);
  }
  if (len > 2 && entry[0] == '[' && entry[len - 1] == ']') entry++, len -= 2;
  unsigned char address[16];
  return read_address(entry, len, address) == h->family && same_bits(address, h->address, (unsigned)bits);
}

/* "acme.com" and ".acme.com" have acme.com and all below it. */
static bool has_name(const char *entry, size_t len, const host *h) {
  if (len && entry[len - 1] == '.') len--;
  if (len && entry[0] == '.') entry++, len--;
  if (!len || len > h->len || strncasecmp(entry, h->text + h->len - len, len) != 0) return false;
  return len == h->len || h->text[h->len - len - 1] == '.';
}

static bool is_exempt(const char *list, const host *h) {
  if (strcmp(list, "*") == 0) return true;
  for (;;) {
    list += strspn(list, ", \t");
    size_t len = strcspn(list, ", \t");
    if (len == 0) return false;
    if (h->family == AF_UNSPEC ? has_name(list, len, h) : has_address(list, len, h)) return true;
    list += len;
  }
}

const char *lp_proxy_from_environment(const char *url, size_t len) {
  bool secure = strncasecmp(url, "https:", 6) == 0;
  const char *proxy = secure ? variable("https_proxy", "HTTPS_PROXY") : variable("http_proxy", NULL);
  if (!proxy) proxy = variable("all_proxy", "ALL_PROXY");
  if (!proxy) return NULL;
  const char *exempt = variable("no_proxy", "NO_PROXY");
  host h = host_of(url, len);
  return exempt && is_exempt(exempt, &h) ? NULL : proxy;
}

/* ---- a proxy's URL ---- */

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Adds a part to memory that is there already. */
static char *add(lp_bytes *text, const char *data, size_t len) {
  char *start = text->data + text->len;
  lp_bytes_add(text, data, len);
  lp_bytes_add(text, "", 1);
  return start;
}

/* RFC 3986, 2.1 */
static char *add_unescaped(lp_bytes *text, const char *data, size_t len) {
  char *start = add(text, data, len), *to = start;
  for (size_t i = 0; i < len; i++) {
    int high = data[i] == '%' && i + 2 < len ? hex(data[i + 1]) : -1, low = high >= 0 ? hex(data[i + 2]) : -1;
    if (low >= 0) i += 2;
    *to++ = low >= 0 ? (char)(16 * high + low) : data[i];
  }
  *to = '\0';
  return start;
}

static bool is_port(const char *text, size_t len) {
  unsigned long port = 0;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9' || i == 5) return false;
    port = 10 * port + (unsigned long)(text[i] - '0');
  }
  return len > 0 && port >= 1 && port <= 65535;
}

static bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* "proxy.acme.com", "10.0.0.1:3128", "[fe80::1%eth0]:3128" */
static bool is_place(const char *text, size_t len) {
  const char *end = text + len, *at = text;
  bool bracketed = len && *text == '[';
  if (bracketed) at++;
  const char *name = at;
  for (; at < end; at++) {
    bool is_other = (unsigned char)*at >= 0x80 || strchr(bracketed ? ":.%-_" : ".-_", *at);
    if (!is_letter_or_digit(*at) && !is_other) break;
  }
  if (at == name) return false;
  if (bracketed && (at == end || *at++ != ']')) return false;
  return at == end || (*at == ':' && is_port(at + 1, (size_t)(end - at - 1)));
}

static bool is_scheme(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!is_letter_or_digit(text[i]) && !strchr("+-.", text[i])) return false;
  return len > 0;
}

/* No part of what cannot be read is shown, or looked up as a host: a password with a / or a # may be anywhere. */
static void set_unreadable(lp_proxy *proxy) {
  static const char nowhere[] = "http://["; /* libcurl refuses it before it does anything */
  proxy->text.len = 0;
  proxy->url = add(&proxy->text, nowhere, sizeof nowhere - 1);
  proxy->name = proxy->user = proxy->password = NULL;
}

bool lp_proxy_read(lp_proxy *proxy, const char *url) {
  *proxy = (lp_proxy){0};
  if (!lp_bytes_reserve(&proxy->text, 3 * strlen(url) + sizeof "http://" + 4)) return false;
  const char *slashes = strstr(url, "://"), *begin = slashes ? slashes + 3 : url;
  size_t len = strcspn(begin, "/?#");
  const char *at = memrchr(begin, '@', len), *place = at ? at + 1 : begin;
  size_t place_len = len - (size_t)(place - begin);
  if (strchr(begin + len, '@') || !is_place(place, place_len) || (slashes && !is_scheme(url, (size_t)(slashes - url)))) {
    set_unreadable(proxy);
    return true;
  }
  if (at) {
    const char *colon = memchr(begin, ':', (size_t)(at - begin));
    proxy->user = add_unescaped(&proxy->text, begin, (size_t)((colon ? colon : at) - begin));
    proxy->password = colon ? add_unescaped(&proxy->text, colon + 1, (size_t)(at - colon - 1)) : "";
  }
  proxy->url = proxy->text.data + proxy->text.len;
  if (slashes) lp_bytes_add(&proxy->text, url, (size_t)(slashes + 3 - url));
  else lp_bytes_add(&proxy->text, "http://", 7);
  proxy->name = add(&proxy->text, place, place_len);
  return true;
}

void lp_proxy_free(lp_proxy *proxy) {
  lp_bytes_clear(&proxy->text, 0);
  *proxy = (lp_proxy){0};
}
