#include "listener/listener.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "listener/entries.h"
#include "listener/response.h"
#include "listener/socket.h"

enum {
  CONNECTIONS = 10000,
  ROUNDS = 16, /* of libmicrohttpd in one run, so that one run ends */
  WRITABLE = 64, /* clients that are written to in one run */
};

struct lp_listener {
  struct MHD_Daemon *daemon; /* NULL while it is shut */
  int fd; /* what it listens on; libmicrohttpd's own once there is a daemon */
  bool ipv6;
  unsigned keep_alive;
  lp_outboxes outboxes; /* its epoll is the listener's: libmicrohttpd's own and `wake` are watched there, too */
  int wake;             /* libmicrohttpd's descriptor does not tell that a request was resumed */
  bool woken;
  uint16_t port;
  size_t body_limit, waiting, hang_ups;
  lp_finish hang_up_how;
  lp_entries entries;
  lp_entry *first, *last; /* LP_WHOLE */
};

/* A request that was handed out and waits for its answer. */
static lp_entry *given(const lp_listener *listener, lp_arrival_id id) {
  lp_entry *e = lp_entries_find(&listener->entries, id);
  return e && (e->state == LP_GIVEN || e->state == LP_WRITTEN) ? e : NULL;
}

/* ---- what libmicrohttpd calls ---- */

static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return strlen(text);
}

/* A target in absolute form, as a proxy is sent, begins with what stands in Host anyhow: RFC 9112, 3.2.2. */
static const char *path_of(const char *target) {
  if (strncasecmp(target, "http://", 7) != 0) return target;
  size_t authority = strcspn(target + 7, "/?");
  return target[7 + authority] ? target + 7 + authority : "/";
}

/* The first that is known of a request: its target, as it was sent. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
  lp_listener *listener = context;
  lp_entry *e = lp_entries_add(&listener->entries);
  if (!e) return NULL;
  e->listener = listener;
  e->connection = connection;
  const char *path = target ? path_of(target) : "";
  size_t path_len = strcspn(path, "?");
  const char *query = path[path_len] ? path + path_len + 1 : "";
  if (!lp_bytes_add(&e->text, path, path_len) || !lp_bytes_add(&e->text, "", 1) ||
      !lp_bytes_add(&e->text, query, strlen(query) + 1)) {
    lp_entries_remove(&listener->entries, e);
    return NULL;
  }
  return e;
}

static enum MHD_Result read_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind;
  lp_entry *e = context;
  size_t at = e->text.len;
  if (!value) value = "";
  if (!lp_bytes_add(&e->text, name, strlen(name) + 1) || !lp_bytes_add(&e->text, value, strlen(value) + 1))
    return MHD_NO;
  for (char *c = e->text.data + at; *c; c++)
    if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
  e->arrival.header_count++;
  return MHD_YES;
}

/* The request is whole: it waits, suspended, for its user. */
static enum MHD_Result queue(lp_entry *e, const char *method, const char *version) {
  if (!lp_bytes_add(&e->text, method, strlen(method) + 1)) return MHD_NO;
  int headers = MHD_get_connection_values(e->connection, MHD_HEADER_KIND, NULL, NULL);
  if (MHD_get_connection_values(e->connection, MHD_HEADER_KIND, read_header, e) != headers) return MHD_NO;
  lp_arrival *arrival = &e->arrival;
  arrival->path = e->text.data;
  arrival->query = arrival->path + strlen(arrival->path) + 1;
  arrival->method = arrival->query + strlen(arrival->query) + 1;
  arrival->headers = arrival->method + strlen(arrival->method) + 1;
  arrival->http = strcmp(version, MHD_HTTP_VERSION_1_0) == 0 ? "1.0" : "1.1";
  arrival->body = e->body.data;
  arrival->body_len = e->body.len;
  lp_listener *listener = e->listener;
  if (listener->last) listener->last->next = e;
  else listener->first = e;
  listener->last = e;
  e->state = LP_WHOLE;
  MHD_suspend_connection(e->connection);
  return MHD_YES;
}

static enum MHD_Result refuse_body(lp_entry *e) {
  static char text[] = "the body is larger than this listener takes\n";
  e->state = LP_DONE;
  struct MHD_Response *response = MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
  if (!response) return MHD_NO;
  enum MHD_Result queued = MHD_NO;
  if (MHD_add_response_header(response, "Content-Type", "text/plain") == MHD_YES)
    queued = MHD_queue_response(e->connection, MHD_HTTP_CONTENT_TOO_LARGE, response);
  MHD_destroy_response(response);
  return queued;
}

/* The headers have arrived. Only a client that waits for leave is refused before its body: another one may not read
 * an answer before it has sent everything, and a connection closed meanwhile would take the answer with it. */
static enum MHD_Result begin(lp_entry *e) {
  e->begun = true;
  const char *length = MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, "Content-Length");
  if (!length || strtoull(length, NULL, 10) <= e->listener->body_limit) return MHD_YES;
  e->too_large = true;
  const char *expect = MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, "Expect");
  return expect && strcasecmp(expect, "100-continue") == 0 ? refuse_body(e) : MHD_YES;
}

static enum MHD_Result add_to_body(lp_entry *e, const char *data, size_t len) {
  if (len > e->listener->body_limit - e->body.len) {
    e->too_large = true;
    lp_bytes_clear(&e->body, 0);
  }
  return e->too_large || lp_bytes_add(&e->body, data, len) ? MHD_YES : MHD_NO;
}

/* Called with the headers, with every part of the body, with the whole request, and again when that was resumed. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *len,
                                  void **own) {
  (void)context;
  (void)connection;
  (void)url;
  lp_entry *e = *own;
  if (!e || e->drop) return MHD_NO;
  if (!e->begun) return begin(e);
  if (*len > 0) {
    size_t arrived = *len;
    *len = 0;
    return add_to_body(e, data, arrived);
  }
  return e->too_large ? refuse_body(e) : queue(e, method, version);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **own,
                         enum MHD_RequestTerminationCode reason) {
  lp_listener *listener = context;
  (void)connection;
  (void)reason;
  if (*own) lp_entries_remove(&listener->entries, *own);
  *own = NULL;
}

/* A connection begins, or ends. */
static void on_connection(void *context, struct MHD_Connection *connection, void **own,
                          enum MHD_ConnectionNotificationCode what) {
  lp_listener *listener = context;
  (void)own;
  if (what != MHD_CONNECTION_NOTIFY_STARTED || listener->hang_ups == 0) return;
  listener->hang_ups--;
  int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  if (listener->hang_up_how == LP_RESET) lp_socket_reset(fd);
  else lp_socket_close(fd);
}

/* ---- a listener's life ---- */

static struct MHD_Daemon *start(lp_listener *listener) {
  unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (listener->ipv6 ? MHD_USE_IPv6 : 0);
  return MHD_start_daemon(flags, 0, NULL, NULL, on_request, listener,
                          MHD_OPTION_LISTEN_SOCKET, listener->fd,
                          MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
                          MHD_OPTION_CONNECTION_TIMEOUT, listener->keep_alive,
                          MHD_OPTION_STRICT_FOR_CLIENT, 1,
                          MHD_OPTION_URI_LOG_CALLBACK, on_target, listener,
                          MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
                          MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener,
                          MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
                          MHD_OPTION_END);
}

static const char no_room[] = "not enough memory, or descriptors, to listen";

static bool watch(const lp_listener *listener, int fd) {
  struct epoll_event readable = {.events = EPOLLIN};
  return epoll_ctl(listener->outboxes.epoll, EPOLL_CTL_ADD, fd, &readable) == 0;
}

/* False, and errno, when a descriptor is not to be had. */
static bool open_descriptors(lp_listener *listener) {
  listener->outboxes.epoll = epoll_create1(EPOLL_CLOEXEC);
  listener->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return listener->outboxes.epoll >= 0 && listener->wake >= 0 && watch(listener, listener->wake);
}

bool lp_listener_open(lp_listener *listener, char *why, size_t why_size) {
  if (listener->daemon) return true;
  if (!lp_socket_listen(listener->fd, listener->port, why, why_size)) return false;
  listener->daemon = start(listener);
  if (listener->daemon && watch(listener, MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd))
    return true;
  snprintf(why, why_size, "%s", no_room);
  return false;
}

lp_listener *lp_listener_new(const lp_listener_options *options, char *why, size_t why_size) {
  static const lp_listener_options usual = {0};
  if (!options) options = &usual;
  snprintf(why, why_size, "%s", no_room);
  lp_listener *listener = calloc(1, sizeof *listener);
  if (!listener) return NULL;
  listener->body_limit = options->body_limit ? options->body_limit : LP_BODY_LIMIT;
  listener->port = options->port;
  listener->keep_alive = options->keep_alive;
  listener->fd = -1;
  if (open_descriptors(listener))
    listener->fd = lp_socket_bind(options->host ? options->host : "127.0.0.1", &listener->port, &listener->ipv6, why,
                                  why_size);
  if (listener->fd >= 0 && (options->shut || lp_listener_open(listener, why, why_size))) return listener;
  lp_listener_free(listener);
  return NULL;
}

/* Gives a suspended request back to libmicrohttpd. */
static void resume(lp_entry *e) {
  lp_listener *listener = e->listener;
  if (e->state == LP_GIVEN || e->state == LP_WRITTEN) listener->waiting--;
  e->state = LP_DONE;
  MHD_resume_connection(e->connection);
  if (!listener->woken) eventfd_write(listener->wake, 1);
  listener->woken = true;
}

static int socket_of(const lp_entry *e) {
  return MHD_get_connection_info(e->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static void end(lp_entry *e) {
  lp_outbox_clear(&e->out, &e->listener->outboxes, socket_of(e));
  e->drop = true;
  resume(e);
}

/* Sends more of what was written, and ends whom that was all for. */
static void send_more(lp_listener *listener) {
  struct epoll_event events[WRITABLE];
  int count = listener->outboxes.full ? epoll_wait(listener->outboxes.epoll, events, WRITABLE, 0) : 0;
  for (int i = 0; i < count; i++) {
    lp_entry *e = lp_entries_find(&listener->entries, events[i].data.u64); /* 0 is nobody's id */
    if (!e || !lp_outbox_send(&e->out, &listener->outboxes, socket_of(e)) || e->state != LP_ENDING) continue;
    lp_socket_finish(socket_of(e));
    end(e);
  }
}

void lp_listener_free(lp_listener *listener) {
  if (!listener) return;
  for (size_t i = 0; i < listener->entries.slot_count; i++) {
    lp_entry *e = listener->entries.slots[i].entry;
    if (!e || e->state == LP_READING || e->state == LP_DONE) continue;
    lp_outbox_clear(&e->out, &listener->outboxes, socket_of(e));
    resume(e);
  }
  if (listener->daemon) MHD_stop_daemon(listener->daemon);
  else if (listener->fd >= 0) close(listener->fd);
  lp_entries_free(&listener->entries);
  if (listener->outboxes.epoll >= 0) close(listener->outboxes.epoll);
  if (listener->wake >= 0) close(listener->wake);
  free(listener);
}

uint16_t lp_listener_port(const lp_listener *listener) { return listener->port; }

int lp_listener_fd(const lp_listener *listener) { return listener->outboxes.epoll; }

size_t lp_listener_waiting(const lp_listener *listener) { return listener->waiting; }

double lp_listener_timeout(lp_listener *listener) {
  MHD_UNSIGNED_LONG_LONG ms;
  if (!listener->daemon) return -1.0;
  if (listener->woken) return 0.0;
  return MHD_get_timeout(listener->daemon, &ms) == MHD_YES ? (double)ms / 1000.0 : -1.0;
}

void lp_listener_run(lp_listener *listener) {
  eventfd_t count;
  if (!listener->daemon) return;
  if (listener->woken) eventfd_read(listener->wake, &count);
  listener->woken = false;
  send_more(listener);
  for (int round = 0; round < ROUNDS; round++) {
    MHD_run(listener->daemon);
    if (lp_listener_timeout(listener) != 0.0) return;
  }
}

/* ---- requests and answers ---- */

const lp_arrival *lp_listener_next(lp_listener *listener) {
  lp_entry *e = listener->first;
  if (!e) return NULL;
  listener->first = e->next;
  if (!listener->first) listener->last = NULL;
  e->next = NULL;
  e->state = LP_GIVEN;
  listener->waiting++;
  return &e->arrival;
}

bool lp_listener_answer(lp_listener *listener, lp_arrival_id id, unsigned status, const lp_header *headers,
                        size_t header_count, const void *body, size_t body_len, const char **wrong) {
  *wrong = NULL;
  lp_entry *e = given(listener, id);
  if (!e || e->state != LP_GIVEN) return false;
  if (status < 200 || status > 999) {
    *wrong = "a status is a number from 200 to 999";
    return false;
  }
  struct MHD_Response *response = lp_response_new(status, headers, header_count, body, body_len, wrong);
  if (!response) return false;
  bool queued = MHD_queue_response(e->connection, status, response) == MHD_YES;
  MHD_destroy_response(response);
  e->drop = !queued;
  resume(e);
  return queued;
}

bool lp_listener_write(lp_listener *listener, lp_arrival_id id, const void *bytes, size_t len) {
  lp_entry *e = given(listener, id);
  if (!e) return false;
  e->state = LP_WRITTEN;
  return lp_outbox_write(&e->out, &listener->outboxes, socket_of(e), id, bytes, len);
}

bool lp_listener_finish(lp_listener *listener, lp_arrival_id id, lp_finish how) {
  lp_entry *e = given(listener, id);
  if (!e) return false;
  if (how == LP_CLOSE && e->out.bytes.len > 0) {
    e->state = LP_ENDING;
    listener->waiting--;
    return true;
  }
  if (how == LP_RESET) lp_socket_reset(socket_of(e));
  else lp_socket_finish(socket_of(e));
  end(e);
  return true;
}

size_t lp_listener_hang_up(lp_listener *listener, size_t count, lp_finish how) {
  size_t left = listener->hang_ups;
  listener->hang_ups = count;
  listener->hang_up_how = how;
  return left;
}

bool lp_listener_gone(lp_listener *listener, lp_arrival_id id) {
  const lp_entry *e = given(listener, id);
  return !e || lp_socket_peer_gone(socket_of(e));
}
