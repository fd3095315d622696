/* The driver: the engine's verbs across two threads, the bell, and what a process around it does to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver_client.h"

static const fault_plan good = {.place = PLACE_NONE}, held = {.hold = true};

/* ---- the verbs ---- */

static void test_exchange(void **state) {
  (void)state;
  driver_bench b = driver_open(&good, NULL);
  lp_id id = driver_post(&b);
  assert_int_equal(lp_driver_held(b.driver), 1);
  const lp_response *response = driver_expect(&b, id, LP_OK, LP_ANSWERED);
  assert_int_equal(response->status, 200);
  assert_int_equal(response->http, 11);
  assert_non_null(client_header(response, "content-type", 0));
  assert_int_equal(response->body_len, strlen(response->body));
  assert_true(response->body_len > 0 && response->seconds > 0);
  size_t sent;
  assert_string_equal(fault_last_body(b.listener, &sent), "{}");
  lp_driver_release(b.driver, id);
  assert_null(lp_driver_take(b.driver, id));
  lp_driver_release(b.driver, id);
  assert_false(lp_driver_cancel(b.driver, id));
  lp_driver_forget(b.driver, id);
  assert_int_equal(lp_driver_held(b.driver), 0);
  /* It was taken before it was told, and is told no more. */
  lp_id ids[4];
  assert_int_equal(lp_driver_reap(b.driver, ids, 4), 0);
  assert_int_equal(driver_close(&b).acted, 1);
}

/* All of the request arrives, and nothing of it is needed after submit. */
static void test_request(void **state) {
  (void)state;
  driver_bench b = driver_open(&good, NULL);
  char name[] = "X-Name", value[] = "some value", body[] = "a body", *method = strdup("PATCH"), why[256];
  lp_header headers[] = {{name, value, strlen(name), strlen(value)}, {"X-Empty", "", 7, 0}};
  lp_request request = client_request(method, b.url, body);
  request.headers = headers;
  request.header_count = 2;
  request.transport.proxy = "";
  lp_id id = lp_driver_submit(b.driver, &request, why, sizeof why);
  assert_true(id);
  memset(name, 'x', sizeof name - 1);
  memset(value, 'x', sizeof value - 1);
  memset(body, 'x', sizeof body - 1);
  memset(headers, 0, sizeof headers);
  free(method);
  driver_expect(&b, id, LP_OK, LP_ANSWERED);
  const char *head = fault_last_head(b.listener);
  assert_non_null(strstr(head, "PATCH / HTTP/1.1\r\n"));
  assert_non_null(strstr(head, "\r\nX-Name: some value\r\n"));
  assert_non_null(strstr(head, "\r\nX-Empty:"));
  size_t len;
  assert_string_equal(fault_last_body(b.listener, &len), "a body");
  driver_close(&b);
}

static void test_refused_request(void **state) {
  (void)state;
  driver_bench b = driver_open(&good, NULL);
  lp_request request = client_request("GET", "ftp://127.0.0.1/", NULL);
  char why[256] = "";
  assert_int_equal(lp_driver_submit(b.driver, &request, why, sizeof why), 0);
  assert_true(why[0]);
  assert_int_equal(lp_driver_held(b.driver), 0);
  driver_close(&b);
}

static void test_failures(void **state) {
  (void)state;
  fault_plan plan = {.place = PLACE_BODY, .how = HOW_FIN};
  driver_bench b = driver_open(&plan, NULL);
  const lp_response *response = driver_expect(&b, driver_post(&b), LP_PROTOCOL, LP_ANSWERED);
  assert_true(response->message[0]);
  assert_int_equal(response->status, 200);
  driver_close(&b);
}

static void test_many(void **state) {
  (void)state;
  enum { MANY = 300 };
  driver_bench b = driver_open(&good, &(lp_engine_options){.per_host = 16});
  driver_hang(&b);
  lp_id ids[MANY];
  bool seen[MANY + 1] = {false};
  for (int i = 0; i < MANY; i++) ids[i] = driver_post(&b);
  for (int told = 0; told < MANY;) {
    assert_true(driver_rings(&b, CLIENT_PATIENCE * 1000));
    lp_id some[7];
    for (size_t count; (count = lp_driver_reap(b.driver, some, 7)); told += (int)count)
      for (size_t i = 0; i < count; i++) {
        assert_in_range(some[i], ids[0], ids[MANY - 1]);
        assert_false(seen[some[i] - ids[0]]);
        seen[some[i] - ids[0]] = true;
        driver_expect(&b, some[i], LP_OK, LP_ANSWERED);
        lp_driver_release(b.driver, some[i]);
      }
  }
  assert_int_equal(lp_driver_held(b.driver), 0);
  assert_int_equal(driver_close(&b).acted, MANY);
}

/* ---- cancel and forget ---- */

static void test_cancel(void **state) {
  (void)state;
  driver_bench b = driver_open(&held, &(lp_engine_options){.per_host = 1});
  lp_id running = driver_post(&b), queued = driver_post(&b);
  driver_until_held(&b, 1);
  assert_true(lp_driver_cancel(b.driver, queued));
  driver_expect(&b, queued, LP_CANCELLED, LP_NOT_SENT);
  assert_true(lp_driver_cancel(b.driver, running));
  lp_driver_cancel(b.driver, running);
  driver_expect(&b, running, LP_CANCELLED, LP_UNKNOWN);
  assert_false(lp_driver_cancel(b.driver, running));
  lp_id at_once = driver_post(&b);
  lp_driver_cancel(b.driver, at_once);
  assert_int_equal(driver_wait(&b, at_once)->failure, LP_CANCELLED); /* whether it was sent, nobody can foresee */
  fault_let_go(b.listener, 2);
  driver_close(&b);
}

static void test_forget(void **state) {
  (void)state;
  driver_bench b = driver_open(&held, NULL);
  driver_hang(&b);
  lp_id gone = driver_post(&b), cancelled = driver_post(&b), done = driver_post(&b), stays = driver_post(&b);
  driver_until_held(&b, 4);
  lp_driver_cancel(b.driver, cancelled);
  lp_driver_forget(b.driver, cancelled);
  lp_driver_forget(b.driver, gone);
  fault_let_go(b.listener, 4);
  driver_expect(&b, done, LP_OK, LP_ANSWERED);
  driver_expect(&b, stays, LP_OK, LP_ANSWERED);
  lp_driver_forget(b.driver, done);
  assert_null(lp_driver_take(b.driver, done));
  assert_true(driver_rings(&b, CLIENT_PATIENCE * 1000));
  lp_id ids[4];
  assert_int_equal(lp_driver_reap(b.driver, ids, 4), 1);
  assert_int_equal(ids[0], stays);
  for (int i = 0; i < 100; i++) lp_driver_forget(b.driver, driver_post(&b));
  assert_int_equal(lp_driver_held(b.driver), 1);
  driver_close(&b);
}

/* ---- the bell ---- */

static void test_rings_once(void **state) {
  (void)state;
  driver_bench b = driver_open(&held, NULL);
  driver_hang(&b);
  assert_false(driver_rings(&b, 20));
  lp_id first = driver_post(&b), second = driver_post(&b);
  driver_until_held(&b, 2);
  fault_let_go(b.listener, 2);
  driver_expect(&b, first, LP_OK, LP_ANSWERED);
  driver_expect(&b, second, LP_OK, LP_ANSWERED);
  assert_true(driver_rings(&b, CLIENT_PATIENCE * 1000));
  assert_false(driver_rings(&b, 20));
  lp_id ids[4];
  assert_int_equal(lp_driver_reap(b.driver, ids, 4), 2);
  lp_id third = driver_post(&b);
  driver_until_held(&b, 1);
  fault_let_go(b.listener, 1);
  assert_true(driver_rings(&b, CLIENT_PATIENCE * 1000));
  assert_int_equal(lp_driver_reap(b.driver, ids, 4), 1);
  assert_int_equal(ids[0], third);
  driver_close(&b);
}

/* Whoever reaps some of many need not ask for the rest. */
static void test_rings_for_the_rest(void **state) {
  (void)state;
  driver_bench b = driver_open(&good, NULL);
  driver_hang(&b);
  lp_id ids[3];
  for (int i = 0; i < 3; i++) ids[i] = driver_post(&b);
  for (int i = 0; i < 3; i++) driver_expect(&b, ids[i], LP_OK, LP_ANSWERED);
  for (int i = 0; i < 3; i++) {
    assert_true(driver_rings(&b, CLIENT_PATIENCE * 1000));
    assert_int_equal(lp_driver_reap(b.driver, ids, 1), 1);
  }
  assert_int_equal(lp_driver_reap(b.driver, ids, 1), 0);
  driver_close(&b);
}

/* A listener hears of something again and again, but only one that reaps. */
static void test_ticks(void **state) {
  (void)state;
  driver_bench b = driver_open(&good, NULL);
  driver_hang(&b);
  lp_id ids[4];
  double began = lp_now();
  for (int i = 0; i < 3; i++) {
    assert_true(driver_rings(&b, CLIENT_PATIENCE * 1000));
    assert_false(driver_rings(&b, 0));
    assert_int_equal(lp_driver_reap(b.driver, ids, 4), 0);
  }
  assert_true(lp_now() - began > 0.6);
  assert_true(driver_rings(&b, CLIENT_PATIENCE * 1000));
  assert_false(driver_rings(&b, 600));
  driver_close(&b);
}

/* What ended while nobody listened is told to whoever comes. */
static void test_rings_anew(void **state) {
  (void)state;
  driver_bench b = driver_open(&good, NULL);
  driver_expect(&b, driver_post(&b), LP_OK, LP_ANSWERED);
  driver_hang(&b);
  assert_true(driver_rings(&b, CLIENT_PATIENCE * 1000));
  close(b.bell);
  b.bell = -1;
  lp_id ids[4];
  assert_int_equal(lp_driver_reap(b.driver, ids, 4), 1);
  driver_expect(&b, driver_post(&b), LP_OK, LP_ANSWERED);
  driver_expect(&b, driver_post(&b), LP_OK, LP_ANSWERED);
  driver_hang(&b);
  assert_true(driver_rings(&b, CLIENT_PATIENCE * 1000));
  assert_int_equal(lp_driver_reap(b.driver, ids, 4), 2);
  driver_close(&b);
}

static void test_bell_only_ours(void **state) {
  (void)state;
  driver_bench b = driver_open(&good, NULL);
  char why[256] = "";
  const char *path = lp_driver_hang(b.driver, "/tmp", why, sizeof why);
  assert_non_null(path);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  pid_t child = fork();
  if (child == 0) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    _exit(connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  assert_false(lp_driver_answer(b.driver));
  assert_int_equal(access(address.sun_path, F_OK), -1);
  assert_false(lp_driver_answer(b.driver));
  driver_close(&b);
}

static void test_no_bell(void **state) {
  (void)state;
  driver_bench b = driver_open(&good, NULL);
  char why[256] = "", folder[200];
  assert_null(lp_driver_hang(b.driver, "/dev/null", why, sizeof why));
  assert_string_equal(why, "no folder can be made in /dev/null: Not a directory");
  memset(folder, 'a', sizeof folder - 1);
  folder[0] = '/';
  folder[sizeof folder - 1] = '\0';
  assert_null(lp_driver_hang(b.driver, folder, why, sizeof why));
  assert_non_null(strstr(why, "File name too long"));
  assert_false(lp_driver_answer(b.driver));
  /* One that nobody answers leaves nothing behind. */
  char path[256];
  snprintf(path, sizeof path, "%s", lp_driver_hang(b.driver, "/tmp", why, sizeof why));
  driver_expect(&b, driver_post(&b), LP_OK, LP_ANSWERED);
  driver_close(&b);
  assert_int_equal(access(path, F_OK), -1);
  *strrchr(path, '/') = '\0';
  assert_int_equal(access(path, F_OK), -1);
}

/* ---- the end ---- */

static void test_ends_at_once(void **state) {
  (void)state;
  driver_bench b = driver_open(&held, &(lp_engine_options){.per_host = 2});
  lp_id forgotten = driver_post(&b);
  for (int i = 0; i < 4; i++) driver_post(&b);
  lp_request request = client_request("GET", "http://slow.invalid/", NULL);
  char why[256];
  assert_true(lp_driver_submit(b.driver, &request, why, sizeof why));
  driver_until_held(&b, 2);
  lp_driver_forget(b.driver, forgotten);
  double began = lp_now();
  lp_driver_free(b.driver);
  assert_true(lp_now() - began < 1);
  b.driver = NULL;
  fault_names_answer();
  fault_let_go(b.listener, 5);
  driver_close(&b);
}

/* A name that is not answered keeps nobody else waiting, nor does its transfer's end. */
static void test_slow_name(void **state) {
  (void)state;
  driver_bench b = driver_open(&good, NULL);
  lp_request request = client_request("GET", "http://slow.invalid/", NULL);
  request.timeout_ms = 150;
  char why[256];
  lp_id slow = lp_driver_submit(b.driver, &request, why, sizeof why);
  double slowest = 0, began = lp_now();
  while (!lp_driver_take(b.driver, slow) || lp_now() < began + 0.3) {
    double asked = lp_now();
    lp_id id = driver_post(&b);
    driver_expect(&b, id, LP_OK, LP_ANSWERED);
    lp_driver_release(b.driver, id);
    if (lp_now() - asked > slowest) slowest = lp_now() - asked;
  }
  if (slowest > 1) fail_msg("another call took %.3f s", slowest); /* valgrind is slow, too */
  assert_true(driver_expect(&b, slow, LP_TIMEOUT, LP_NOT_SENT)->seconds < 3);
  fault_names_answer();
  driver_close(&b);
}

/* ---- the process around it ---- */

static _Atomic(pthread_t) caught_by;

static void on_signal(int number) {
  (void)number;
  caught_by = pthread_self();
}

static void test_signals(void **state) {
  (void)state;
  struct sigaction catch = {.sa_handler = on_signal}, before;
  sigaction(SIGUSR1, &catch, &before);
  driver_bench b = driver_open(&good, NULL);
  driver_expect(&b, driver_post(&b), LP_OK, LP_ANSWERED);
  /* With the owner's blocked, one of the process goes to any thread that takes it. */
  sigset_t usr1, none;
  sigemptyset(&none);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, &usr1, &mask);
  assert_false(sigismember(&mask, SIGUSR1)); /* its start has left the owner's as it was */
  kill(getpid(), SIGUSR1);
  driver_expect(&b, driver_post(&b), LP_OK, LP_ANSWERED);
  sigset_t pending;
  sigpending(&pending);
  bool came_to_us = sigismember(&pending, SIGUSR1) == 1;
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  driver_close(&b);
  sigaction(SIGUSR1, &before, NULL);
  /* The listener's threads may have taken it; the driver's has not. */
  assert_true(came_to_us || caught_by);
}

static void test_fork(void **state) {
  (void)state;
  driver_bench b = driver_open(&held, NULL);
  lp_id id = driver_post(&b);
  driver_until_held(&b, 1);
  pid_t child = fork();
  if (child == 0) {
    alarm(CLIENT_PATIENCE);
    bool ours = lp_driver_is_ours(b.driver);
    lp_driver_free(b.driver);
    /* Not _exit: valgrind would look for leaks, and what belongs to the parent is one here. */
    execlp(ours ? "false" : "true", "true", (char *)NULL);
    _exit(1);
  }
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  assert_true(lp_driver_is_ours(b.driver));
  fault_let_go(b.listener, 1);
  driver_expect(&b, id, LP_OK, LP_ANSWERED);
  driver_close(&b);
}

static bool refuse_threads;

/* The program's symbols come before a library's. */
int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*start)(void *),
                   void *restrict arg) {
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  return refuse_threads ? EAGAIN : real(thread, attributes, start, arg);
}

static void test_no_thread(void **state) {
  (void)state;
  char why[256] = "";
  refuse_threads = true;
  lp_driver *driver = lp_driver_new(NULL, why, sizeof why);
  refuse_threads = false;
  assert_null(driver);
  assert_string_equal(why, "no thread can be started: Resource temporarily unavailable");
}

int main(void) {
  client_forget_proxies();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exchange),   cmocka_unit_test(test_request),        cmocka_unit_test(test_refused_request),
      cmocka_unit_test(test_failures),   cmocka_unit_test(test_many),           cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_forget),     cmocka_unit_test(test_rings_once),     cmocka_unit_test(test_rings_anew),
      cmocka_unit_test(test_no_bell),    cmocka_unit_test(test_bell_only_ours), cmocka_unit_test(test_ends_at_once),
      cmocka_unit_test(test_slow_name),  cmocka_unit_test(test_signals),        cmocka_unit_test(test_fork),
      cmocka_unit_test(test_no_thread),    cmocka_unit_test(test_ticks),     cmocka_unit_test(test_rings_for_the_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
