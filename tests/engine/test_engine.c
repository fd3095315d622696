/* The engine's five verbs: what they carry, queue, cancel and give back. What is said of failures is in
 * test_evidence; what goes over the wire in test_wire; limits are in test_limits. */
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

/* ---- many at once ---- */

static void many(fault_transport transport, size_t per_host, unsigned count) {
  fault_plan plan = {.transport = transport};
  client_bench b = client_open(&plan, per_host, client_ca_file);
  lp_id *ids = calloc(count, sizeof *ids);
  assert_non_null(ids);
  for (unsigned i = 0; i < count; i++) ids[i] = client_post(&b);
  assert_int_equal(lp_engine_in_flight(b.engine), count);
  for (unsigned i = 0; i < count; i++) {
    for (unsigned j = 0; j < i; j++) assert_true(ids[i] != ids[j]);
    client_expect(&b, ids[i], LP_OK, LP_ANSWERED);
    lp_engine_release(b.engine, ids[i]);
  }
  assert_int_equal(lp_engine_in_flight(b.engine), 0);
  free(ids);
  fault_counts counts = client_close(&b);
  assert_int_equal(counts.acted, count);
  if (transport == FAULT_H2) assert_int_equal(counts.connections, 1);
  else assert_true(counts.connections <= (per_host ? per_host : LP_PER_HOST));
}

static void test_many(void **state) {
  (void)state;
  many(FAULT_H1, 0, 500);
}

static void test_many_without_queue(void **state) {
  (void)state;
  many(FAULT_H1, 250, 250); /* valgrind has 500 threads, and the listener one a connection */
}

static void test_many_tls(void **state) {
  (void)state;
  many(FAULT_TLS, 8, 50);
}

static void test_many_h2(void **state) {
  (void)state;
  many(FAULT_H2, 0, 100);
}

static void per_host(fault_transport transport) {
  enum { CAP = 4, COUNT = 20 };
  fault_plan plan = {.transport = transport, .hold = true};
  client_bench b = client_open(&plan, CAP, client_ca_file);
  lp_id ids[COUNT], told[COUNT];
  for (int i = 0; i < COUNT; i++) ids[i] = client_post(&b);
  size_t ended = 0;
  for (unsigned left = COUNT; left; left--) {
    client_until_held(&b, left < CAP ? left : CAP);
    fault_let_go(b.listener, 1);
    while (!lp_engine_drive(b.engine, 1000)) continue;
    size_t now = lp_engine_reap(b.engine, told + ended, COUNT - ended);
    assert_int_equal(now, 1);
    ended += now;
  }
  for (int i = 0; i < COUNT; i++) client_expect(&b, ids[i], LP_OK, LP_ANSWERED);
  fault_counts counts = client_close(&b);
  assert_int_equal(counts.most_held, CAP);
  assert_int_equal(counts.acted, COUNT);
}

/* Also: nobody waits for the first answer to see whether it is HTTP/2. */
static void test_per_host(void **state) {
  (void)state;
  per_host(FAULT_H1);
}

static void test_per_host_tls(void **state) {
  (void)state;
  per_host(FAULT_TLS);
}

/* A transport has a cap of its own, above the engine's and below it. */
static void test_connections(void **state) {
  (void)state;
  fault_plan plan = {.hold = true};
  client_bench b = client_open(&plan, 2, client_ca_file);
  lp_request many = client_request("GET", b.url, NULL), one = many;
  many.transport.connections = 3;
  one.transport.connections = 1;
  for (int i = 0; i < 5; i++) client_submit(b.engine, &many);
  client_until_held(&b, 3);
  for (int i = 0; i < 5; i++) client_submit(b.engine, &one);
  client_until_held(&b, 3 + 1);
  for (int i = 0; i < 5; i++) client_post(&b);
  client_until_held(&b, 3 + 1 + 2);
  fault_let_go(b.listener, 15);
  for (size_t ended = 0; ended < 15;) {
    lp_id told[15];
    while (!lp_engine_drive(b.engine, 1000)) continue;
    ended += lp_engine_reap(b.engine, told, 15);
  }
  assert_int_equal(client_close(&b).most_held, 3 + 1 + 2);
}

/* The cap is per origin: another one does not wait. */
static void test_per_host_is_per_origin(void **state) {
  (void)state;
  fault_plan plan = {.hold = true}, other_plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 1, client_ca_file);
  lp_id held = client_post(&b), queued = client_post(&b);
  fault_listener *other = fault_listen(&other_plan);
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", fault_port(other));
  lp_request request = client_request("GET", url, NULL);
  client_expect(&b, client_submit(b.engine, &request), LP_OK, LP_ANSWERED);
  assert_null(lp_engine_take(b.engine, held));
  assert_null(lp_engine_take(b.engine, queued));
  client_close(&b);
  fault_finish(other);
  fault_free(other);
}

static void test_queued_time_out(void **state) {
  (void)state;
  fault_plan plan = {.hold = true};
  client_bench b = client_open(&plan, 1, client_ca_file);
  lp_id first = client_post(&b);
  client_until_held(&b, 1);
  lp_request request = client_request("POST", b.url, "{}");
  request.timeout_ms = 50;
  lp_id second = client_submit(b.engine, &request), third = client_post(&b);
  const lp_response *response = client_expect(&b, second, LP_TIMEOUT, LP_NOT_SENT);
  assert_true(response->seconds > 0.049);
  assert_null(lp_engine_take(b.engine, first));
  fault_let_go(b.listener, 2);
  client_expect(&b, first, LP_OK, LP_ANSWERED);
  client_expect(&b, third, LP_OK, LP_ANSWERED);
  assert_int_equal(client_close(&b).acted, 2);
}

/* Time in the queue counts: were the second given all of its time when its turn comes, it would end after 1.1 s. */
static void test_deadline_includes_queue(void **state) {
  (void)state;
  fault_plan plan = {.hold = true};
  client_bench b = client_open(&plan, 1, client_ca_file);
  lp_request request = client_request("POST", b.url, "{}");
  request.timeout_ms = 500;
  lp_id first = client_submit(b.engine, &request);
  request.timeout_ms = 600;
  lp_id second = client_submit(b.engine, &request);
  client_expect(&b, first, LP_TIMEOUT, LP_UNKNOWN);
  const lp_response *response = client_wait(b.engine, second);
  assert_non_null(response);
  assert_int_equal(response->failure, LP_TIMEOUT);
  assert_true(response->seconds > 0.59 && response->seconds < 1.09);
  client_close(&b);
}

/* ---- cancelling ---- */

static void test_cancel_queued(void **state) {
  (void)state;
  fault_plan plan = {.hold = true};
  client_bench b = client_open(&plan, 1, client_ca_file);
  lp_id first = client_post(&b), second = client_post(&b), third = client_post(&b);
  client_until_held(&b, 1);
  assert_true(lp_engine_cancel(b.engine, second));
  assert_int_equal(lp_engine_in_flight(b.engine), 2);
  client_expect(&b, second, LP_CANCELLED, LP_NOT_SENT);
  fault_let_go(b.listener, 2);
  client_expect(&b, first, LP_OK, LP_ANSWERED);
  client_expect(&b, third, LP_OK, LP_ANSWERED);
  assert_int_equal(client_close(&b).acted, 2);
}

static void cancel_in_flight(fault_transport transport) {
  fault_plan plan = {.transport = transport, .hold = true};
  client_bench b = client_open(&plan, 1, client_ca_file);
  lp_id first = client_post(&b), second = client_post(&b), told[2];
  client_until_held(&b, 1);
  assert_true(lp_engine_cancel(b.engine, first));
  assert_false(lp_engine_cancel(b.engine, first));
  assert_int_equal(lp_engine_reap(b.engine, told, 2), 1);
  assert_true(told[0] == first);
  client_expect(&b, first, LP_CANCELLED, LP_UNKNOWN);
  fault_let_go(b.listener, 2);
  client_expect(&b, second, LP_OK, LP_ANSWERED);
  assert_int_equal(client_close(&b).acted, 2);
}

static void test_cancel_in_flight(void **state) {
  (void)state;
  cancel_in_flight(FAULT_H1);
}

static void test_cancel_in_flight_tls(void **state) {
  (void)state;
  cancel_in_flight(FAULT_TLS);
}

static void test_cancel_in_flight_h2(void **state) {
  (void)state;
  cancel_in_flight(FAULT_H2);
}

static void test_cancel_before_anything(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 0, client_ca_file);
  lp_id id = client_post(&b);
  assert_true(lp_engine_cancel(b.engine, id));
  const lp_response *response = lp_engine_take(b.engine, id);
  assert_non_null(response);
  assert_int_equal(response->failure, LP_CANCELLED);
  assert_int_equal(response->outcome, LP_NOT_SENT);
  assert_int_equal(response->status, 0);
  assert_int_equal(response->header_count, 0);
  assert_int_equal(response->body_len, 0);
  assert_non_null(response->body);
  assert_int_equal(client_close(&b).acted, 0);
}

/* libcurl waits for its resolver when it lets go of a transfer: nobody else may wait with it. */
static void test_slow_name(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 0, client_ca_file);
  lp_request slow = client_request("POST", "http://slow.invalid/", "{}");
  double began = lp_now();
  lp_id cancelled = client_submit(b.engine, &slow);
  slow.timeout_ms = 100;
  lp_id late = client_submit(b.engine, &slow);
  client_expect(&b, client_post(&b), LP_OK, LP_ANSWERED);
  assert_true(lp_engine_cancel(b.engine, cancelled));
  client_expect(&b, cancelled, LP_CANCELLED, LP_NOT_SENT);
  client_expect(&b, late, LP_TIMEOUT, LP_NOT_SENT);
  client_expect(&b, client_post(&b), LP_OK, LP_ANSWERED);
  slow.timeout_ms = CLIENT_PATIENCE * 1000;
  client_submit(b.engine, &slow);
  lp_engine_drive(b.engine, 0);
  client_close(&b);
  double took = lp_now() - began;
  fault_names_answer();
  if (took > 5.0) fail_msg("everybody waited %.1f s for a resolver", took);
}

/* ---- ids and responses ---- */

static void test_old_ids(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 0, client_ca_file);
  lp_id old = client_post(&b);
  client_expect(&b, old, LP_OK, LP_ANSWERED);
  lp_engine_release(b.engine, old);
  lp_id young = client_post(&b);
  assert_true(old != young && young < (lp_id)1 << 53);
  lp_id strangers[] = {old, 0, 1, UINT64_MAX, young + 1, young + ((lp_id)1 << 24)};
  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
    assert_false(lp_engine_cancel(b.engine, strangers[i]));
    assert_null(lp_engine_take(b.engine, strangers[i]));
    lp_engine_release(b.engine, strangers[i]);
  }
  client_expect(&b, young, LP_OK, LP_ANSWERED);
  assert_false(lp_engine_cancel(b.engine, young));
  lp_engine_release(b.engine, old);
  assert_non_null(lp_engine_take(b.engine, young));
  lp_engine_release(b.engine, young);
  lp_engine_release(b.engine, young);
  assert_null(lp_engine_take(b.engine, young));
  lp_id again = client_post(&b);
  client_expect(&b, again, LP_OK, LP_ANSWERED);
  assert_int_equal(client_close(&b).acted, 3);
}

static void test_release_in_flight_is_harmless(void **state) {
  (void)state;
  fault_plan plan = {.hold = true};
  client_bench b = client_open(&plan, 0, client_ca_file);
  lp_id id = client_post(&b);
  client_until_held(&b, 1);
  lp_engine_release(b.engine, id);
  assert_int_equal(lp_engine_in_flight(b.engine), 1);
  fault_let_go(b.listener, 1);
  client_expect(&b, id, LP_OK, LP_ANSWERED);
  client_close(&b);
}

static void test_take_before_reap(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 0, client_ca_file);
  lp_id first = client_post(&b), second = client_post(&b), told[4];
  while (lp_engine_in_flight(b.engine)) lp_engine_drive(b.engine, 1000);
  assert_int_equal(lp_engine_drive(b.engine, 60000), 2); /* at once: some have ended */
  assert_non_null(lp_engine_take(b.engine, first));
  lp_engine_release(b.engine, first); /* and is told no more */
  assert_int_equal(lp_engine_drive(b.engine, 60000), 1);
  assert_int_equal(lp_engine_reap(b.engine, told, 4), 1);
  assert_true(told[0] == second);
  assert_int_equal(lp_engine_reap(b.engine, told, 4), 0);
  assert_non_null(lp_engine_take(b.engine, second));
  client_close(&b);
}

static void test_reap_in_order(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 1, client_ca_file);
  lp_id ids[3] = {client_post(&b), client_post(&b), client_post(&b)}, told[3];
  while (lp_engine_in_flight(b.engine)) {
    lp_engine_drive(b.engine, 1000);
  }
  assert_int_equal(lp_engine_reap(b.engine, told, 0), 0);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(lp_engine_reap(b.engine, told, 1), 1);
    assert_true(told[0] == ids[i]);
  }
  client_close(&b);
}

static void test_responses_stay(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 0, client_ca_file);
  lp_id ids[40];
  const lp_response *responses[40];
  for (int i = 0; i < 40; i++) {
    ids[i] = client_post(&b);
    responses[i] = client_expect(&b, ids[i], LP_OK, LP_ANSWERED);
  }
  for (int i = 0; i < 40; i++) {
    assert_ptr_equal(lp_engine_take(b.engine, ids[i]), responses[i]);
    assert_memory_equal(responses[i]->body, "{\"ok\":true}", 11);
    assert_string_equal(client_header(responses[i], "content-type", 0), "application/json");
  }
  client_close(&b);
}

static void test_idle(void **state) {
  (void)state;
  double began = lp_now();
  lp_engine *engine = lp_engine_new(NULL);
  assert_non_null(engine);
  lp_id told[1];
  assert_int_equal(lp_engine_drive(engine, 60000), 0);
  assert_int_equal(lp_engine_reap(engine, told, 1), 0);
  assert_int_equal(lp_engine_in_flight(engine), 0);
  assert_true(lp_now() - began < 30.0);
  lp_engine_free(engine);
  lp_engine_free(NULL);
}

static void test_drive_waits_no_longer(void **state) {
  (void)state;
  fault_plan plan = {.hold = true};
  client_bench b = client_open(&plan, 0, client_ca_file);
  client_post(&b);
  client_until_held(&b, 1);
  double began = lp_now();
  assert_int_equal(lp_engine_drive(b.engine, 0), 0);
  assert_int_equal(lp_engine_drive(b.engine, 20), 0);
  assert_true(lp_now() - began < 10.0);
  client_close(&b);
}

static void test_free_in_flight(void **state) {
  (void)state;
  fault_plan plan = {.hold = true};
  client_bench b = client_open(&plan, 2, client_ca_file);
  for (int i = 0; i < 5; i++) client_post(&b);
  client_until_held(&b, 2);
  assert_int_equal(lp_engine_in_flight(b.engine), 5);
  assert_int_equal(client_close(&b).acted, 2);
}

static void sequential(fault_transport transport) {
  fault_plan plan = {.transport = transport};
  client_bench b = client_open(&plan, 0, client_ca_file);
  for (int i = 0; i < 20; i++) {
    lp_id id = client_post(&b);
    const lp_response *response = client_expect(&b, id, LP_OK, LP_ANSWERED);
    assert_int_equal(response->reused, i > 0);
    assert_int_equal(response->http, transport == FAULT_H2 ? 20 : 11);
    assert_true(response->seconds >= 0 && response->seconds < CLIENT_PATIENCE);
    assert_string_equal(response->message, "");
    lp_engine_release(b.engine, id);
  }
  fault_counts counts = client_close(&b);
  assert_int_equal(counts.connections, 1);
  assert_int_equal(counts.acted, 20);
}

static void test_sequential(void **state) {
  (void)state;
  sequential(FAULT_H1);
}

static void test_sequential_tls(void **state) {
  (void)state;
  sequential(FAULT_TLS);
}

static void test_sequential_h2(void **state) {
  (void)state;
  sequential(FAULT_H2);
}

/* A failed transfer leaves nothing behind for the one that takes over its memory. */
static void test_good_after_bad(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_HEADERS, .how = HOW_FIN};
  client_bench b = client_open(&plan, 0, client_ca_file);
  lp_id id = client_post(&b);
  client_expect(&b, id, LP_PROTOCOL, LP_UNKNOWN);
  lp_engine_release(b.engine, id);
  const lp_response *response = client_expect(&b, client_post(&b), LP_OK, LP_ANSWERED);
  assert_int_equal(response->status, 200);
  assert_int_equal(response->header_count, 2);
  client_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_many),
      cmocka_unit_test(test_many_without_queue),
      cmocka_unit_test(test_many_tls),
      cmocka_unit_test(test_many_h2),
      cmocka_unit_test(test_per_host),
      cmocka_unit_test(test_per_host_tls),
      cmocka_unit_test(test_connections),
      cmocka_unit_test(test_per_host_is_per_origin),
      cmocka_unit_test(test_queued_time_out),
      cmocka_unit_test(test_deadline_includes_queue),
      cmocka_unit_test(test_cancel_queued),
      cmocka_unit_test(test_cancel_in_flight),
      cmocka_unit_test(test_cancel_in_flight_tls),
      cmocka_unit_test(test_cancel_in_flight_h2),
      cmocka_unit_test(test_cancel_before_anything),
      cmocka_unit_test(test_slow_name),
      cmocka_unit_test(test_old_ids),
      cmocka_unit_test(test_release_in_flight_is_harmless),
      cmocka_unit_test(test_take_before_reap),
      cmocka_unit_test(test_reap_in_order),
      cmocka_unit_test(test_responses_stay),
      cmocka_unit_test(test_idle),
      cmocka_unit_test(test_drive_waits_no_longer),
      cmocka_unit_test(test_free_in_flight),
      cmocka_unit_test(test_sequential),
      cmocka_unit_test(test_sequential_tls),
      cmocka_unit_test(test_sequential_h2),
      cmocka_unit_test(test_good_after_bad),
  };
  return cmocka_run_group_tests_name("engine", tests, client_start, client_stop);
}
