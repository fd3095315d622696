#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/clock.h"
#include "listener_client.h"

lp_listener *client_listener(lp_listener_options options) {
  char why[256];
  lp_listener *l = lp_listener_new(&options, why, sizeof why);
  if (!l) fail_msg("%s", why);
  return l;
}

client client_dial(const lp_listener *l, bool ipv6) {
  client c = {.fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
              .got = calloc(1, 1), .room = 1, .end = -1};
  assert_true(c.fd >= 0 && c.got);
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(lp_listener_port(l))};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port, .sin6_addr = in6addr_loopback};
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int done = ipv6 ? connect(c.fd, (struct sockaddr *)&v6, sizeof v6) : connect(c.fd, (struct sockaddr *)&v4, sizeof v4);
  assert_int_equal(done, 0);
  return c;
}

void client_hang_up(client *c) {
  close(c->fd);
  free(c->got);
  *c = (client){.fd = -1};
}

void client_say_bytes(const client *c, const char *bytes, size_t len) {
  assert_int_equal(send(c->fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void client_say(const client *c, const char *text) { client_say_bytes(c, text, strlen(text)); }

void client_pump(lp_listener *l, client *c, bool wait) {
  double after = lp_listener_timeout(l);
  struct pollfd ends[2] = {{.fd = lp_listener_fd(l), .events = POLLIN}, {.fd = c ? c->fd : -1, .events = POLLIN}};
  if (c && c->end != -1) ends[1].fd = -1;
  poll(ends, 2, !wait ? 0 : after >= 0 && after < 1 ? (int)(after * 1000) + 1 : 1000);
  lp_listener_run(l);
  for (char part[65536]; c && c->end == -1;) {
    ssize_t len = recv(c->fd, part, sizeof part, MSG_DONTWAIT);
    if (len < 0 && errno == EAGAIN) break;
    if (len <= 0) {
      c->end = len < 0 ? errno : 0;
      break;
    }
    if (c->len + (size_t)len >= c->room) c->got = realloc(c->got, c->room = 2 * (c->len + (size_t)len) + 1);
    assert_non_null(c->got);
    memcpy(c->got + c->len, part, (size_t)len);
    c->len += (size_t)len;
    c->got[c->len] = '\0';
  }
}

const lp_arrival *client_arrive(lp_listener *l, client *c) {
  double end = lp_now() + PATIENCE;
  const lp_arrival *arrival;
  while (!(arrival = lp_listener_next(l))) {
    if (lp_now() > end) fail_msg("no request arrived; the client got: %s", c ? c->got : "");
    client_pump(l, c, true);
  }
  return arrival;
}

void client_expect(lp_listener *l, client *c, const char *text) {
  for (double end = lp_now() + PATIENCE; !strstr(c->got, text);) {
    if (lp_now() > end || c->end != -1) fail_msg("no '%s' in: %s", text, c->got);
    client_pump(l, c, true);
  }
}

int client_until_end(lp_listener *l, client *c) {
  for (double end = lp_now() + PATIENCE; c->end == -1;) {
    if (lp_now() > end) fail_msg("the connection does not end; the client got: %s", c->got);
    client_pump(l, c, true);
  }
  return c->end;
}

void client_forget(client *c) {
  c->len = 0;
  c->got[0] = '\0';
}

char *client_large(void) {
  enum { PERIOD = 65521 }; /* a prime */
  char *bytes = malloc(CLIENT_LARGE);
  assert_non_null(bytes);
  for (size_t i = 0; i < PERIOD; i++) bytes[i] = (char)('a' + (i ^ i >> 8) % 23);
  for (size_t i = PERIOD; i < CLIENT_LARGE; i++) bytes[i] = bytes[i - PERIOD];
  return bytes;
}

bool client_answer(lp_listener *l, lp_arrival_id id, unsigned status, const char *body) {
  const char *wrong;
  bool answered = lp_listener_answer(l, id, status, NULL, 0, body, strlen(body), &wrong);
  assert_null(wrong);
  return answered;
}
