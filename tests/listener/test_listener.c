/* Where the listener listens, what it hands out, and what it refuses by itself. What becomes of the requests is in
 * test_answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "listener_client.h"

static lp_listener *listen_anywhere(void) { return client_listener((lp_listener_options){0}); }

static const char *header(const lp_arrival *arrival, const char *name) {
  const char *at = arrival->headers;
  for (size_t i = 0; i < arrival->header_count; i++) {
    const char *value = at + strlen(at) + 1;
    if (strcmp(at, name) == 0) return value;
    at = value + strlen(value) + 1;
  }
  return NULL;
}

/* ---- listening ---- */

static void refused(const char *host, uint16_t port, const char *text) {
  char why[256] = "";
  lp_listener_options options = {.host = host, .port = port};
  assert_null(lp_listener_new(&options, why, sizeof why));
  assert_string_equal(why, text);
}

static void test_listening(void **state) {
  (void)state;
  lp_listener *l = listen_anywhere();
  assert_true(lp_listener_port(l) > 0);
  char taken[64];
  snprintf(taken, sizeof taken, "127.0.0.1:%d: Address already in use", lp_listener_port(l));
  refused("127.0.0.1", lp_listener_port(l), taken);
  snprintf(taken, sizeof taken, "localhost:%d: Address already in use", lp_listener_port(l));
  refused("localhost", lp_listener_port(l), taken);
  refused("somewhere.invalid", 0, "somewhere.invalid: not an IP address");
  refused("192.0.2.1", 0, "192.0.2.1:0: Cannot assign requested address");
  lp_listener_free(l);
  lp_listener_free(NULL);
}

/* A connection that the listener has closed leaves its port in TIME_WAIT. */
static void test_port_again(void **state) {
  (void)state;
  lp_listener *l = listen_anywhere();
  uint16_t port = lp_listener_port(l);
  client c = client_dial(l, false);
  client_say(&c, GET("/"));
  lp_listener_finish(l, client_arrive(l, &c)->id, LP_CLOSE);
  assert_int_equal(client_until_end(l, &c), 0);
  client_hang_up(&c);
  lp_listener_free(l);
  lp_listener_free(client_listener((lp_listener_options){.port = port}));
}

static void test_ipv6(void **state) {
  (void)state;
  char why[256];
  lp_listener_options options = {.host = "::1"};
  lp_listener *l = lp_listener_new(&options, why, sizeof why);
  if (!l) {
    assert_non_null(strstr(why, "[::1]:0: ")); /* a machine without IPv6 */
    skip();
  }
  client c = client_dial(l, true);
  client_say(&c, GET("/"));
  client_answer(l, client_arrive(l, &c)->id, 200, "six");
  client_expect(l, &c, "six");
  client_hang_up(&c);
  lp_listener_free(l);
}

/* The descriptor is silent while there is nothing to do, and the only thing that has to be waited for. */
static void test_descriptor(void **state) {
  (void)state;
  lp_listener *l = listen_anywhere();
  struct pollfd look = {.fd = lp_listener_fd(l), .events = POLLIN};
  lp_listener_run(l);
  assert_true(lp_listener_timeout(l) < 0);
  assert_int_equal(poll(&look, 1, 0), 0);
  client c = client_dial(l, false);
  assert_int_equal(poll(&look, 1, PATIENCE * 1000), 1);
  client_say(&c, GET("/"));
  lp_arrival_id id = client_arrive(l, NULL)->id;
  lp_listener_run(l);
  assert_true(lp_listener_timeout(l) < 0);
  assert_int_equal(poll(&look, 1, 0), 0);
  client_answer(l, id, 200, "x");
  assert_int_equal(poll(&look, 1, PATIENCE * 1000), 1);
  client_expect(l, &c, "x");
  client_hang_up(&c);
  lp_listener_free(l);
}

static void test_keep_alive_seconds(void **state) {
  (void)state;
  lp_listener *l = client_listener((lp_listener_options){.keep_alive = 1});
  client c = client_dial(l, false);
  client_say(&c, GET("/"));
  lp_arrival_id id = client_arrive(l, &c)->id;
  client_answer(l, id, 200, "once");
  client_expect(l, &c, "once");
  double after = lp_listener_timeout(l);
  assert_true(after >= 0 && after <= 1);
  assert_int_equal(client_until_end(l, &c), 0);
  client_hang_up(&c);
  lp_listener_free(l);
}

/* ---- what is handed out ---- */

static void test_whole(void **state) {
  (void)state;
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, "PATCH /a%2Fb/%41?q=%20&r=a+b&?s HTTP/1.1\r\nHost: here\r\nX-Two: 1\r\nEmpty:\r\nx-tWO: Two \r\n"
          "Content-Length: 6\r\n\r\nab");
  client_say(&c, "c");
  for (int i = 0; i < 20; i++) client_pump(l, &c, false);
  assert_null(lp_listener_next(l));
  assert_int_equal(lp_listener_waiting(l), 0);
  client_say_bytes(&c, "\0\n\xff", 3);
  const lp_arrival *arrival = client_arrive(l, &c);
  assert_true(arrival->id > 0);
  assert_string_equal(arrival->method, "PATCH");
  assert_string_equal(arrival->path, "/a%2Fb/%41");
  assert_string_equal(arrival->query, "q=%20&r=a+b&?s");
  assert_string_equal(arrival->http, "1.1");
  assert_int_equal(arrival->header_count, 5);
  assert_string_equal(header(arrival, "host"), "here");
  assert_string_equal(header(arrival, "x-two"), "1");
  assert_string_equal(header(arrival, "empty"), "");
  assert_int_equal(arrival->body_len, 6);
  assert_memory_equal(arrival->body, "abc\0\n\xff", 6);
  assert_null(lp_listener_next(l));
  assert_int_equal(lp_listener_waiting(l), 1);
  assert_true(client_answer(l, arrival->id, 201, "made"));
  assert_int_equal(lp_listener_waiting(l), 0);
  client_expect(l, &c, "\r\n\r\nmade");
  assert_non_null(strstr(c.got, "HTTP/1.1 201 Created\r\n"));
  assert_non_null(strstr(c.got, "Content-Length: 4\r\n"));
  client_hang_up(&c);
  lp_listener_free(l);
}

static void test_targets(void **state) {
  (void)state;
  static const struct {
    const char *request, *path, *query, *http;
  } cases[] = {
      {GET("/"), "/", "", "1.1"},
      {GET("/a?"), "/a", "", "1.1"},
      {GET("/a/../b/./c//d"), "/a/../b/./c//d", "", "1.1"},
      {GET("/%00%zz%"), "/%00%zz%", "", "1.1"},
      {GET("/\xc3\xa4?\xc3\xa4"), "/\xc3\xa4", "\xc3\xa4", "1.1"},
      {GET("*"), "*", "", "1.1"},
      {GET("http://other.invalid:80/x?y"), "/x", "y", "1.1"},
      {GET("HTTP://other.invalid"), "/", "", "1.1"},
      {"GET /old HTTP/1.0\r\n\r\n", "/old", "", "1.0"},
  };
  lp_listener *l = listen_anywhere();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    client c = client_dial(l, false);
    client_say(&c, cases[i].request);
    const lp_arrival *arrival = client_arrive(l, &c);
    assert_string_equal(arrival->path, cases[i].path);
    assert_string_equal(arrival->query, cases[i].query);
    assert_string_equal(arrival->http, cases[i].http);
    client_answer(l, arrival->id, 200, "done");
    client_expect(l, &c, "done");
    client_hang_up(&c);
  }
  lp_listener_free(l);
}

static void test_chunked(void **state) {
  (void)state;
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, "POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  for (int i = 0; i < 20; i++) client_pump(l, &c, false);
  client_say(&c, "2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n");
  const lp_arrival *arrival = client_arrive(l, &c);
  assert_int_equal(arrival->body_len, 5);
  assert_memory_equal(arrival->body, "abcde", 5);
  client_answer(l, arrival->id, 200, "done");
  client_expect(l, &c, "done");
  client_hang_up(&c);
  lp_listener_free(l);
}

/* One connection carries one request after the other, also those that were sent ahead. */
static void test_one_connection(void **state) {
  (void)state;
  lp_listener *l = listen_anywhere();
  client c = client_dial(l, false);
  client_say(&c, GET("/1") GET("/2"));
  lp_arrival_id first = client_arrive(l, &c)->id;
  for (int i = 0; i < 20; i++) client_pump(l, &c, false);
  assert_null(lp_listener_next(l));
  client_answer(l, first, 200, "one");
  const lp_arrival *second = client_arrive(l, &c);
  assert_string_equal(second->path, "/2");
  assert_true(second->id != first);
  client_answer(l, second->id, 200, "two");
  client_expect(l, &c, "two");
  assert_non_null(strstr(c.got, "one"));
  for (int i = 0; i < 2000; i++) {
    client_forget(&c);
    client_say(&c, "PUT / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}");
    const lp_arrival *next = client_arrive(l, &c);
    assert_int_equal(next->id & 0xffffff, second->id & 0xffffff); /* a slot that is used again */
    client_answer(l, next->id, 200, "again");
    client_expect(l, &c, "again");
  }
  assert_int_equal(c.end, -1);
  client_hang_up(&c);
  lp_listener_free(l);
}

static void test_many(void **state) {
  (void)state;
  enum { MANY = 300 };
  lp_listener *l = listen_anywhere();
  client c[MANY];
  lp_arrival_id ids[MANY];
  for (int i = 0; i < MANY; i++) {
    c[i] = client_dial(l, false);
    char text[64];
    snprintf(text, sizeof text, "GET /%d HTTP/1.1\r\nHost: here\r\n\r\n", i);
    client_say(&c[i], text);
    client_pump(l, NULL, false);
  }
  for (int i = 0; i < MANY; i++) {
    const lp_arrival *arrival = client_arrive(l, NULL);
    unsigned long number = strtoul(arrival->path + 1, NULL, 10);
    assert_true(number < MANY);
    ids[number] = arrival->id;
  }
  assert_int_equal(lp_listener_waiting(l), MANY);
  for (int i = MANY - 1; i >= 0; i--) {
    char text[32];
    snprintf(text, sizeof text, "<%d>", i);
    assert_true(client_answer(l, ids[i], 200, text));
    client_expect(l, &c[i], text);
    client_hang_up(&c[i]);
  }
  lp_listener_free(l);
}

/* ---- what is not handed out ---- */

static void test_malformed(void **state) {
  (void)state;
  static const char *const cases[] = {
      "nonsense\r\n\r\n", /* no request line, twice: closed without a word */
      "GET /a b HTTP/1.1\r\nHost: here\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n", /* without Host */
      "GET / HTTP/1.1\r\nHost: here\r\nno colon\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: x\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  };
  lp_listener *l = listen_anywhere();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    client c = client_dial(l, false);
    client_say(&c, cases[i]);
    client_until_end(l, &c);
    if (i < 2) assert_int_equal(c.len, 0);
    else assert_memory_equal(c.got, "HTTP/1.1 400 ", 13);
    assert_null(lp_listener_next(l));
    client_hang_up(&c);
  }
  lp_listener_free(l);
}

static void too_large(const char *head, const char *body, size_t len) {
  lp_listener *l = client_listener((lp_listener_options){.body_limit = 100});
  client c = client_dial(l, false);
  client_say(&c, head);
  client_say_bytes(&c, body, len);
  client_expect(l, &c, "larger than");
  assert_memory_equal(c.got, "HTTP/1.1 413 ", 13);
  assert_null(lp_listener_next(l));
  client_hang_up(&c);
  lp_listener_free(l);
}

static void test_too_large(void **state) {
  (void)state;
  static char body[100001];
  memset(body, 'x', sizeof body);
  too_large("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 101\r\n\r\n", body, 101);
  too_large("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100001\r\n\r\n", body, sizeof body);
  too_large("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", "", 0);
  memcpy(body, "60\r\n", 4); /* chunks of 96 and 5 bytes */
  memcpy(body + 100, "\r\n5\r\nxxxxx\r\n0\r\n\r\n", 17);
  too_large("POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n", body, 117);
}

/* The largest that is allowed, for a client that asks for leave; and a refused body does not end the connection. */
static void test_just_not_too_large(void **state) {
  (void)state;
  char body[101];
  memset(body, 'x', sizeof body);
  lp_listener *l = client_listener((lp_listener_options){.body_limit = 100});
  client c = client_dial(l, false);
  client_say(&c, "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 101\r\n\r\n");
  client_say_bytes(&c, body, 101);
  client_expect(l, &c, "larger than");
  client_forget(&c);
  client_say(&c, "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n");
  client_expect(l, &c, "HTTP/1.1 100 Continue\r\n\r\n");
  client_say_bytes(&c, body, 100);
  const lp_arrival *arrival = client_arrive(l, &c);
  assert_int_equal(arrival->body_len, 100);
  client_answer(l, arrival->id, 200, "done");
  client_expect(l, &c, "done");
  client_hang_up(&c);
  lp_listener_free(l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_listening),
      cmocka_unit_test(test_port_again),
      cmocka_unit_test(test_ipv6),
      cmocka_unit_test(test_descriptor),
      cmocka_unit_test(test_keep_alive_seconds),
      cmocka_unit_test(test_whole),
      cmocka_unit_test(test_targets),
      cmocka_unit_test(test_chunked),
      cmocka_unit_test(test_one_connection),
      cmocka_unit_test(test_many),
      cmocka_unit_test(test_malformed),
      cmocka_unit_test(test_too_large),
      cmocka_unit_test(test_just_not_too_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
