/* Ways to reach an origin: that each is used as it is asked for, and that none leaves anything behind for another. The
 * requests of a test come one after the other, so the engine gives all of them the same pooled handle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/proxy.h"
#include "fault_client.h"
#include "fault_listener.h"

static const lp_response *call(client_bench *b, lp_transport transport, lp_failure failure, lp_outcome outcome) {
  lp_request request = client_request("POST", b->url, "{}");
  request.transport = transport;
  lp_id id = client_submit(b->engine, &request);
  return client_expect(b, id, failure, outcome);
}

/* The same, of which nothing but whether its connection was a used one is wanted. */
static bool good(client_bench *b, lp_transport transport) {
  lp_request request = client_request("POST", b->url, "{}");
  request.transport = transport;
  lp_id id = client_submit(b->engine, &request);
  bool reused = client_expect(b, id, LP_OK, LP_ANSWERED)->reused;
  lp_engine_release(b->engine, id);
  return reused;
}

static void certificate_leaves_nothing(fault_transport transport) {
  fault_plan plan = {.transport = transport, .certificate = CERT_ASKS_CLIENT};
  client_bench b = client_open(&plan, 0, client_ca_file);
  lp_transport shown = {.certificate = fault_tls_client()}, none = {0};
  lp_transport both = {.certificate = fault_tls_client(), .key = fault_tls_client()};
  assert_false(good(&b, shown));
  assert_string_equal(fault_last_client(b.listener), "client");
  assert_false(good(&b, none));
  assert_string_equal(fault_last_client(b.listener), "");
  /* The same file, but named otherwise: another key, as far as libcurl can know. */
  assert_false(good(&b, both));
  assert_string_equal(fault_last_client(b.listener), "client");
  for (int i = 0; i < 5; i++) {
    assert_true(good(&b, none));
    assert_true(good(&b, shown));
    assert_true(good(&b, both));
  }
  assert_int_equal(client_close(&b).connections, 3);
}

static void test_certificate(void **state) {
  (void)state;
  certificate_leaves_nothing(FAULT_TLS);
}

static void test_certificate_h2(void **state) {
  (void)state;
  certificate_leaves_nothing(FAULT_H2);
}

static void test_certificate_asked_once_more(void **state) {
  (void)state;
  fault_plan plan = {.transport = FAULT_TLS, .certificate = CERT_ASKS_CLIENT};
  client_bench b = client_open(&plan, 0, client_ca_file);
  lp_transport wrong = {.certificate = fault_tls_client(), .key = client_ca_file};
  good(&b, (lp_transport){.certificate = fault_tls_client()});
  const lp_response *response = call(&b, wrong, LP_TLS, LP_NOT_SENT);
  assert_non_null(strstr(response->message, fault_tls_client()));
  assert_null(strstr(response->message, client_ca_file)); /* it stands for a key */
  response = call(&b, (lp_transport){.certificate = "/nowhere/x.pem"}, LP_TLS, LP_NOT_SENT);
  assert_string_equal(response->message,
                      "the client certificate /nowhere/x.pem cannot be read: no such file, or no certificate in it");
  assert_int_equal(client_close(&b).acted, 1);
}

static void test_insecure(void **state) {
  (void)state;
  fault_certificate bad[] = {CERT_UNTRUSTED, CERT_WRONG_NAME, CERT_EXPIRED};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fault_plan plan = {.transport = FAULT_TLS, .certificate = bad[i]};
    client_bench b = client_open(&plan, 0, client_ca_file);
    lp_transport insecure = {.insecure = true}, none = {0};
    for (int round = 0; round < 3; round++) {
      assert_int_equal(good(&b, insecure), round > 0);
      lp_request request = client_request("POST", b.url, "{}");
      request.transport = none;
      lp_id id = client_submit(b.engine, &request);
      client_expect(&b, id, LP_TLS, LP_NOT_SENT);
      lp_engine_release(b.engine, id);
    }
    assert_int_equal(client_close(&b).acted, 3);
  }
}

static void test_ca_file(void **state) {
  (void)state;
  fault_plan plan = {.transport = FAULT_TLS};
  client_bench b = client_open(&plan, 0, NULL);
  call(&b, (lp_transport){0}, LP_TLS, LP_NOT_SENT);
  assert_false(good(&b, (lp_transport){.ca_file = client_ca_file}));
  call(&b, (lp_transport){0}, LP_TLS, LP_NOT_SENT);
  assert_true(good(&b, (lp_transport){.ca_file = client_ca_file}));
  const lp_response *response = call(&b, (lp_transport){.ca_file = "/nowhere/ca.pem"}, LP_TLS, LP_NOT_SENT);
  assert_string_equal(response->message,
                      "the CA file /nowhere/ca.pem cannot be read: no such file, or no certificate in it");
  assert_int_equal(client_close(&b).acted, 2);
}

/* An engine's own is used where a request has none, and gives way where it has one. */
static void test_engine_ca_file(void **state) {
  (void)state;
  fault_plan plan = {.transport = FAULT_TLS};
  client_bench b = client_open(&plan, 0, client_ca_file);
  assert_false(good(&b, (lp_transport){0}));
  assert_true(good(&b, (lp_transport){.ca_file = client_ca_file}));
  call(&b, (lp_transport){.ca_file = fault_tls_client()}, LP_TLS, LP_NOT_SENT);
  client_close(&b);
}

/* ---- turns ---- */

static void test_turns_are_each_ways_own(void **state) {
  (void)state;
  fault_plan plan = {.hold = true};
  client_bench b = client_open(&plan, 1, NULL);
  lp_request request = client_request("POST", b.url, "{}");
  lp_id ids[4];
  for (int i = 0; i < 4; i++) {
    request.transport.insecure = i % 2 == 1;
    ids[i] = client_submit(b.engine, &request);
  }
  client_until_held(&b, 2);
  assert_true(lp_engine_cancel(b.engine, ids[2]));
  fault_let_go(b.listener, 3);
  for (int i = 0; i < 4; i++)
    if (i != 2) client_expect(&b, ids[i], LP_OK, LP_ANSWERED);
  fault_counts counts = client_close(&b);
  assert_int_equal(counts.acted, 3);
  assert_int_equal(counts.most_held, 2);
}

/* ---- proxies ---- */

static void test_proxy_credentials(void **state) {
  (void)state;
  fault_plan plan = {.transport = FAULT_TLS, .proxy = true};
  client_bench b = client_open(&plan, 0, client_ca_file);
  char with[128], without[128];
  snprintf(with, sizeof with, "http://joe:p%%40ss@127.0.0.1:%d", fault_port(b.listener));
  snprintf(without, sizeof without, "http://127.0.0.1:%d", fault_port(b.listener));
  lp_request request = client_request("POST", "https://origin.invalid/", "{}");
  lp_header token = {.name = "Authorization", .name_len = 13, .value = "Bearer tok-0000", .value_len = 15};
  request.headers = &token;
  request.header_count = 1;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 2; i++) {
      request.transport.proxy = i == 0 ? with : without;
      lp_id id = client_submit(b.engine, &request);
      const lp_response *response = client_expect(&b, id, LP_OK, LP_ANSWERED);
      assert_int_equal(response->reused, round > 0);
      assert_string_equal(response->proxy, without + strlen("http://"));
      assert_non_null(strstr(fault_last_head(b.listener), "tok-0000"));
      assert_null(strstr(fault_last_head(b.listener), "Proxy-"));
      lp_engine_release(b.engine, id);
      const char *connect = fault_last_connect(b.listener);
      assert_null(strstr(connect, "tok-0000")); /* the token is the origin's */
      if (round > 0) continue;
      assert_int_equal(strstr(connect, "Proxy-Authorization: Basic am9lOnBAc3M=\r\n") != NULL, i == 0);
      assert_int_equal(strstr(connect, "Proxy-Authorization") != NULL, i == 0);
    }
  }
  assert_int_equal(client_close(&b).connections, 2);
}

static void test_plain_proxy(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 0, NULL);
  char proxy[128];
  snprintf(proxy, sizeof proxy, "http://joe:pass@127.0.0.1:%d", fault_port(b.listener));
  lp_request request = client_request("POST", "http://origin.invalid/x", "{}");
  for (int i = 0; i < 3; i++) {
    request.transport.proxy = proxy;
    request.keep_url = i > 0;
    lp_id id = client_submit(b.engine, &request);
    client_expect(&b, id, LP_OK, LP_ANSWERED);
    lp_engine_release(b.engine, id);
    assert_non_null(strstr(fault_last_head(b.listener), "POST http://origin.invalid/x HTTP/1.1\r\n"));
    assert_non_null(strstr(fault_last_head(b.listener), "Proxy-Authorization: Basic am9lOnBhc3M="));
    /* Next to it, directly to the same host and port. */
    assert_int_equal(good(&b, (lp_transport){.proxy = ""}), i > 0);
    assert_null(strstr(fault_last_head(b.listener), "Proxy-"));
    assert_non_null(strstr(fault_last_head(b.listener), "POST / HTTP/1.1\r\n"));
  }
  client_close(&b);
}

static void test_environment(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 0, NULL);
  fault_dead_port dead = fault_closed_port();
  char proxy[64], name[32];
  snprintf(name, sizeof name, "127.0.0.1:%d", dead.port);
  snprintf(proxy, sizeof proxy, "http://joe:pass@%s", name);
  setenv("http_proxy", proxy, 1);
  const lp_response *response = call(&b, (lp_transport){0}, LP_NETWORK, LP_NOT_SENT);
  assert_memory_equal(response->message, "the proxy 127.0.0.1:", 20);
  assert_null(strstr(response->message, "joe"));
  assert_string_equal(response->proxy, name);
  assert_false(good(&b, (lp_transport){.proxy = ""}));
  unsetenv("http_proxy");
  assert_true(good(&b, (lp_transport){.proxy = ""}));
  assert_true(good(&b, (lp_transport){0}));
  client_close(&b);
  fault_port_close(&dead);
}

static const char *chosen(const char *url) { return lp_proxy_from_environment(url, strlen(url)); }

static void test_no_proxy(void **state) {
  (void)state;
  static const struct {
    const char *list, *url;
    bool exempt;
  } rows[] = {
      {"*", "https://a.example/", true},
      {"acme.com", "https://acme.com/", true},
      {"acme.com", "https://ACME.com:8443?x", true},
      {"acme.com", "https://api.acme.com/", true},
      {".acme.com", "https://acme.com/", true},
      {"acme.com.", "https://acme.com/", true},
      {"acme.com", "https://acme.com./", true},
      {"acme.com", "https://notacme.com/", false},
      {"acme.com", "https://acme.com.evil/", false},
      {"api.acme.com", "https://acme.com/", false},
      {"x, acme.com ,y", "https://acme.com", true},
      {"x acme.com", "https://acme.com", true},
      {", ,", "https://acme.com", false},
      {".", "https://acme.com", false},
      {"*,x", "https://acme.com", false},
      {"10.0.0.1", "https://10.0.0.1:99/", true},
      {"10.0.0.1", "https://10.0.0.10/", false},
      {"0.0.1", "https://10.0.0.1/", false},
      {"10.0.0.0/8", "https://10.200.3.4/", true},
      {"10.0.0.0/9", "https://10.200.3.4/", false},
      {"10.0.0.0/33", "https://10.0.0.0/", false},
      {"10.0.0.0/", "https://10.0.0.0/", false},
      {"0.0.0.0/0", "https://10.0.0.0/", true},
      {"::1", "https://[::1]:99/", true},
      {"[::1]", "https://[::1]/", true},
      {"2001:db8::/33", "https://[2001:db8:7fff::1]/", true},
      {"2001:db8::/33", "https://[2001:db8:8000::1]/", false},
      {"::1", "https://127.0.0.1/", false},
  };
  setenv("https_proxy", "http://p:1", 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    setenv("no_proxy", rows[i].list, 1);
    if ((chosen(rows[i].url) == NULL) != rows[i].exempt) fail_msg("%s with %s", rows[i].url, rows[i].list);
  }
  client_forget_proxies();
}

static void test_which_variable(void **state) {
  (void)state;
  assert_null(chosen("http://acme.com/"));
  setenv("ALL_PROXY", "A", 1);
  assert_string_equal(chosen("https://acme.com/"), "A");
  setenv("all_proxy", "a", 1);
  assert_string_equal(chosen("https://acme.com/"), "a");
  setenv("HTTP_PROXY", "H", 1);
  assert_string_equal(chosen("http://acme.com/"), "a");
  setenv("HTTPS_PROXY", "S", 1);
  assert_string_equal(chosen("HTTPS://acme.com/"), "S");
  setenv("https_proxy", "", 1);
  assert_string_equal(chosen("https://acme.com/"), "S");
  setenv("https_proxy", "s", 1);
  setenv("http_proxy", "h", 1);
  assert_string_equal(chosen("https://acme.com/"), "s");
  assert_string_equal(chosen("http://acme.com/"), "h");
  client_forget_proxies();
}

static void test_proxy_url(void **state) {
  (void)state;
  static const struct {
    const char *url, *place, *name, *user, *password;
  } rows[] = {
      {"http://p:1", "http://p:1", "p:1", NULL, NULL},
      {"p:1/", "http://p:1", "p:1", NULL, NULL},
      {"http://joe@p:1", "http://p:1", "p:1", "joe", ""},
      {"http://joe:a:b@c@[::1]:1?x", "http://[::1]:1", "[::1]:1", "joe", "a:b@c"},
      {"https://j%6Fe:%@p", "https://p", "p", "joe", "%"},
      {"http://a%3:%4g@p", "http://p", "p", "a%3", "%4g"},
      {"ftp://joe:a@p.x:65535/", "ftp://p.x:65535", "p.x:65535", "joe", "a"},
      {"http://[fe80::1%eth0]:1", "http://[fe80::1%eth0]:1", "[fe80::1%eth0]:1", NULL, NULL},
      /* what cannot be read, wherever its password is */
      {"http://:@", "http://[", NULL, NULL, NULL},
      {"", "http://[", NULL, NULL, NULL},
      {"http://joe:pass#word@p:1", "http://[", NULL, NULL, NULL},
      {"http://joe:pa/ss?word@p:1", "http://[", NULL, NULL, NULL},
      {"http://joe:3128#word@p:1", "http://[", NULL, NULL, NULL},
      {"http://joe:pass@p:1/#@", "http://[", NULL, NULL, NULL},
      {"http://joe:pass", "http://[", NULL, NULL, NULL},
      {"joe:pass://word@p:1", "http://[", NULL, NULL, NULL},
      {"joe:pass@p:xx", "http://[", NULL, NULL, NULL},
      {"joe:pass@p:0", "http://[", NULL, NULL, NULL},
      {"joe:pass@p:65536", "http://[", NULL, NULL, NULL},
      {"joe:pass@p:0000001", "http://[", NULL, NULL, NULL},
      {"joe:pass@p:", "http://[", NULL, NULL, NULL},
      {"joe:pass@p q:1", "http://[", NULL, NULL, NULL},
      {"joe:pass@[::1", "http://[", NULL, NULL, NULL},
      {"joe:pass@[::1]x", "http://[", NULL, NULL, NULL},
      {"joe:pass@[]:1", "http://[", NULL, NULL, NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lp_proxy proxy;
    assert_true(lp_proxy_read(&proxy, rows[i].url));
    assert_string_equal(proxy.url, rows[i].place);
    if (rows[i].name) assert_string_equal(proxy.name, rows[i].name);
    else assert_null(proxy.name);
    if (rows[i].user) {
      assert_string_equal(proxy.user, rows[i].user);
      assert_string_equal(proxy.password, rows[i].password);
    } else {
      assert_null(proxy.user);
      assert_null(proxy.password);
    }
    lp_proxy_free(&proxy);
  }
}

/* ---- names with two addresses ---- */

static void test_ipv6_first(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 0, NULL);
  snprintf(b.url, sizeof b.url, "http://both.invalid:%d/", fault_port(b.listener));
  assert_false(good(&b, (lp_transport){0}));
  assert_true(good(&b, (lp_transport){0}));
  fault_counts counts = client_close(&b);
  assert_int_equal(counts.acted, 2);
  assert_int_equal(counts.connections, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_certificate),
      cmocka_unit_test(test_certificate_h2),
      cmocka_unit_test(test_certificate_asked_once_more),
      cmocka_unit_test(test_insecure),
      cmocka_unit_test(test_ca_file),
      cmocka_unit_test(test_engine_ca_file),
      cmocka_unit_test(test_turns_are_each_ways_own),
      cmocka_unit_test(test_proxy_credentials),
      cmocka_unit_test(test_plain_proxy),
      cmocka_unit_test(test_environment),
      cmocka_unit_test(test_no_proxy),
      cmocka_unit_test(test_which_variable),
      cmocka_unit_test(test_proxy_url),
      cmocka_unit_test(test_ipv6_first),
  };
  return cmocka_run_group_tests_name("transport", tests, client_start, client_stop);
}
