/* How much of an answer is too much, and what gzip has to do with it. */
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

static void limit_of(const char *answer, size_t answer_len, size_t limit, lp_failure failure, size_t body_len) {
  fault_plan plan = {.good = answer, .good_len = answer_len};
  client_bench b = client_open(&plan, 0, NULL);
  lp_request request = client_request("GET", b.url, NULL);
  request.response_limit = limit;
  const lp_response *response = client_expect(&b, client_submit(b.engine, &request), failure, LP_ANSWERED);
  assert_int_equal(response->status, 200);
  if (failure == LP_OK) assert_int_equal(response->body_len, body_len);
  else assert_true(response->body_len <= (limit ? limit : LP_RESPONSE_LIMIT));
  client_close(&b);
}

static char *answer_with(const char *headers, const char *body, size_t body_len, size_t *len) {
  size_t head = strlen(headers) + 64;
  char *answer = malloc(head + body_len);
  assert_non_null(answer);
  int n = snprintf(answer, head, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", headers, body_len);
  memcpy(answer + n, body, body_len);
  *len = (size_t)n + body_len;
  return answer;
}

static void test_small_limit(void **state) {
  (void)state;
  const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
  limit_of(answer, 0, 10, LP_OK, 10);
  limit_of(answer, 0, 9, LP_TOO_LARGE, 0);
  limit_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", 0, 9,
           LP_TOO_LARGE, 0);
}

static void test_default_limit(void **state) {
  (void)state;
  size_t len, most = LP_RESPONSE_LIMIT;
  char *body = calloc(1, most + 1);
  assert_non_null(body);
  char *answer = answer_with("", body, most, &len);
  limit_of(answer, len, 0, LP_OK, most);
  free(answer);
  answer = answer_with("", body, most + 1, &len);
  limit_of(answer, len, 0, LP_TOO_LARGE, 0);
  free(answer);
  free(body);
}

/* {"name":"Support"} */
static const char zipped[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\x4b\xcc\x4d\x55\xb2\x52\x0a\x2e\x2d"
                             "\x28\xc8\x2f\x2a\x51\xaa\x05\x00\x57\x40\x2e\x5e\x12\x00\x00\x00";

static void test_gzip(void **state) {
  (void)state;
  size_t len;
  char *answer = answer_with("Content-Encoding: gzip\r\n", zipped, sizeof zipped - 1, &len);
  fault_plan plan = {.good = answer, .good_len = len};
  client_bench b = client_open(&plan, 0, NULL);
  const lp_response *response = client_expect(&b, client_post(&b), LP_OK, LP_ANSWERED);
  assert_int_equal(response->body_len, 18);
  assert_memory_equal(response->body, "{\"name\":\"Support\"}", 18);
  client_close(&b);
  free(answer);
  /* The headers tell what happened, the body is no good. */
  answer = answer_with("Content-Encoding: gzip\r\n", "this is not gzip", 16, &len);
  limit_of(answer, len, 0, LP_PROTOCOL, 0);
  free(answer);
}

static void put_bits(unsigned char *out, size_t *at, unsigned bits, unsigned count) {
  for (; count; count--, bits >>= 1, ++*at)
    if (bits & 1) out[*at / 8] |= (unsigned char)(1u << *at % 8);
}

/* Zeros, by hand (RFC 1951, 3.2.6): one, and `runs` times "258 more of it" in 13 bits. It has no end. */
static char *bomb(size_t runs, size_t *len) {
  *len = 10 + runs * 13 / 8 + 3;
  unsigned char *out = calloc(1, *len);
  assert_non_null(out);
  memcpy(out, zipped, 10);
  size_t at = 80;
  put_bits(out, &at, 3, 3);    /* the last block, of fixed codes */
  put_bits(out, &at, 0x0c, 8); /* literal 0: 00110000, and codes come with their high bit first */
  while (runs--) {
    put_bits(out, &at, 0xa3, 8); /* length 258: 11000101 */
    put_bits(out, &at, 0, 5);    /* distance 1 */
  }
  return (char *)out;
}

static void test_gzip_bomb(void **state) {
  (void)state;
  size_t packed_len, len;
  char *packed = bomb(64 * 1024 * 1024 / 258, &packed_len);
  char *answer = answer_with("Content-Encoding: gzip\r\n", packed, packed_len, &len);
  limit_of(answer, len, 0, LP_TOO_LARGE, 0);
  limit_of(answer, len, packed_len + 1, LP_TOO_LARGE, 0);
  free(answer);
  free(packed);
}

/* Above the limit, in one line, in many, and in interim answers. */
static void test_header_limit(void **state) {
  (void)state;
  size_t room = 4 * LP_HEADER_LIMIT;
  const char *const lines[] = {"A: 0123456789\r\n", "HTTP/1.1 103 Early Hints\r\nA: 0123456789\r\n\r\n"};
  for (int i = 0; i < 3; i++) {
    char *answer = malloc(room), *at = answer;
    assert_non_null(answer);
    if (i != 2) at = stpcpy(at, "HTTP/1.1 200 OK\r\n");
    if (i == 0) {
      at = stpcpy(at, "A: ");
      memset(at, 'x', LP_HEADER_LIMIT);
      at = stpcpy(at + LP_HEADER_LIMIT, "\r\n");
    } else {
      while (at < answer + LP_HEADER_LIMIT + 1000) at = stpcpy(at, lines[i - 1]);
    }
    if (i == 2) at = stpcpy(at, "HTTP/1.1 200 OK\r\n");
    stpcpy(at, "Content-Length: 0\r\n\r\n");
    fault_plan plan = {.good = answer};
    client_bench b = client_open(&plan, 0, NULL);
    /* libcurl's own limit on one line (100 KiB) comes first. */
    const lp_response *response = client_wait(b.engine, client_post(&b));
    assert_non_null(response);
    if (i == 0) assert_true(response->failure == LP_TOO_LARGE || response->failure == LP_PROTOCOL);
    else assert_int_equal(response->failure, LP_TOO_LARGE);
    assert_int_equal(response->outcome, LP_UNKNOWN);
    client_close(&b);
    free(answer);
  }
}

static int start(void **state) {
  (void)state;
  client_forget_proxies();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small_limit),
      cmocka_unit_test(test_default_limit),
      cmocka_unit_test(test_gzip),
      cmocka_unit_test(test_gzip_bomb),
      cmocka_unit_test(test_header_limit),
  };
  return cmocka_run_group_tests_name("limits", tests, start, NULL);
}
