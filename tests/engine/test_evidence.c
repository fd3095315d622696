/*
 * What the engine says of a request, against what happened to it: the listener fails in exactly one place, and knows
 * what it acted on. Every row is tried on a fresh connection and on one that has carried a good exchange, over
 * HTTP/1.1, the same over TLS, and HTTP/2, wherever it applies. The matrix is printed at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_cells.h"
#include "fault_client.h"
#include "fault_listener.h"

enum { BIG_BODY = 8 * 1024 * 1024, MAX_DEADLINE = 20000 };

typedef struct {
  const cell_row *row;
  unsigned column;
  char name[128];
} cell;

typedef struct {
  lp_failure failure;
  lp_outcome outcome;
  int status;
  bool reused;
  double ended_at;
  char message[512];
  fault_counts counts; /* without the good exchange that made the connection a used one */
} result;

static const char *ca_file;
static char *big_body;
static long deadline = 300; /* milliseconds, of the cells that time out; grows on a slow machine */
static cell *cells;
static size_t cell_count;
static char (*shown)[CELL_COLUMNS][32];

static bool is_reused(unsigned column) { return column % 2 == 1; }

static fault_transport transport_of(unsigned column) { return (fault_transport)(column / 2); }

static bool times_out(const cell_row *row) {
  return row->plan.how == HOW_SILENT || row->plan.then == THEN_SILENT || row->host == HOST_SLOW_NAME ||
         row->host == HOST_DEAF;
}

static void url_of(const cell *c, int port, char url[64]) {
  static const char *const hosts[] = {[HOST_LISTENER] = "127.0.0.1",    [HOST_NO_NAME] = "missing.invalid",
                                      [HOST_SLOW_NAME] = "slow.invalid", [HOST_CLOSED] = "127.0.0.1",
                                      [HOST_DEAF] = "127.0.0.1"};
  const char *scheme = transport_of(c->column) == FAULT_H1 ? "http" : "https";
  if (c->row->plan.proxy) snprintf(url, 64, "%s://origin.invalid/things", scheme);
  else snprintf(url, 64, "%s://%s:%d/things", scheme, hosts[c->row->host], port);
}

static lp_request request_of(const cell *c, const char *url) {
  lp_request request = client_request(c->row->method ? c->row->method : "POST", url, NULL);
  if (strcmp(request.method, "GET") == 0) return request;
  request.body = c->row->plan.place == PLACE_PART ? big_body : "{\"name\":\"Support\"}";
  request.body_len = c->row->plan.place == PLACE_PART ? (size_t)BIG_BODY : strlen(request.body);
  return request;
}

static void keep(result *got, const lp_response *response) {
  got->ended_at = lp_now();
  if (!response) fail_msg("the transfer did not end in %d seconds", CLIENT_PATIENCE);
  got->failure = response->failure;
  got->outcome = response->outcome;
  got->status = response->status;
  got->reused = response->reused;
  snprintf(got->message, sizeof got->message, "%s", response->message);
}

/* The transfer under test, after a good exchange if the cell is of a used connection. */
static void exchange(const cell *c, lp_engine *engine, fault_listener *listener, const char *url, result *got) {
  lp_request request = request_of(c, url);
  if (is_reused(c->column)) {
    lp_request good = client_request("POST", url, "{}");
    lp_id id = client_submit(engine, &good);
    const lp_response *response = client_wait(engine, id);
    if (!response || response->failure != LP_OK)
      fail_msg("the good exchange failed: %s", response ? response->message : "no end");
    lp_engine_release(engine, id);
    if (c->row->plan.place == PLACE_IDLE) {
      fault_let_go(listener, 1);
      fault_wait_reached(listener);
    }
  }
  if (times_out(c->row)) request.timeout_ms = request.connect_timeout_ms = deadline;
  keep(got, client_wait(engine, client_submit(engine, &request)));
}

static void attempt(const cell *c, result *got) {
  fault_plan plan = c->row->plan;
  fault_listener *listener = NULL;
  fault_dead_port dead = {0};
  char url[64], proxy[64];
  plan.transport = transport_of(c->column);
  plan.at = is_reused(c->column);
  if (c->row->host == HOST_LISTENER) listener = fault_listen(&plan);
  else dead = c->row->host == HOST_DEAF ? fault_deaf_port() : fault_closed_port();
  url_of(c, listener ? fault_port(listener) : dead.port, url);
  if (plan.proxy) {
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", fault_port(listener));
    setenv("https_proxy", proxy, 1);
  }
  lp_engine *engine = lp_engine_new(&(lp_engine_options){.ca_file = ca_file});
  assert_non_null(engine);
  exchange(c, engine, listener, url, got);
  fault_names_answer();
  lp_engine_free(engine);
  unsetenv("https_proxy");
  if (!listener) {
    fault_port_close(&dead);
    return;
  }
  fault_finish(listener);
  got->counts = fault_count(listener);
  got->counts.acted -= plan.at;
  fault_free(listener);
}

/* A time-out proves something only when the listener had reached its place well before. */
static bool too_late(const cell *c, const result *got) {
  if (got->failure != LP_TIMEOUT || !times_out(c->row) || c->row->host != HOST_LISTENER) return false;
  return !got->counts.reached || (got->ended_at - got->counts.reached_at) * 1000.0 < (double)deadline / 2;
}

static void judge(const cell *c, const result *got) {
  const cell_row *row = c->row;
  unsigned failures = row->failures, acted = got->counts.acted;
  /* libcurl has one error for a lost connection and a broken one. */
  if (transport_of(c->column) == FAULT_H2 && failures & 1u << LP_NETWORK) failures |= 1u << LP_PROTOCOL;
  if (!(failures & (1u << got->failure))) fail_msg("failure is %s", client_failure_name(got->failure));
  if (!(row->outcomes & (1u << got->outcome))) fail_msg("outcome is %s", client_outcome_name(got->outcome));
  if (row->acted == CELL_MAYBE ? acted > 1 : acted != row->acted) fail_msg("acted %u times", acted);
  if (got->outcome == LP_NOT_SENT && acted) fail_msg("acted on what was not sent");
  if (got->outcome == LP_ANSWERED) assert_int_equal(got->status, row->status ? row->status : 200);
  if (got->outcome == LP_NOT_SENT) assert_int_equal(got->status, 0);
  assert_int_equal(got->failure == LP_OK, got->message[0] == '\0');
  /* Or the cell has not tried what it says. */
  if (is_reused(c->column) && row->plan.place != PLACE_IDLE) assert_true(got->reused);
  if (times_out(row)) assert_true(got->failure != LP_OK);
}

static void run(void **state) {
  const cell *c = *state;
  result got = {0};
  for (;;) {
    double began = lp_now();
    attempt(c, &got);
    if (c->row->host == HOST_SLOW_NAME && got.ended_at - began > 5.0)
      fail_msg("the engine waited %.1f s for a resolver", got.ended_at - began);
    if (!too_late(c, &got)) break;
    if ((deadline *= 2) > MAX_DEADLINE) fail_msg("the listener never reached its place in time");
  }
  snprintf(shown[c->row - cell_rows][c->column], sizeof **shown, "%s/%s %u", client_outcome_name(got.outcome),
           client_failure_name(got.failure), got.counts.acted);
  if (got.message[0] && getenv("VERBOSE")) printf("# %s: %s\n", c->name, got.message);
  judge(c, &got);
}

/* ---- the matrix ---- */

static void make_cells(void) {
  static const char *const columns[] = {"HTTP/1.1, fresh", "HTTP/1.1, reused",  "TLS, fresh",
                                        "TLS, reused",     "HTTP/2, fresh", "HTTP/2, reused"};
  cells = calloc(cell_row_count * CELL_COLUMNS, sizeof *cells);
  shown = calloc(cell_row_count, sizeof *shown);
  assert_true(cells && shown);
  for (size_t i = 0; i < cell_row_count; i++) {
    for (unsigned column = 0; column < CELL_COLUMNS; column++) {
      if (!(cell_rows[i].where & (1u << column))) continue;
      cell *c = &cells[cell_count++];
      c->row = &cell_rows[i];
      c->column = column;
      snprintf(c->name, sizeof c->name, "%s: %s", c->row->name, columns[column]);
    }
  }
}

static void print_matrix(void) {
  printf("# outcome/failure, and how often the listener acted on it\n");
  printf("# %-46s %-19s %-19s %-19s %-19s %-19s %s\n", "", "HTTP/1.1 fresh", "HTTP/1.1 reused", "TLS fresh",
         "TLS reused", "HTTP/2 fresh", "HTTP/2 reused");
  for (size_t i = 0; i < cell_row_count; i++) {
    printf("# %-46s", cell_rows[i].name);
    for (unsigned column = 0; column < CELL_COLUMNS; column++) {
      const char *text = shown[i][column];
      printf(" %-19s", !(cell_rows[i].where & (1u << column)) ? "-" : text[0] ? text : "not run");
    }
    printf("\n");
  }
  fflush(stdout);
}

static int start(void **state) {
  (void)state;
  client_forget_proxies();
  ca_file = fault_tls_start();
  big_body = malloc(BIG_BODY);
  if (!big_body) return -1;
  memset(big_body, 'x', BIG_BODY);
  return 0;
}

static int stop(void **state) {
  (void)state;
  fault_tls_stop();
  free(big_body);
  return 0;
}

/* An argument chooses the cells whose names have it. */
int main(int argc, char **argv) {
  make_cells();
  struct CMUnitTest *tests = calloc(cell_count, sizeof *tests);
  size_t count = 0;
  if (!tests) return 1;
  for (size_t i = 0; i < cell_count; i++) {
    if (argc > 1 && !strstr(cells[i].name, argv[1])) continue;
    tests[count++] = (struct CMUnitTest){.name = cells[i].name, .test_func = run, .initial_state = &cells[i]};
  }
  int failed = _cmocka_run_group_tests("evidence", tests, count, start, stop);
  print_matrix();
  free(tests);
  free(cells);
  free(shown);
  return failed;
}
