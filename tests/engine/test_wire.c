/* What may be submitted, what the listener then reads byte for byte, and how the answer's headers come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_client.h"
#include "fault_listener.h"

static client_bench open_bench(const char *good) { return client_open(&(fault_plan){.good = good}, 0, NULL); }

static const lp_response *call(client_bench *b, const lp_request *request) {
  return client_expect(b, client_submit(b->engine, request), LP_OK, LP_ANSWERED);
}

/* ---- what is refused ---- */

#define TEXT(text) (text), sizeof(text) - 1

static void refuse(const lp_request *request, const char *what) {
  lp_engine *engine = lp_engine_new(NULL);
  char why[256] = "";
  if (lp_engine_submit(engine, request, why, sizeof why) != 0) fail_msg("not refused: %s", what);
  if (!why[0]) fail_msg("refused without a word: %s", what);
  assert_int_equal(lp_engine_in_flight(engine), 0);
  assert_int_equal(lp_engine_drive(engine, 0), 0);
  char none[1] = {'x'};
  assert_int_equal(lp_engine_submit(engine, request, none, sizeof none), 0);
  assert_int_equal(none[0], '\0');
  lp_engine_free(engine);
}

static void test_refused_urls(void **state) {
  (void)state;
  static const struct {
    const char *url;
    size_t len;
  } urls[] = {
      {TEXT("file:///etc/passwd")},      {TEXT("ftp://127.0.0.1/")},       {TEXT("gopher://127.0.0.1/")},
      {TEXT("dict://127.0.0.1/")},       {TEXT("smtp://127.0.0.1/")},      {TEXT("ws://127.0.0.1/")},
      {TEXT("httpx://127.0.0.1/")},      {TEXT("127.0.0.1/")},             {TEXT("/path")},
      {TEXT("")},                        {TEXT("http:")},                  {TEXT("http://")},
      {TEXT("https:///path")},           {TEXT("javascript:http://x/")},   {TEXT(" http://127.0.0.1/")},
      {TEXT("http://127.0.0.1/a\r\nb")}, {TEXT("http://127.0.0.1/a\nb")},  {TEXT("http://127.0.0.1/a\rb")},
      {TEXT("http://127.0.0.1/a\0b")},   {TEXT("http://127.0.0.1/a\tb")},  {TEXT("http://127.0.0.1/a\x7f")},
      {TEXT("http://127.0.0.1/\xc3\xa4")}, {TEXT("http://127.0.0.1/a b")},
      {TEXT("http://127.0.0.1/a\x01")},  {TEXT("http://127.0.0.1\0.com/")}, {TEXT("http://127.0.0.1/\x1f")},
  };
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    lp_request request = client_request("GET", "", NULL);
    request.url = urls[i].url;
    request.url_len = urls[i].len;
    refuse(&request, urls[i].url);
  }
}

static void test_refused_methods(void **state) {
  (void)state;
  static const struct {
    const char *method;
    size_t len;
  } methods[] = {{TEXT("")},        {TEXT("GET ")},   {TEXT("GE T")},  {TEXT("GET\r\nX: y")},
                 {TEXT("GET\n")},   {TEXT("G\0T")},   {TEXT("GET\t")}, {TEXT("GET / HTTP/1.1\r\n\r\n")},
                 {TEXT("\x7fGET")}, {TEXT("GET:")},   {TEXT("(GET)")}};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    lp_request request = client_request("", "http://127.0.0.1:1/", NULL);
    request.method = methods[i].method;
    request.method_len = methods[i].len;
    refuse(&request, methods[i].method);
  }
}

static void test_refused_headers(void **state) {
  (void)state;
  static const lp_header headers[] = {
      {"", "v", 0, 1},           {"a b", "v", 3, 1},       {"a:", "v", 2, 1},        {"a\r\nb", "v", 4, 1},
      {"a\nb", "v", 3, 1},       {"a\0b", "v", 3, 1},      {"a\tb", "v", 3, 1},      {"a\x7f", "v", 2, 1},
      {"(a)", "v", 3, 1},        {"a/b", "v", 3, 1},       {"a=b", "v", 3, 1},       {"a\"", "v", 2, 1},
      {"\xc3\xa4", "v", 2, 1},   {"a;", "v", 2, 1},        {"a,b", "v", 3, 1},       {"{a}", "v", 3, 1},
      {"a", "v\r\nb: c", 1, 7},  {"a", "v\n", 1, 2},       {"a", "\rv", 1, 2},       {"a", "v\0w", 1, 3},
      {"a", "v\x01", 1, 2},      {"a", "v\x7f", 1, 2},     {"a", "\x1bv", 1, 2},     {"a", "\n", 1, 1},
      {"a", "v\r\n b", 1, 5},    {"a", "\0", 1, 1},          {"content-length", "9", 14, 1},
      {"Transfer-Encoding", "chunked", 17, 7},
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    lp_header pair[2] = {{"X-Good", "yes", 6, 3}, headers[i]};
    lp_request request = client_request("GET", "http://127.0.0.1:1/", NULL);
    request.headers = pair;
    request.header_count = 2;
    char what[32];
    snprintf(what, sizeof what, "header %zu", i);
    refuse(&request, what);
  }
}

static void test_refused_times(void **state) {
  (void)state;
  static const long times[][2] = {{0, 1000}, {-1, 1000}, {1000, 0}, {1000, -1}};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    lp_request request = client_request("GET", "http://127.0.0.1:1/", NULL);
    request.timeout_ms = times[i][0];
    request.connect_timeout_ms = times[i][1];
    refuse(&request, "no time");
  }
}

/* ---- what is sent ---- */

/* The value of the request's header, or NULL: the listener's view of it, so in its own words. */
static const char *sent(client_bench *b, const char *name, char value[256]) {
  const char *at = fault_last_head(b->listener);
  size_t len = strlen(name);
  while ((at = strstr(at, "\r\n"))) {
    at += 2;
    if (strncasecmp(at, name, len) != 0 || at[len] != ':') continue;
    at += len + 1;
    while (*at == ' ') at++;
    snprintf(value, 256, "%.*s", (int)strcspn(at, "\r"), at);
    return value;
  }
  return NULL;
}

/* NULL: not sent at all. */
static void check_sent(client_bench *b, const char *name, const char *expected) {
  char value[256];
  const char *got = sent(b, name, value);
  if (!got && !expected) return;
  if (!got || !expected || strcmp(got, expected) != 0)
    fail_msg("%s is %s, not %s", name, got ? got : "absent", expected ? expected : "absent");
}

static void test_methods(void **state) {
  (void)state;
  static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  static const char *const bodies[] = {NULL, "", "{\"a\":1}"};
  client_bench b = open_bench(NULL);
  /* Twice, so that what one transfer set does not stay with the next that uses its handle. */
  for (size_t i = 0; i < 2 * 7 * 3; i++) {
    const char *method = methods[i % 7], *body = bodies[i / 7 % 3];
    if (strcmp(method, "HEAD") == 0 && body) continue;
    lp_request request = client_request(method, client_url(&b, "/things?q=1"), body);
    lp_id id = client_submit(b.engine, &request);
    const lp_response *response = client_wait(b.engine, id);
    assert_non_null(response);
    if (response->failure != LP_OK) fail_msg("%s: %s", method, response->message);
    assert_int_equal(response->body_len, strcmp(method, "HEAD") == 0 ? 0 : 11);
    lp_engine_release(b.engine, id);
    char line[64], length[32];
    snprintf(line, sizeof line, "%s /things?q=1 HTTP/1.1\r\n", method);
    assert_memory_equal(fault_last_head(b.listener), line, strlen(line));
    snprintf(length, sizeof length, "%zu", body ? strlen(body) : 0);
    check_sent(&b, "Content-Length", body ? length : NULL);
    check_sent(&b, "Content-Type", NULL);
    check_sent(&b, "Transfer-Encoding", NULL);
    check_sent(&b, "Expect", NULL);
    check_sent(&b, "Upgrade", NULL);
    check_sent(&b, "HTTP2-Settings", NULL);
    size_t len;
    assert_string_equal(fault_last_body(b.listener, &len), body ? body : "");
  }
  client_close(&b);
}

/* A POST without a body must say so (RFC 9110, 8.6), or servers answer 411; this is the caller's to do: body "". */
static void test_body_bytes(void **state) {
  (void)state;
  client_bench b = open_bench(NULL);
  static const char body[] = "\0\r\n\r\n\xff{}\0";
  lp_request request = client_request("POST", client_url(&b, "/"), "");
  request.body = body;
  request.body_len = sizeof body - 1;
  call(&b, &request);
  size_t len;
  const char *got = fault_last_body(b.listener, &len);
  assert_int_equal(len, sizeof body - 1);
  assert_memory_equal(got, body, len);
  client_close(&b);
}

static void test_large_body(void **state) {
  (void)state;
  size_t size = 2 * 1024 * 1024, len;
  char *body = malloc(size);
  assert_non_null(body);
  for (size_t i = 0; i < size; i++) body[i] = (char)(i * 31 >> 3);
  client_bench b = open_bench(NULL);
  lp_request request = client_request("PUT", client_url(&b, "/"), "");
  request.body = body;
  request.body_len = size;
  const lp_response *response = call(&b, &request);
  print_message("# 2 MiB in %.3f s\n", response->seconds);
  check_sent(&b, "Expect", NULL); /* or it waits a second; the time itself proves nothing on a slow machine */
  const char *got = fault_last_body(b.listener, &len);
  assert_int_equal(len, size);
  assert_memory_equal(got, body, size);
  client_close(&b);
  free(body);
}

static void test_target_as_it_stands(void **state) {
  (void)state;
  static const char *const targets[] = {"/a/../b",       "/./a/.//b/",         "/a%2Fb/%2e%2e/c",
                                        "/?a=b&c=%20d#", "/a;b=c/$&'()*+,=:@", "/%",
                                        "/..",           "/.x",                 "//double//"};
  client_bench b = open_bench(NULL);
  size_t count = sizeof targets / sizeof *targets;
  /* First each is not kept, kept, and there already; then one that is kept follows another. */
  for (size_t i = 0; i < 4 * count; i++) {
    const char *target = i < 3 * count ? targets[i / 3] : targets[i % count];
    lp_request request = client_request("GET", client_url(&b, target), NULL);
    request.keep_url = i >= 3 * count || i % 3 > 0;
    lp_id id = client_submit(b.engine, &request);
    client_expect(&b, id, LP_OK, LP_ANSWERED);
    lp_engine_release(b.engine, id); /* and so the next one has its handle */
    char line[128];
    snprintf(line, sizeof line, "GET %.*s HTTP/1.1\r\n", (int)strcspn(target, "#"), target);
    if (strncmp(fault_last_head(b.listener), line, strlen(line)) != 0)
      fail_msg("%s became %.40s", target, fault_last_head(b.listener));
  }
  client_close(&b);
}

static void test_headers_sent(void **state) {
  (void)state;
  static const lp_header headers[] = {
      {"Content-Type", "application/json; charset=utf-8", 12, 31},
      {"X-Empty", "", 7, 0},
      {"X-Twice", "one", 7, 3},
      {"X-Twice", "two", 7, 3},
      {"Authorization", "Bearer a.b-c_d~e+f/g==", 13, 22},
      {"X-Tab", "a\tb", 5, 3},
      {"X-Bytes", "\xc3\xa4\xff", 7, 3},
      {"!#$%&'*+-.^_`|~1", "token", 16, 5},
      {"User-Agent", "luaprov", 10, 7},
      {"Accept", "application/json", 6, 16},
      {"X-Semicolon;", "", 11, 0},
      {"X-Space", " ", 7, 1},
  };
  client_bench b = open_bench(NULL);
  lp_request request = client_request("POST", client_url(&b, "/"), "{}");
  request.headers = headers;
  request.header_count = sizeof headers / sizeof *headers;
  call(&b, &request);
  for (size_t i = 0; i < request.header_count; i++) {
    char line[128];
    const char *value = headers[i].value + strspn(headers[i].value, " ");
    int n = snprintf(line, sizeof line, "\r\n%.*s:%s%s\r\n", (int)headers[i].name_len, headers[i].name,
                     value[0] ? " " : "", value);
    if (!memmem(fault_last_head(b.listener), strlen(fault_last_head(b.listener)), line, (size_t)n))
      fail_msg("not sent: %s in %s", headers[i].name, fault_last_head(b.listener));
  }
  check_sent(&b, "Accept-Encoding", "gzip");
  client_close(&b);
}

/* libcurl has rules of its own for some headers; what the caller says goes out as he said it, once. */
static void test_headers_of_libcurl(void **state) {
  (void)state;
  static const lp_header headers[] = {
      {"Accept", "", 6, 0}, {"Content-Type", "", 12, 0}, {"Host", "vendor.example", 4, 14}};
  client_bench b = open_bench(NULL);
  lp_request request = client_request("POST", client_url(&b, "/"), "{}");
  request.headers = headers;
  request.header_count = 3;
  call(&b, &request);
  check_sent(&b, "Accept", "");
  check_sent(&b, "Content-Type", "");
  check_sent(&b, "Host", "vendor.example");
  client_close(&b);
}

/* Everything is copied: the caller's memory is gone before the first byte is sent. */
static void test_request_is_copied(void **state) {
  (void)state;
  client_bench b = open_bench(NULL);
  char *url = strdup(client_url(&b, "/copied")), *body = strdup("{\"a\":1}");
  char *name = strdup("X-Copied"), *value = strdup("yes");
  assert_true(url && body && name && value);
  lp_header header = {name, value, 8, 3};
  lp_request request = client_request("POST", url, body);
  request.headers = &header;
  request.header_count = 1;
  lp_id id = client_submit(b.engine, &request);
  memset(url, 'x', strlen(url));
  free(url);
  free(body);
  free(name);
  free(value);
  assert_non_null(client_wait(b.engine, id));
  assert_memory_equal(fault_last_head(b.listener), "POST /copied HTTP", 17);
  check_sent(&b, "X-Copied", "yes");
  size_t len;
  assert_string_equal(fault_last_body(b.listener, &len), "{\"a\":1}");
  client_close(&b);
}

/* ---- what comes back ---- */

static void test_headers_received(void **state) {
  (void)state;
  client_bench b = open_bench("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n"
                       "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                       "HTTP/1.1 201 Created\r\n"
                       "LOCATION: /things/1\r\n"
                       "Set-Cookie: a=1; Path=/\r\n"
                       "set-cookie: b=2\r\n"
                       "X-Empty:\r\n"
                       "X-Blank:   \t \r\n"
                       "X-Spaces:  \t a  b \t\r\n"
                       "X-Colon: a:b: c\r\n"
                       "Content-Length: 2\r\n\r\n{}");
  lp_request request = client_request("POST", client_url(&b, "/"), "{}");
  for (int i = 0; i < 2; i++) {
    const lp_response *response = call(&b, &request);
    assert_int_equal(response->status, 201);
    assert_int_equal(response->header_count, 8);
    assert_string_equal(response->headers, "location");
    assert_string_equal(client_header(response, "location", 0), "/things/1");
    assert_string_equal(client_header(response, "set-cookie", 0), "a=1; Path=/");
    assert_string_equal(client_header(response, "set-cookie", 1), "b=2");
    assert_null(client_header(response, "set-cookie", 2));
    assert_string_equal(client_header(response, "x-empty", 0), "");
    assert_string_equal(client_header(response, "x-blank", 0), "");
    assert_string_equal(client_header(response, "x-spaces", 0), "a  b");
    assert_string_equal(client_header(response, "x-colon", 0), "a:b: c");
    assert_null(client_header(response, "x-interim", 0));
    assert_null(client_header(response, "link", 0));
    assert_int_equal(response->body_len, 2);
    assert_memory_equal(response->body, "{}", 2);
  }
  client_close(&b);
}

static void test_trailers_are_no_headers(void **state) {
  (void)state;
  client_bench b = open_bench("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n"
                       "2\r\n{}\r\n0\r\nX-Late: 1\r\n\r\n");
  lp_request request = client_request("GET", client_url(&b, "/"), NULL);
  for (int i = 0; i < 2; i++) {
    const lp_response *response = call(&b, &request);
    assert_int_equal(response->status, 200);
    assert_null(client_header(response, "x-late", 0));
    assert_int_equal(response->body_len, 2);
  }
  client_close(&b);
}

static void test_redirects_are_answers(void **state) {
  (void)state;
  static const int statuses[] = {301, 302, 303, 307, 308};
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    char good[128];
    snprintf(good, sizeof good, "HTTP/1.1 %d Over there\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
             statuses[i]);
    client_bench b = open_bench(good);
    lp_request request = client_request("POST", client_url(&b, "/"), "{}");
    const lp_response *response = call(&b, &request);
    assert_int_equal(response->status, statuses[i]);
    assert_string_equal(client_header(response, "location", 0), "/elsewhere");
    assert_int_equal(response->body_len, 0);
    assert_non_null(response->body);
    assert_int_equal(fault_count(b.listener).acted, 1);
    client_close(&b);
  }
}

/* What libcurl could do by itself with a status: nothing is repeated, everything is delivered. */
static void test_statuses_are_answers(void **state) {
  (void)state;
  static const char *const statuses[] = {"400 Bad", "401 Who\r\nWWW-Authenticate: Basic realm=\"x\"", "407 Proxy",
                                         "408 Slow", "417 No expectations", "421 Misdirected", "425 Early",
                                         "429 Later\r\nRetry-After: 0", "500 Oh", "503 Later\r\nRetry-After: 0"};
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    char good[128];
    snprintf(good, sizeof good, "HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\n{}", statuses[i]);
    client_bench b = open_bench(good);
    lp_request request = client_request("POST", client_url(&b, "/"), "{}");
    for (unsigned n = 1; n <= 2; n++) {
      const lp_response *response = call(&b, &request);
      assert_int_equal(response->status, atoi(statuses[i]));
      assert_int_equal(response->body_len, 2);
      assert_int_equal(fault_count(b.listener).acted, n);
    }
    client_close(&b);
  }
}

static void test_http10(void **state) {
  (void)state;
  client_bench b = open_bench("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}");
  lp_request request = client_request("GET", client_url(&b, "/"), NULL);
  assert_int_equal(call(&b, &request)->http, 10);
  client_close(&b);
}

static int start(void **state) {
  (void)state;
  client_forget_proxies();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused_urls),
      cmocka_unit_test(test_refused_methods),
      cmocka_unit_test(test_refused_headers),
      cmocka_unit_test(test_refused_times),
      cmocka_unit_test(test_methods),
      cmocka_unit_test(test_body_bytes),
      cmocka_unit_test(test_large_body),
      cmocka_unit_test(test_target_as_it_stands),
      cmocka_unit_test(test_headers_sent),
      cmocka_unit_test(test_headers_of_libcurl),
      cmocka_unit_test(test_request_is_copied),
      cmocka_unit_test(test_headers_received),
      cmocka_unit_test(test_trailers_are_no_headers),
      cmocka_unit_test(test_redirects_are_answers),
      cmocka_unit_test(test_statuses_are_answers),
      cmocka_unit_test(test_http10),
  };
  return cmocka_run_group_tests_name("wire", tests, start, NULL);
}
