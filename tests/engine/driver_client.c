#include "driver_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

driver_bench driver_open(const fault_plan *plan, const lp_engine_options *options) {
  char why[256] = "";
  driver_bench bench = {.listener = fault_listen(plan), .bell = -1};
  bench.driver = lp_driver_new(options, why, sizeof why);
  if (!bench.driver) fail_msg("%s", why);
  snprintf(bench.url, sizeof bench.url, "http://127.0.0.1:%d/", fault_port(bench.listener));
  return bench;
}

fault_counts driver_close(driver_bench *bench) {
  lp_driver_free(bench->driver);
  if (bench->bell >= 0) close(bench->bell);
  fault_finish(bench->listener);
  fault_counts counts = fault_count(bench->listener);
  fault_free(bench->listener);
  return counts;
}

void driver_hang(driver_bench *bench) {
  char why[256] = "";
  const char *path = lp_driver_hang(bench->driver, "/tmp", why, sizeof why);
  if (!path) fail_msg("%s", why);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  if (bench->bell >= 0) close(bench->bell);
  bench->bell = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(connect(bench->bell, (struct sockaddr *)&address, sizeof address), 0);
  assert_true(lp_driver_answer(bench->driver));
  assert_int_equal(access(address.sun_path, F_OK), -1);
}

lp_id driver_post(driver_bench *bench) {
  lp_request request = client_request("POST", bench->url, "{}");
  char why[256] = "";
  lp_id id = lp_driver_submit(bench->driver, &request, why, sizeof why);
  if (!id) fail_msg("%s", why);
  return id;
}

const lp_response *driver_wait(driver_bench *bench, lp_id id) {
  double limit = lp_now() + CLIENT_PATIENCE;
  const lp_response *response;
  while (!(response = lp_driver_take(bench->driver, id))) {
    if (lp_now() > limit) fail_msg("it does not end");
    lp_pause(1);
  }
  return response;
}

const lp_response *driver_expect(driver_bench *bench, lp_id id, lp_failure failure, lp_outcome outcome) {
  const lp_response *response = driver_wait(bench, id);
  if (response->failure != failure || response->outcome != outcome)
    fail_msg("%s/%s: %s", client_outcome_name(response->outcome), client_failure_name(response->failure),
             response->message);
  return response;
}

void driver_until_held(driver_bench *bench, unsigned count) {
  double limit = lp_now() + CLIENT_PATIENCE;
  while (fault_count(bench->listener).held != count) {
    if (lp_now() > limit) fail_msg("%u are held, not %u", fault_count(bench->listener).held, count);
    lp_pause(1);
  }
}

bool driver_rings(driver_bench *bench, int ms) {
  struct pollfd one = {.fd = bench->bell, .events = POLLIN};
  char byte;
  return poll(&one, 1, ms) == 1 && read(bench->bell, &byte, 1) == 1;
}
