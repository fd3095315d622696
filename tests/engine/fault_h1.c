/* HTTP/1.1, of which one exchange goes wrong. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault_parts.h"

enum { STEP = 16384 };

char *fault_read_head(fault_connection *connection, size_t *head_len, size_t *len) {
  char *head = NULL;
  *len = 0;
  for (;;) {
    head = fault_memory(head, *len + STEP + 1);
    int got = fault_read(connection, head + *len, STEP);
    if (got <= 0) {
      free(head);
      return NULL;
    }
    *len += (size_t)got;
    head[*len] = '\0';
    char *end = strstr(head, "\r\n\r\n");
    if (end) {
      *head_len = (size_t)(end - head) + 4;
      return head;
    }
  }
}

static size_t content_length(const char *head, size_t head_len) {
  static const char name[] = "\r\ncontent-length:";
  for (const char *at = head; at + sizeof name < head + head_len; at++)
    if (strncasecmp(at, name, sizeof name - 1) == 0) return strtoul(at + sizeof name - 1, NULL, 10);
  return 0;
}

static const char *broken_answer(fault_place place) {
  switch (place) {
    case PLACE_STATUS: return "HTTP/1.1 20";
    case PLACE_HEADERS: return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    case PLACE_BODY: return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":";
    case PLACE_CHUNK: return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{\"id\":\r\n";
    default: return "";
  }
}

/* True when the connection goes on. */
static bool answer(fault_connection *connection, unsigned exchange, bool is_head) {
  static const char good[] =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
  static const fault_place places[] = {PLACE_AFTER, PLACE_STATUS, PLACE_HEADERS, PLACE_BODY, PLACE_CHUNK};
  const fault_plan *plan = &connection->listener->plan;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    if (!fault_claim(connection, places[i], exchange)) continue;
    const char *bytes = broken_answer(places[i]);
    fault_write(connection, bytes, strlen(bytes));
    return !fault_end(connection);
  }
  if (fault_claim(connection, PLACE_ANSWER, exchange)) {
    fault_write(connection, plan->answer, plan->answer_len ? plan->answer_len : strlen(plan->answer));
    return !fault_end(connection);
  }
  const char *bytes = plan->good ? plan->good : good;
  size_t len = !plan->good ? sizeof good - 1 : plan->good_len ? plan->good_len : strlen(plan->good);
  if (is_head) len = (size_t)(strstr(bytes, "\r\n\r\n") + 4 - bytes);
  return fault_write(connection, bytes, len);
}

/* True when the connection goes on. */
static bool exchange_one(fault_connection *connection) {
  fault_listener *listener = connection->listener;
  const fault_plan *plan = &listener->plan;
  size_t head_len, len;
  if (plan->place == PLACE_BEFORE && (plan->at == 0 || fault_wait_readable(connection)) &&
      fault_claim(connection, PLACE_BEFORE, fault_count(listener).begun))
    return !fault_end(connection);
  char *request = fault_read_head(connection, &head_len, &len);
  if (!request) return false;
  unsigned exchange = fault_begin(listener);
  size_t whole = head_len + content_length(request, head_len);
  if (whole > len) request = fault_memory(request, whole + 1);
  while (len < whole) {
    if (len > head_len && fault_claim(connection, PLACE_PART, exchange)) {
      free(request);
      if (plan->answer) fault_write(connection, plan->answer, strlen(plan->answer));
      return !fault_end(connection);
    }
    int got = fault_read(connection, request + len, whole - len < STEP ? whole - len : STEP);
    if (got <= 0) break;
    len += (size_t)got;
  }
  bool arrived = len == whole, is_head = strncmp(request, "HEAD ", 5) == 0;
  if (arrived) fault_act(listener, request, head_len, request + head_len, whole - head_len);
  free(request);
  if (!arrived || !answer(connection, exchange, is_head)) return false;
  return !fault_claim(connection, PLACE_IDLE, exchange + 1) || !fault_end(connection);
}

void fault_serve_h1(fault_connection *connection) {
  while (exchange_one(connection)) continue;
}
