/* Connections that fail before anything of them is read: refused, or ended as soon as they are made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener_client.h"

static int dial_fails(const lp_listener *l) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(lp_listener_port(l))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int failed = connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? 0 : errno;
  close(fd);
  return failed;
}

static void good(lp_listener *l) {
  client c = client_dial(l, false);
  client_say(&c, GET("/"));
  assert_true(client_answer(l, client_arrive(l, &c)->id, 200, "good"));
  client_expect(l, &c, "good");
  client_hang_up(&c);
}

static void test_shut(void **state) {
  (void)state;
  char why[256];
  lp_listener *l = client_listener((lp_listener_options){.shut = true});
  assert_true(lp_listener_port(l) > 0);
  for (int i = 0; i < 2; i++) assert_int_equal(dial_fails(l), ECONNREFUSED);
  lp_listener_run(l);
  assert_true(lp_listener_timeout(l) < 0);
  assert_null(lp_listener_next(l));
  assert_true(lp_listener_open(l, why, sizeof why));
  assert_true(lp_listener_open(l, why, sizeof why));
  good(l);
  lp_listener_free(l);
  lp_listener_free(client_listener((lp_listener_options){.shut = true}));
}

/* Two may have a port between them until one of them listens. */
static void test_shut_too_long(void **state) {
  (void)state;
  char why[256], expected[64];
  lp_listener *first = client_listener((lp_listener_options){.shut = true});
  lp_listener *second = client_listener((lp_listener_options){.shut = true, .port = lp_listener_port(first)});
  assert_true(lp_listener_open(second, why, sizeof why));
  assert_false(lp_listener_open(first, why, sizeof why));
  snprintf(expected, sizeof expected, "port %d: Address already in use", lp_listener_port(first));
  assert_string_equal(why, expected);
  good(second);
  lp_listener_free(first);
  lp_listener_free(second);
}

static void hang_up(lp_finish how) {
  lp_listener *l = client_listener((lp_listener_options){0});
  assert_int_equal(lp_listener_hang_up(l, 3, how), 0);
  for (int i = 0; i < 2; i++) {
    client c = client_dial(l, false);
    if (i > 0) client_say(&c, GET("/"));
    int end = client_until_end(l, &c);
    if (how == LP_RESET) assert_int_equal(end, ECONNRESET);
    else assert_true(end == 0 || end == ECONNRESET); /* with something unread, the kernel sends RST after all */
    assert_string_equal(c.got, "");
    client_hang_up(&c);
  }
  assert_int_equal(lp_listener_hang_up(l, 0, how), 1);
  assert_null(lp_listener_next(l));
  good(l);
  lp_listener_free(l);
}

static void test_hang_up_close(void **state) {
  (void)state;
  hang_up(LP_CLOSE);
}

static void test_hang_up_reset(void **state) {
  (void)state;
  hang_up(LP_RESET);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shut),
      cmocka_unit_test(test_shut_too_long),
      cmocka_unit_test(test_hang_up_close),
      cmocka_unit_test(test_hang_up_reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
