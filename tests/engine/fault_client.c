#include "fault_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_parts.h"

void client_forget_proxies(void) {
  static const char *const names[] = {"http_proxy",  "https_proxy", "all_proxy", "no_proxy",
                                      "HTTPS_PROXY", "HTTP_PROXY",  "ALL_PROXY", "NO_PROXY"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}

const char *client_ca_file;

int client_start(void **state) {
  (void)state;
  client_forget_proxies();
  client_ca_file = fault_tls_start();
  return 0;
}

int client_stop(void **state) {
  (void)state;
  fault_tls_stop();
  return 0;
}

lp_request client_request(const char *method, const char *url, const char *body) {
  return (lp_request){.method = method,
                      .method_len = strlen(method),
                      .url = url,
                      .url_len = strlen(url),
                      .body = body,
                      .body_len = body ? strlen(body) : 0,
                      .timeout_ms = CLIENT_PATIENCE * 1000 / 2,
                      .connect_timeout_ms = CLIENT_PATIENCE * 1000 / 2};
}

lp_id client_submit(lp_engine *engine, const lp_request *request) {
  char why[256] = "";
  lp_id id = lp_engine_submit(engine, request, why, sizeof why);
  if (!id) fault_die(why);
  return id;
}

const lp_response *client_wait(lp_engine *engine, lp_id id) {
  double limit = lp_now() + CLIENT_PATIENCE;
  while (!lp_engine_take(engine, id)) {
    if (lp_now() > limit || !lp_engine_in_flight(engine)) return NULL;
    lp_engine_drive(engine, 100);
    /* A response that nobody reaps would make the next drive return at once. */
    lp_id told[16];
    lp_engine_reap(engine, told, 16);
  }
  return lp_engine_take(engine, id);
}

const char *client_header(const lp_response *response, const char *name, size_t n) {
  const char *at = response->headers;
  for (size_t i = 0; i < response->header_count; i++) {
    const char *value = at + strlen(at) + 1;
    if (strcmp(at, name) == 0 && n-- == 0) return value;
    at = value + strlen(value) + 1;
  }
  return NULL;
}

const char *client_failure_name(lp_failure failure) {
  static const char *const names[] = {"ok", "network", "tls", "timeout", "protocol", "too_large", "cancelled"};
  return names[failure];
}

const char *client_outcome_name(lp_outcome outcome) {
  static const char *const names[] = {"answered", "not_sent", "unknown"};
  return names[outcome];
}

client_bench client_open(const fault_plan *plan, size_t per_host, const char *ca_file) {
  client_bench bench = {.listener = fault_listen(plan)};
  bench.engine = lp_engine_new(&(lp_engine_options){.ca_file = ca_file, .per_host = per_host});
  assert_non_null(bench.engine);
  client_url(&bench, "/");
  return bench;
}

const char *client_url(client_bench *bench, const char *target) {
  const char *scheme = fault_is_tls(bench->listener) ? "https" : "http";
  snprintf(bench->url, sizeof bench->url, "%s://127.0.0.1:%d%s", scheme, fault_port(bench->listener), target);
  return bench->url;
}

fault_counts client_close(client_bench *bench) {
  lp_engine_free(bench->engine);
  fault_finish(bench->listener);
  fault_counts counts = fault_count(bench->listener);
  fault_free(bench->listener);
  return counts;
}

lp_id client_post(client_bench *bench) {
  lp_request request = client_request("POST", bench->url, "{}");
  return client_submit(bench->engine, &request);
}

const lp_response *client_expect(client_bench *bench, lp_id id, lp_failure failure, lp_outcome outcome) {
  const lp_response *response = client_wait(bench->engine, id);
  assert_non_null(response);
  if (response->failure != failure || response->outcome != outcome)
    fail_msg("%s/%s: %s", client_outcome_name(response->outcome), client_failure_name(response->failure),
             response->message);
  return response;
}

void client_until_held(client_bench *bench, unsigned count) {
  double limit = lp_now() + CLIENT_PATIENCE;
  while (fault_count(bench->listener).held != count) {
    if (lp_now() > limit) fail_msg("%u are held, not %u", fault_count(bench->listener).held, count);
    lp_engine_drive(bench->engine, 5);
  }
}
