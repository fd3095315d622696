/* Descriptors of others: what makes drive return, whether or not the engine has transfers of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "fault_client.h"
#include "fault_listener.h"

typedef struct {
  int in, out;
} channel;

static channel new_channel(void) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  return (channel){.in = ends[1], .out = ends[0]};
}

static void fill(const channel *c) { assert_int_equal(write(c->in, "x", 1), 1); }

static void empty(const channel *c) {
  char byte;
  assert_int_equal(read(c->out, &byte, 1), 1);
}

static void close_channel(channel *c) {
  close(c->in);
  close(c->out);
}

/* Seconds that a drive of that many milliseconds took. */
static double time_of(lp_engine *engine, int ms) {
  double began = lp_now();
  assert_int_equal(lp_engine_drive(engine, ms), 0);
  return lp_now() - began;
}

static void wakes(lp_engine *engine) {
  channel c = new_channel(), other = new_channel();
  assert_true(lp_engine_watch(engine, c.out));
  assert_true(lp_engine_watch(engine, other.out));
  /* A transfer that is on its way may end some. */
  for (int early = 0; time_of(engine, 50) < 0.049; early++) assert_true(early < 100);
  fill(&c);
  assert_true(time_of(engine, CLIENT_PATIENCE * 1000) < CLIENT_PATIENCE / 2.0);
  assert_true(time_of(engine, CLIENT_PATIENCE * 1000) < CLIENT_PATIENCE / 2.0); /* as long as it is readable */
  empty(&c);
  fill(&other);
  assert_true(time_of(engine, CLIENT_PATIENCE * 1000) < CLIENT_PATIENCE / 2.0);
  lp_engine_unwatch(engine, c.out);
  assert_true(time_of(engine, CLIENT_PATIENCE * 1000) < CLIENT_PATIENCE / 2.0);
  lp_engine_unwatch(engine, other.out);
  lp_engine_unwatch(engine, other.out);
  lp_engine_unwatch(engine, -1);
  close_channel(&c);
  close_channel(&other);
}

static void test_idle(void **state) {
  (void)state;
  lp_engine *engine = lp_engine_new(NULL);
  assert_non_null(engine);
  wakes(engine);
  assert_true(time_of(engine, CLIENT_PATIENCE * 1000) < CLIENT_PATIENCE / 2.0); /* nothing is left to wait for */
  lp_engine_free(engine);
}

static void test_beside_transfers(void **state) {
  (void)state;
  fault_plan plan = {.hold = true};
  client_bench b = client_open(&plan, 1, NULL);
  lp_id first = client_post(&b), second = client_post(&b);
  client_until_held(&b, 1);
  wakes(b.engine);
  fault_let_go(b.listener, 2);
  client_expect(&b, first, LP_OK, LP_ANSWERED);
  client_expect(&b, second, LP_OK, LP_ANSWERED);
  client_close(&b);
}

/* A descriptor that stays readable does not keep transfers from going on. */
static void test_starves_nobody(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_NONE};
  client_bench b = client_open(&plan, 0, NULL);
  channel c = new_channel();
  fill(&c);
  assert_true(lp_engine_watch(b.engine, c.out));
  for (int i = 0; i < 50; i++) {
    lp_id id = client_post(&b);
    client_expect(&b, id, LP_OK, LP_ANSWERED);
    lp_engine_release(b.engine, id);
  }
  lp_engine_unwatch(b.engine, c.out);
  close_channel(&c);
  assert_int_equal(client_close(&b).acted, 50);
}

static void on_alarm(int number) { (void)number; }

/* A signal that is caught ends the wait: its catcher may want the program to stop. */
static void test_signal(void **state) {
  (void)state;
  struct sigaction catch = {.sa_handler = on_alarm}, before;
  sigaction(SIGALRM, &catch, &before);
  lp_engine *engine = lp_engine_new(NULL);
  channel c = new_channel();
  assert_true(lp_engine_watch(engine, c.out));
  /* Again and again: the first may come before the wait. */
  struct itimerval often = {.it_interval.tv_usec = 50000, .it_value.tv_usec = 50000}, never = {.it_value.tv_sec = 0};
  setitimer(ITIMER_REAL, &often, NULL);
  assert_true(time_of(engine, CLIENT_PATIENCE * 1000) < CLIENT_PATIENCE / 2.0);
  setitimer(ITIMER_REAL, &never, NULL);
  sigaction(SIGALRM, &before, NULL);
  lp_engine_free(engine);
  close_channel(&c);
}

int main(void) {
  client_forget_proxies();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_idle),
      cmocka_unit_test(test_beside_transfers),
      cmocka_unit_test(test_starves_nobody),
      cmocka_unit_test(test_signal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
