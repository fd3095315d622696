/* What the listener sends, what it does to a client on purpose, and what a client may do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/clock.h"
#include "listener_client.h"

static lp_listener *listen_anywhere(void) { return client_listener((lp_listener_options){0}); }

/* ---- answers ---- */

static void answered(const char *request, unsigned status, const char *has, const char *has_not) {
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, request);
  client_answer(l, client_arrive(l, &c)->id, status, "the body");
  /* The next request shows where the answer ended: at the first byte of its own. */
  client_expect(l, &c, "\r\n\r\n");
  size_t len = (size_t)(strstr(c.got, "\r\n\r\n") + 4 - c.got);
  for (int i = 0; i < 20; i++) client_pump(l, &c, false);
  assert_int_equal(c.len, len);
  assert_non_null(strstr(c.got, has));
  if (has_not) assert_null(strstr(c.got, has_not));
  client_hang_up(&c);
  lp_listener_free(l);
}

static void test_without_body(void **state) {
  (void)state;
  answered("HEAD / HTTP/1.1\r\nHost: here\r\n\r\n", 200, "Content-Length: 8\r\n", NULL);
  answered(GET("/"), 204, "HTTP/1.1 204 No Content\r\n", "Content-Length");
  answered(GET("/"), 304, "HTTP/1.1 304 Not Modified\r\n", "Content-Length");
  answered(GET("/"), 304, "HTTP/1.1 304 Not Modified\r\n", "Transfer-Encoding");
}

static void test_headers(void **state) {
  (void)state;
  static const lp_header headers[] = {{"X-One", "1", 5, 1}, {"x-one", "2", 5, 1}, {"X-Empty", "", 7, 0},
                                      {"Date", "never", 4, 5}, {"Connection", "close", 10, 5}};
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, GET("/"));
  const char *wrong;
  assert_true(lp_listener_answer(l, client_arrive(l, &c)->id, 599, headers, 5, "", 0, &wrong));
  assert_int_equal(client_until_end(l, &c), 0);
  assert_memory_equal(c.got, "HTTP/1.1 599 ", 13);
  assert_non_null(strstr(c.got, "\r\nX-One: 1\r\n"));
  assert_non_null(strstr(c.got, "\r\nx-one: 2\r\n"));
  assert_non_null(strstr(c.got, "\r\nDate: never\r\n"));
  assert_non_null(strstr(c.got, "\r\nConnection: close\r\n"));
  assert_non_null(strstr(c.got, "\r\nContent-Length: 0\r\n"));
  assert_null(strstr(c.got, "GMT"));
  client_hang_up(&c);
  lp_listener_free(l);
}

static void test_wrong_answers(void **state) {
  (void)state;
  static const lp_header bad[] = {{"", "x", 0, 1},           {"A b", "x", 3, 1},
                                  {"A:", "x", 2, 1},         {"A\r\nB", "x", 4, 1},
                                  {"A", "x\r\nB: y", 1, 7},  {"A", "x\0y", 1, 3},
                                  {"content-length", "1", 14, 1}, {"Transfer-Encoding", "chunked", 17, 7}};
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, GET("/"));
  lp_arrival_id id = client_arrive(l, &c)->id;
  const char *wrong;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    wrong = NULL;
    assert_false(lp_listener_answer(l, id, 200, &bad[i], 1, "", 0, &wrong));
    assert_non_null(wrong);
  }
  static const unsigned statuses[] = {0, 100, 199, 1000, 65536 + 200};
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    assert_false(lp_listener_answer(l, id, statuses[i], NULL, 0, "", 0, &wrong));
    assert_non_null(wrong);
  }
  assert_int_equal(lp_listener_waiting(l), 1);
  assert_true(client_answer(l, id, 200, "good"));
  client_expect(l, &c, "good");
  client_hang_up(&c);
  lp_listener_free(l);
}

static void test_large_answer(void **state) {
  (void)state;
  enum { LARGE = 6 * 1024 * 1024 };
  char *body = malloc(LARGE + 1);
  assert_non_null(body);
  memset(body, 'y', LARGE);
  memcpy(body + LARGE - 3, "end", 4);
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, GET("/"));
  assert_true(client_answer(l, client_arrive(l, &c)->id, 200, body));
  free(body);
  client_expect(l, &c, "end");
  assert_true(c.len > LARGE);
  client_hang_up(&c);
  lp_listener_free(l);
}

static void test_old_ids(void **state) {
  (void)state;
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, GET("/1"));
  lp_arrival_id old = client_arrive(l, &c)->id;
  assert_true(client_answer(l, old, 200, "one"));
  assert_false(client_answer(l, old, 200, "twice"));
  client_expect(l, &c, "one");
  client_say(&c, GET("/2"));
  lp_arrival_id now = client_arrive(l, &c)->id;
  const lp_arrival_id none[] = {old, 0, 1, 0xffffff, now + 1, UINT64_MAX};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    assert_false(client_answer(l, none[i], 200, "late"));
    assert_false(lp_listener_write(l, none[i], "late", 4));
    assert_false(lp_listener_finish(l, none[i], LP_RESET));
    assert_true(lp_listener_gone(l, none[i]));
  }
  assert_false(lp_listener_gone(l, now));
  assert_true(client_answer(l, now, 200, "two"));
  client_expect(l, &c, "two");
  assert_null(strstr(c.got, "late"));
  client_hang_up(&c);
  lp_listener_free(l);
}

/* ---- clients that go, and clients that are treated badly ---- */

static void gone(bool reset, bool whole) {
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  if (!whole) {
    client_say(&c, "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nabc");
    for (int i = 0; i < 20; i++) client_pump(l, &c, false);
    client_hang_up(&c);
    for (int i = 0; i < 20; i++) client_pump(l, NULL, false);
    assert_null(lp_listener_next(l));
    lp_listener_free(l);
    return;
  }
  client_say(&c, GET("/"));
  lp_arrival_id id = client_arrive(l, &c)->id;
  assert_false(lp_listener_gone(l, id));
  struct linger hard = {.l_onoff = 1};
  if (reset) setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  client_hang_up(&c);
  for (double end = lp_now() + PATIENCE; !lp_listener_gone(l, id);) assert_true(lp_now() < end);
  assert_int_equal(lp_listener_waiting(l), 1);
  client_answer(l, id, 200, "nobody reads it");
  for (int i = 0; i < 20; i++) client_pump(l, NULL, false);
  assert_int_equal(lp_listener_waiting(l), 0);
  assert_false(client_answer(l, id, 200, "twice"));
  client other = client_dial(l, false);
  client_say(&other, GET("/"));
  client_answer(l, client_arrive(l, &other)->id, 200, "still here");
  client_expect(l, &other, "still here");
  client_hang_up(&other);
  lp_listener_free(l);
}

static void test_gone(void **state) {
  (void)state;
  gone(false, true);
  gone(true, true);
  gone(false, false);
}

static void bad_end(const char *first, const char *second, lp_finish how, int end) {
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}");
  lp_arrival_id id = client_arrive(l, &c)->id;
  char all[256] = "";
  if (first) {
    assert_true(lp_listener_write(l, id, first, strlen(first)));
    client_expect(l, &c, first);
    assert_false(client_answer(l, id, 200, "too late"));
    strcat(all, first);
  }
  if (second) {
    assert_true(lp_listener_write(l, id, second, strlen(second)));
    client_expect(l, &c, second);
    strcat(all, second);
  }
  assert_int_equal(lp_listener_waiting(l), 1);
  assert_true(lp_listener_finish(l, id, how));
  assert_int_equal(lp_listener_waiting(l), 0);
  assert_int_equal(client_until_end(l, &c), end);
  assert_string_equal(c.got, all);
  assert_false(lp_listener_finish(l, id, how));
  client_hang_up(&c);
  lp_listener_free(l);
}

static void test_bad_ends(void **state) {
  (void)state;
  bad_end(NULL, NULL, LP_CLOSE, 0);
  bad_end(NULL, NULL, LP_RESET, ECONNRESET);
  bad_end("HTTP/1.1 20", NULL, LP_CLOSE, 0);
  bad_end("HTTP/1.1 20", "1 Created\r\nContent-Length: 5\r\n\r\nab", LP_CLOSE, 0);
  bad_end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", NULL, LP_RESET, ECONNRESET);
}

/* The client sees the end at once, and not when the listener runs next. */
static void test_finish_is_prompt(void **state) {
  (void)state;
  lp_listener *l = listen_anywhere();
  for (int reset = 0; reset < 2; reset++) {
    client c = client_dial(l, false);
    client_say(&c, GET("/"));
    lp_listener_finish(l, client_arrive(l, &c)->id, reset ? LP_RESET : LP_CLOSE);
    char byte;
    assert_int_equal(recv(c.fd, &byte, 1, 0), reset ? -1 : 0);
    client_hang_up(&c);
  }
  lp_listener_free(l);
}

/* ---- the end ---- */

static int descriptors(void) {
  int count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

static void test_free_in_any_state(void **state) {
  (void)state;
  int before = descriptors();
  lp_listener *l = listen_anywhere();
  static const char *const texts[] = {"", "GET /half", "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nhalf",
                                      "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nwhole", GET("/given"),
                                      GET("/written"), GET("/answered"), GET("/finished"), GET("/unsent"), GET("/ending"), GET("/queued")};
  enum { COUNT = sizeof texts / sizeof *texts };
  client c[COUNT];
  for (int i = 0; i < COUNT; i++) {
    c[i] = client_dial(l, false);
    client_say(&c[i], texts[i]);
    for (int j = 0; j < 5; j++) client_pump(l, NULL, false);
  }
  client_arrive(l, NULL);
  client_arrive(l, NULL);
  assert_true(lp_listener_write(l, client_arrive(l, NULL)->id, "HTTP/1.1", 8));
  assert_true(client_answer(l, client_arrive(l, NULL)->id, 200, "answered"));
  assert_true(lp_listener_finish(l, client_arrive(l, NULL)->id, LP_RESET));
  char *bytes = client_large();
  assert_true(lp_listener_write(l, client_arrive(l, NULL)->id, bytes, CLIENT_LARGE));
  lp_arrival_id ending = client_arrive(l, NULL)->id;
  assert_true(lp_listener_write(l, ending, bytes, CLIENT_LARGE));
  assert_true(lp_listener_finish(l, ending, LP_CLOSE));
  free(bytes);
  assert_int_equal(lp_listener_waiting(l), 4);
  lp_listener_free(l);
  for (int i = 0; i < COUNT; i++) client_hang_up(&c[i]);
  assert_int_equal(descriptors(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_without_body),
      cmocka_unit_test(test_headers),
      cmocka_unit_test(test_wrong_answers),
      cmocka_unit_test(test_large_answer),
      cmocka_unit_test(test_old_ids),
      cmocka_unit_test(test_gone),
      cmocka_unit_test(test_bad_ends),
      cmocka_unit_test(test_finish_is_prompt),
      cmocka_unit_test(test_free_in_any_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
