/*
 * The driver under load, with everything that its owner may do at once: ThreadSanitizer watches it. Two owners with a
 * driver each share the process, as two Lua states of one nginx worker do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_client.h"

enum { TRANSFERS = 5000, AT_ONCE = 40, OWNERS = 2 };

typedef struct {
  driver_bench bench;
  unsigned seed, submitted, ended, forgotten;
  lp_id ids[AT_ONCE];
} owner;

static unsigned dice(owner *o, unsigned sides) {
  o->seed = o->seed * 1103515245u + 12345u;
  return (o->seed >> 16) % sides;
}

static void submit_some(owner *o) {
  for (int i = 0; i < AT_ONCE && o->submitted < TRANSFERS; i++) {
    if (o->ids[i] || dice(o, 2)) continue;
    o->ids[i] = driver_post(&o->bench);
    o->submitted++;
  }
}

static void disturb(owner *o) {
  lp_id *id = &o->ids[dice(o, AT_ONCE)];
  switch (dice(o, 8)) {
    case 0:
      if (*id) lp_driver_cancel(o->bench.driver, *id);
      break;
    case 1:
      if (!*id) break;
      lp_driver_forget(o->bench.driver, *id);
      o->forgotten++;
      *id = 0;
      break;
    case 2:
      if (dice(o, 20) == 0) driver_hang(&o->bench);
      break;
    default: break;
  }
}

static void take(owner *o, lp_id id) {
  int i = 0;
  while (i < AT_ONCE && o->ids[i] != id) i++;
  if (i == AT_ONCE) fail_msg("told of a transfer that is not there");
  const lp_response *response = lp_driver_take(o->bench.driver, id);
  if (!response) fail_msg("told of a transfer that has not ended");
  if (response->failure != LP_OK && response->failure != LP_CANCELLED) fail_msg("%s", response->message);
  size_t sum = 0; /* every byte is read: it is ours */
  for (size_t b = 0; b < response->body_len; b++) sum += (unsigned char)response->body[b];
  assert_true(response->failure == LP_CANCELLED || sum > 0);
  lp_driver_release(o->bench.driver, id);
  o->ids[i] = 0;
  o->ended++;
}

static void *own(void *arg) {
  owner *o = arg;
  driver_hang(&o->bench);
  double limit = lp_now() + 4 * CLIENT_PATIENCE;
  while (o->ended + o->forgotten < TRANSFERS) {
    if (lp_now() > limit) fail_msg("%u of %d have ended", o->ended + o->forgotten, TRANSFERS);
    submit_some(o);
    disturb(o);
    driver_rings(&o->bench, 1);
    lp_id told[5];
    for (size_t count; (count = lp_driver_reap(o->bench.driver, told, 5));)
      for (size_t i = 0; i < count; i++) take(o, told[i]);
  }
  assert_int_equal(lp_driver_held(o->bench.driver), 0);
  return NULL;
}

static void test_stress(void **state) {
  (void)state;
  static const fault_plan plan = {.place = PLACE_NONE};
  owner owners[OWNERS];
  pthread_t threads[OWNERS];
  for (unsigned i = 0; i < OWNERS; i++) {
    owners[i] = (owner){.seed = i + 1, .bench = driver_open(&plan, &(lp_engine_options){.per_host = 8})};
    pthread_create(&threads[i], NULL, own, &owners[i]);
  }
  for (unsigned i = 0; i < OWNERS; i++) {
    pthread_join(threads[i], NULL);
    assert_true(owners[i].ended > TRANSFERS / 2);
    assert_true(owners[i].forgotten > 0);
    driver_close(&owners[i].bench);
  }
}

/* Made and ended again and again, with transfers in flight. */
static void test_lives(void **state) {
  (void)state;
  static const fault_plan plan = {.place = PLACE_NONE};
  for (int i = 0; i < 50; i++) {
    driver_bench b = driver_open(&plan, NULL);
    for (int n = 0; n < i % 5; n++) driver_post(&b);
    if (i % 2) lp_driver_forget(b.driver, driver_post(&b));
    driver_close(&b);
  }
}

int main(void) {
  client_forget_proxies();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_stress), cmocka_unit_test(test_lives)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
