/* What is written to a client in place of an answer, however much, and whether the client reads it or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "listener_client.h"

static lp_listener *listen_anywhere(void) { return client_listener((lp_listener_options){0}); }

static bool readable(const lp_listener *l) {
  struct pollfd look = {.fd = lp_listener_fd(l), .events = POLLIN};
  return poll(&look, 1, 0) == 1;
}

/* What does not fit is sent when the client reads, and the connection is closed behind the last byte. */
static void written_whole(bool in_parts, bool finish_first) {
  char *bytes = client_large();
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, GET("/"));
  lp_arrival_id id = client_arrive(l, &c)->id;
  double began = lp_now();
  for (size_t at = 0, part = in_parts ? CLIENT_LARGE / 7 : CLIENT_LARGE; at < CLIENT_LARGE; at += part)
    assert_true(lp_listener_write(l, id, bytes + at, at + part > CLIENT_LARGE ? CLIENT_LARGE - at : part));
  assert_true(lp_now() - began < 0.9); /* it was a second when it waited */
  lp_listener_run(l);
  assert_false(readable(l)); /* nobody reads, so there is nothing to do */
  assert_int_equal(lp_listener_waiting(l), 1);
  if (finish_first) assert_true(lp_listener_finish(l, id, LP_CLOSE));
  else
    for (double end = lp_now() + PATIENCE; c.len < CLIENT_LARGE; client_pump(l, &c, true)) assert_true(lp_now() < end);
  if (!finish_first) assert_true(lp_listener_finish(l, id, LP_CLOSE));
  assert_int_equal(lp_listener_waiting(l), 0);
  assert_false(lp_listener_finish(l, id, LP_CLOSE));
  assert_false(lp_listener_write(l, id, "x", 1));
  assert_true(lp_listener_gone(l, id));
  assert_int_equal(client_until_end(l, &c), 0);
  assert_int_equal(c.len, CLIENT_LARGE);
  assert_memory_equal(c.got, bytes, CLIENT_LARGE);
  for (int i = 0; i < 20; i++) client_pump(l, NULL, false);
  assert_false(readable(l));
  client_hang_up(&c);
  lp_listener_free(l);
  free(bytes);
}

static void test_write_never_waits(void **state) {
  (void)state;
  written_whole(false, true);
  written_whole(true, true);
  written_whole(true, false);
}

/* A client that goes, before or after the connection was ended here, and one that is ended hard. */
static void test_write_to_who_does_not_read(void **state) {
  (void)state;
  char *bytes = client_large();
  for (int way = 0; way < 4; way++) {
    lp_listener *l = listen_anywhere();
    client c = client_dial(l, false);
    client_say(&c, GET("/"));
    lp_arrival_id id = client_arrive(l, &c)->id;
    assert_true(lp_listener_write(l, id, bytes, CLIENT_LARGE));
    if (way == 0) assert_true(lp_listener_finish(l, id, LP_CLOSE));
    if (way == 1) {
      assert_true(lp_listener_finish(l, id, LP_RESET));
      assert_int_equal(client_until_end(l, &c), ECONNRESET);
      assert_true(c.len < CLIENT_LARGE);
    }
    client_hang_up(&c);
    if (way == 3) lp_listener_write(l, id, bytes, 1); /* before anybody has noticed; and no SIGPIPE */
    for (int i = 0; i < 20; i++) client_pump(l, NULL, false);
    if (way >= 2) {
      assert_false(lp_listener_write(l, id, "x", 1));
      assert_int_equal(lp_listener_waiting(l), 1);
      assert_false(readable(l)); /* and not for ever */
      assert_true(lp_listener_finish(l, id, LP_CLOSE));
    }
    for (int i = 0; i < 20; i++) client_pump(l, NULL, false);
    assert_int_equal(lp_listener_waiting(l), 0);
    assert_false(readable(l));
    client other = client_dial(l, false);
    client_say(&other, GET("/"));
    client_answer(l, client_arrive(l, &other)->id, 200, "still here");
    client_expect(l, &other, "still here");
    client_hang_up(&other);
    lp_listener_free(l);
  }
  free(bytes);
}

/* Many at once, more than one run writes to, while others are answered. */
static void test_write_to_many(void **state) {
  (void)state;
  enum { MANY = 70, EACH = 5 * 1024 * 1024 };
  char *bytes = client_large();
  lp_listener *l = listen_anywhere();
  client c[MANY];
  for (int i = 0; i < MANY; i++) {
    c[i] = client_dial(l, false);
    client_say(&c[i], GET("/"));
    lp_arrival_id id = client_arrive(l, NULL)->id;
    assert_true(lp_listener_write(l, id, bytes, EACH));
    assert_true(lp_listener_finish(l, id, LP_CLOSE));
  }
  /* They read from the last to the first. */
  for (int i = MANY - 1; i >= 0; i--) {
    assert_int_equal(client_until_end(l, &c[i]), 0);
    assert_int_equal(c[i].len, EACH);
    client_hang_up(&c[i]);
  }
  lp_listener_free(l);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_write_never_waits),
      cmocka_unit_test(test_write_to_who_does_not_read),
      cmocka_unit_test(test_write_to_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
