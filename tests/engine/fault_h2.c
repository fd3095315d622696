/*
 * As much of HTTP/2 (RFC 9113) as a server needs that answers small things and breaks off in the middle of a frame.
 * What a request's HEADERS say is never looked at: END_STREAM is what makes it whole.
 */
#include <stdlib.h>
#include <string.h>

#include "fault_parts.h"

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };
enum { INTERNAL_ERROR = 2, REFUSED_STREAM = 7 };
enum { FRAME_HEAD = 9, MAX_FRAME = 16384, MAX_STREAMS = 1024 };

/* HPACK (RFC 7541), no Huffman: ":status: 200" is entry 8 of the static table, "content-type" is name 31. */
static const char ok_block[] = "\x88\x0f\x10\x10"
                               "application/json";
static const char continue_block[] = "\x08\x03"
                                     "100";
static const char too_large_block[] = "\x08\x03"
                                      "413";
static const char ok_body[] = "{\"ok\":true}";

typedef struct {
  fault_connection *connection;
  unsigned exchange[MAX_STREAMS]; /* of stream 2i + 1 */
  bool refused[MAX_STREAMS];      /* what still comes of it is not looked at */
} session;

typedef struct {
  uint8_t type, flags;
  uint32_t stream;
  size_t len;
} frame;

static void put32(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Sends only the first `sent` bytes of the payload, and the frame says `len`. */
static bool send_part(session *s, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t len,
                      size_t sent) {
  uint8_t bytes[FRAME_HEAD + 256];
  put32(bytes, (uint32_t)len << 8 | type);
  bytes[4] = flags;
  put32(bytes + 5, stream);
  memcpy(bytes + FRAME_HEAD, payload, sent);
  return fault_write(s->connection, bytes, FRAME_HEAD + sent);
}

static bool send_frame(session *s, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t len) {
  return send_part(s, type, flags, stream, payload, len, len);
}

static bool send_reset(session *s, uint32_t stream, uint32_t error) {
  uint8_t code[4];
  put32(code, error);
  return send_frame(s, RST_STREAM, 0, stream, code, sizeof code);
}

static bool send_goaway(session *s, uint32_t last_stream) {
  uint8_t payload[8] = {0};
  put32(payload, last_stream);
  return send_frame(s, GOAWAY, 0, 0, payload, sizeof payload);
}

static bool greet(session *s) {
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  /* Windows so large that a client never waits for us: INITIAL_WINDOW_SIZE, and the connection's own. */
  static const uint8_t settings[] = {0, 4, 0x7f, 0xff, 0xff, 0xff}, window[] = {0x7f, 0, 0, 0};
  char got[sizeof preface - 1];
  return fault_read_all(s->connection, got, sizeof got) && memcmp(got, preface, sizeof got) == 0 &&
         send_frame(s, SETTINGS, 0, 0, settings, sizeof settings) &&
         send_frame(s, WINDOW_UPDATE, 0, 0, window, sizeof window);
}

/* What the faulty exchange sends before its connection ends. */
static void send_broken(session *s, uint32_t stream, fault_place place) {
  size_t ok_len = sizeof ok_block - 1;
  switch (place) {
    case PLACE_STATUS: send_part(s, HEADERS, END_HEADERS, stream, ok_block, ok_len, 1); break;
    case PLACE_HEADERS: send_frame(s, HEADERS, 0, stream, ok_block, ok_len); break;
    case PLACE_BODY:
      send_frame(s, HEADERS, END_HEADERS, stream, ok_block, ok_len);
      send_frame(s, DATA, 0, stream, ok_body, 6);
      break;
    case PLACE_CHUNK:
      send_frame(s, HEADERS, END_HEADERS, stream, ok_block, ok_len);
      send_part(s, DATA, END_STREAM, stream, ok_body, sizeof ok_body - 1, 6);
      break;
    case PLACE_RESET: send_reset(s, stream, INTERNAL_ERROR); break;
    case PLACE_INTERIM: send_frame(s, HEADERS, END_HEADERS, stream, continue_block, sizeof continue_block - 1); break;
    case PLACE_EMPTY: send_frame(s, HEADERS, END_HEADERS | END_STREAM, stream, ok_block, ok_len); break;
    default: break;
  }
}

/* The request has arrived whole. True when the connection goes on. */
static bool answer(session *s, uint32_t stream, unsigned exchange) {
  static const fault_place places[] = {PLACE_AFTER, PLACE_STATUS, PLACE_HEADERS, PLACE_BODY,
                                       PLACE_CHUNK, PLACE_RESET,  PLACE_INTERIM, PLACE_EMPTY};
  fault_act(s->connection->listener, "", 0, "", 0);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    if (!fault_claim(s->connection, places[i], exchange)) continue;
    send_broken(s, stream, places[i]);
    return !fault_end(s->connection);
  }
  if (!send_frame(s, HEADERS, END_HEADERS, stream, ok_block, sizeof ok_block - 1) ||
      !send_frame(s, DATA, END_STREAM, stream, ok_body, sizeof ok_body - 1))
    return false;
  if (!fault_claim(s->connection, PLACE_IDLE, exchange + 1)) return true;
  if (s->connection->listener->plan.how != HOW_RST) send_goaway(s, stream);
  return !fault_end(s->connection);
}

/* A request's stream was opened; the faults that come before it is whole. */
static bool refused(session *s, uint32_t stream, unsigned exchange) {
  if (fault_claim(s->connection, PLACE_GOAWAY, exchange)) {
    send_goaway(s, stream > 2 ? stream - 2 : 0);
    return true;
  }
  if (fault_claim(s->connection, PLACE_REFUSED, exchange)) {
    send_reset(s, stream, REFUSED_STREAM);
    return true;
  }
  return false;
}

/* True when the connection goes on. */
static bool take_frame(session *s, const frame *f, const uint8_t *payload) {
  fault_connection *connection = s->connection;
  const fault_plan *plan = &connection->listener->plan;
  if (f->type == SETTINGS && !(f->flags & ACK)) return send_frame(s, SETTINGS, ACK, 0, "", 0);
  if (f->type == PING && !(f->flags & ACK)) return send_frame(s, PING, ACK, 0, payload, f->len);
  if (f->type == GOAWAY) return false;
  if (f->type != HEADERS && f->type != DATA) return true;
  if (f->stream / 2 >= MAX_STREAMS) fault_die("too many HTTP/2 streams");
  unsigned *exchange = &s->exchange[f->stream / 2];
  bool *is_refused = &s->refused[f->stream / 2];
  if (f->type == HEADERS) {
    *exchange = fault_begin(connection->listener);
    *is_refused = refused(s, f->stream, *exchange);
    if (*is_refused) return !fault_end(connection);
  } else if (*is_refused) {
    return true;
  } else if (f->len > 0 && !(f->flags & END_STREAM) && fault_claim(connection, PLACE_PART, *exchange)) {
    if (plan->answer)
      send_frame(s, HEADERS, END_HEADERS | END_STREAM, f->stream, too_large_block, sizeof too_large_block - 1);
    return !fault_end(connection);
  }
  return !(f->flags & END_STREAM) || answer(s, f->stream, *exchange);
}

static bool step(session *s, uint8_t *payload) {
  uint8_t head[FRAME_HEAD];
  if (!fault_read_all(s->connection, head, sizeof head)) return false;
  frame f = {.type = head[3], .flags = head[4], .stream = get32(head + 5), .len = get32(head) >> 8};
  /* Other frames come between two requests: only this one is the next request's first byte. */
  if (f.type == HEADERS && fault_claim(s->connection, PLACE_BEFORE, fault_count(s->connection->listener).begun))
    return !fault_end(s->connection);
  if (f.len > MAX_FRAME || !fault_read_all(s->connection, payload, f.len)) return false;
  return take_frame(s, &f, payload);
}

void fault_serve_h2(fault_connection *connection) {
  session *s = fault_memory(NULL, sizeof *s);
  uint8_t *payload = fault_memory(NULL, MAX_FRAME);
  *s = (session){.connection = connection};
  bool first = connection->listener->plan.at == 0 && fault_claim(connection, PLACE_BEFORE, 0);
  if (first) fault_end(connection);
  else if (greet(s))
    while (step(s, payload)) continue;
  free(payload);
  free(s);
}
