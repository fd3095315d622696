#include "fault_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/engine.h"
#include "fault_parts.h"

enum { RECEIVE_BUFFER = 64 * 1024, STACK = 512 * 1024, BACKLOG = 1024 };

void fault_die(const char *what) {
  perror(what);
  abort();
}

void *fault_memory(void *old, size_t size) {
  void *memory = realloc(old, size);
  if (memory) return memory;
  fault_die("realloc");
}

static void ring(int fd) {
  if (eventfd_write(fd, 1) != 0) fault_die("eventfd_write");
}

/* ---- counting ---- */

unsigned fault_begin(fault_listener *listener) {
  pthread_mutex_lock(&listener->mutex);
  unsigned exchange = listener->counts.begun++;
  pthread_mutex_unlock(&listener->mutex);
  return exchange;
}

static char *copy(const char *data, size_t len) {
  char *text = fault_memory(NULL, len + 1);
  if (len) memcpy(text, data, len);
  text[len] = '\0';
  return text;
}

static void wait_let_go(fault_listener *listener) {
  while (!listener->let_go && !listener->stopping) pthread_cond_wait(&listener->changed, &listener->mutex);
  if (listener->let_go) listener->let_go--;
}

void fault_act(fault_listener *listener, const char *head, size_t head_len, const char *body, size_t body_len) {
  pthread_mutex_lock(&listener->mutex);
  fault_counts *counts = &listener->counts;
  counts->acted++;
  free(listener->head);
  free(listener->body);
  listener->head = copy(head, head_len);
  listener->body = copy(body, body_len);
  listener->body_len = body_len;
  if (listener->plan.hold) {
    if (++counts->held > counts->most_held) counts->most_held = counts->held;
    wait_let_go(listener);
    counts->held--;
  }
  pthread_mutex_unlock(&listener->mutex);
}

bool fault_claim(fault_connection *connection, fault_place place, unsigned exchange) {
  fault_listener *listener = connection->listener;
  if (listener->plan.place != place || exchange != listener->plan.at) return false;
  pthread_mutex_lock(&listener->mutex);
  bool mine = !listener->fired;
  listener->fired = true;
  if (mine && place == PLACE_IDLE) wait_let_go(listener);
  if (mine && listener->plan.then == THEN_REFUSED) {
    ring(listener->deaf_fd);
    while (!listener->deaf) pthread_cond_wait(&listener->changed, &listener->mutex);
  }
  pthread_mutex_unlock(&listener->mutex);
  return mine;
}

/* ---- bytes ---- */

int fault_read(fault_connection *connection, void *data, size_t room) {
  if (connection->ssl) return SSL_read(connection->ssl, data, (int)room);
  return (int)recv(connection->fd, data, room, 0);
}

bool fault_read_all(fault_connection *connection, void *data, size_t len) {
  for (char *at = data; len;) {
    int got = fault_read(connection, at, len);
    if (got <= 0) return false;
    at += got;
    len -= (size_t)got;
  }
  return true;
}

bool fault_write(fault_connection *connection, const void *data, size_t len) {
  for (const char *at = data; len;) {
    int put = connection->ssl ? SSL_write(connection->ssl, at, len < 1 << 20 ? (int)len : 1 << 20)
                              : (int)send(connection->fd, at, len, MSG_NOSIGNAL);
    if (put <= 0) return false;
    at += put;
    len -= (size_t)put;
  }
  return true;
}

bool fault_wait_readable(fault_connection *connection) {
  struct pollfd polled[2] = {{.fd = connection->fd, .events = POLLIN},
                             {.fd = connection->listener->stop_fd, .events = POLLIN}};
  /* The end of the client comes first: then it is readable as well. */
  while (poll(polled, 2, -1) < 0 && errno == EINTR) continue;
  char byte;
  return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Without reading: a client that is blocked in sending stays blocked. */
static void wait_gone(fault_connection *connection) {
  struct pollfd polled[2] = {{.fd = connection->fd, .events = POLLRDHUP},
                             {.fd = connection->listener->stop_fd, .events = POLLIN}};
  while (poll(polled, 2, -1) < 0 && errno == EINTR) continue;
}

static void drain(fault_connection *connection) {
  char buffer[16384];
  while (recv(connection->fd, buffer, sizeof buffer, 0) > 0) continue;
}

static void tell_reached(fault_listener *listener) {
  pthread_mutex_lock(&listener->mutex);
  if (!listener->counts.reached) {
    listener->counts.reached = true;
    listener->counts.reached_at = lp_now();
    pthread_cond_broadcast(&listener->changed);
  }
  pthread_mutex_unlock(&listener->mutex);
}

static void end_as(fault_connection *connection, fault_how how) {
  if (how == HOW_RST) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(connection->fd);
    connection->fd = -1;
    tell_reached(connection->listener);
    return;
  }
  if (how == HOW_SILENT) {
    tell_reached(connection->listener);
    wait_gone(connection);
    return;
  }
  if (how == HOW_NOTIFY && connection->ssl) SSL_shutdown(connection->ssl);
  shutdown(connection->fd, SHUT_WR);
  tell_reached(connection->listener);
  drain(connection); /* closing with bytes unread would be an RST */
}

bool fault_end(fault_connection *connection) {
  fault_how how = connection->listener->plan.how;
  if (how == HOW_KEEP) {
    tell_reached(connection->listener);
    return false;
  }
  end_as(connection, how);
  return true;
}

/* ---- connections ---- */

static bool answer_connect(fault_connection *connection) {
  size_t head_len, len;
  char *head = fault_read_head(connection, &head_len, &len);
  if (!head) return false;
  fault_listener *listener = connection->listener;
  pthread_mutex_lock(&listener->mutex);
  free(listener->connect_head);
  listener->connect_head = head;
  pthread_mutex_unlock(&listener->mutex);
  const fault_plan *plan = &listener->plan;
  if (fault_claim(connection, PLACE_CONNECT, plan->at)) {
    size_t answer_len = plan->answer ? strlen(plan->answer) : 0;
    fault_write(connection, plan->answer, answer_len);
    if (fault_end(connection)) return false;
    return true;
  }
  static const char yes[] = "HTTP/1.1 200 Connection established\r\n\r\n";
  return fault_write(connection, yes, sizeof yes - 1);
}

static bool shake_hands(fault_connection *connection) {
  static const char alert[] = "\x15\x03\x03\x00\x02\x02\x28"; /* fatal, handshake_failure */
  const fault_plan *plan = &connection->listener->plan;
  char hello[16384];
  if (connection->late && plan->then == THEN_TLS_REFUSED) {
    if (recv(connection->fd, hello, sizeof hello, 0) > 0) fault_write(connection, alert, sizeof alert - 1);
    end_as(connection, HOW_FIN);
    return false;
  }
  if (plan->place == PLACE_TLS && fault_claim(connection, PLACE_TLS, plan->at)) {
    if (recv(connection->fd, hello, sizeof hello, 0) > 0 && plan->answer)
      fault_write(connection, plan->answer, plan->answer_len ? plan->answer_len : strlen(plan->answer));
    if (fault_end(connection)) return false;
  }
  connection->ssl = SSL_new(connection->listener->tls);
  if (!connection->ssl || !SSL_set_fd(connection->ssl, connection->fd)) fault_die("SSL_new");
  if (SSL_accept(connection->ssl) != 1) return false;
  fault_note_client(connection);
  return true;
}

static void *serve(void *arg) {
  fault_connection *connection = arg;
  const fault_plan *plan = &connection->listener->plan;
  if (connection->late && plan->then == THEN_SILENT) {
    end_as(connection, HOW_SILENT);
  } else if ((!plan->proxy || answer_connect(connection)) && (plan->transport == FAULT_H1 || shake_hands(connection))) {
    if (plan->transport == FAULT_H2) fault_serve_h2(connection);
    else fault_serve_h1(connection);
  }
  SSL_free(connection->ssl);
  if (connection->fd >= 0) close(connection->fd);
  free(connection);
  return NULL;
}

static void start_serving(fault_listener *listener, int fd) {
  fault_connection *connection = fault_memory(NULL, sizeof *connection);
  *connection = (fault_connection){.listener = listener, .fd = fd};
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK);
  pthread_mutex_lock(&listener->mutex);
  listener->counts.connections++;
  connection->late = listener->fired;
  if (listener->thread_count == listener->thread_room) {
    listener->thread_room = listener->thread_room ? 2 * listener->thread_room : 16;
    listener->threads = fault_memory(listener->threads, listener->thread_room * sizeof *listener->threads);
  }
  if (pthread_create(&listener->threads[listener->thread_count++], &attributes, serve, connection) != 0)
    fault_die("pthread_create");
  pthread_mutex_unlock(&listener->mutex);
  pthread_attr_destroy(&attributes);
}

/* Serves what is waiting even when told to stop: a second sending must not be missed. */
static void *accept_all(void *arg) {
  fault_listener *listener = arg;
  struct pollfd polled[3] = {{.fd = listener->fd, .events = POLLIN},
                             {.fd = listener->stop_fd, .events = POLLIN},
                             {.fd = listener->deaf_fd, .events = POLLIN}};
  for (bool stopping = false; !stopping;) {
    if (poll(polled, 3, -1) < 0 && errno != EINTR) fault_die("poll");
    stopping = polled[1].revents != 0;
    for (int fd; (fd = accept(listener->fd, NULL, NULL)) >= 0;) start_serving(listener, fd);
    if (errno != EAGAIN && errno != ECONNABORTED) fault_die("accept");
    if (!polled[2].revents) continue;
    close(listener->fd);
    pthread_mutex_lock(&listener->mutex);
    listener->fd = -1;
    listener->deaf = true;
    pthread_cond_broadcast(&listener->changed);
    pthread_mutex_unlock(&listener->mutex);
    return NULL;
  }
  return NULL;
}

/* ---- the face ---- */

static int bind_local(int *port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0)
    fault_die("bind");
  *port = ntohs(address.sin_port);
  return fd;
}

fault_listener *fault_listen(const fault_plan *plan) {
  signal(SIGPIPE, SIG_IGN);
  fault_listener *listener = fault_memory(NULL, sizeof *listener);
  *listener = (fault_listener){.plan = *plan};
  if (plan->transport != FAULT_H1) listener->tls = fault_tls_context(plan);
  listener->fd = bind_local(&listener->port);
  /* Small, so that "part of the body" is a part: the rest cannot hide in the kernel. */
  int size = RECEIVE_BUFFER;
  setsockopt(listener->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (listen(listener->fd, BACKLOG) != 0 || fcntl(listener->fd, F_SETFL, O_NONBLOCK) != 0) fault_die("listen");
  listener->stop_fd = eventfd(0, EFD_CLOEXEC);
  listener->deaf_fd = eventfd(0, EFD_CLOEXEC);
  if (listener->stop_fd < 0 || listener->deaf_fd < 0) fault_die("eventfd");
  pthread_mutex_init(&listener->mutex, NULL);
  pthread_cond_init(&listener->changed, NULL);
  if (pthread_create(&listener->acceptor, NULL, accept_all, listener) != 0) fault_die("pthread_create");
  return listener;
}

void fault_finish(fault_listener *listener) {
  pthread_mutex_lock(&listener->mutex);
  listener->stopping = true;
  pthread_cond_broadcast(&listener->changed);
  pthread_mutex_unlock(&listener->mutex);
  ring(listener->stop_fd);
  pthread_join(listener->acceptor, NULL);
  for (size_t i = 0; i < listener->thread_count; i++) pthread_join(listener->threads[i], NULL);
  listener->thread_count = 0;
  if (listener->fd >= 0) close(listener->fd);
  listener->fd = -1;
}

void fault_free(fault_listener *listener) {
  close(listener->stop_fd);
  close(listener->deaf_fd);
  SSL_CTX_free(listener->tls);
  pthread_mutex_destroy(&listener->mutex);
  pthread_cond_destroy(&listener->changed);
  free(listener->threads);
  free(listener->head);
  free(listener->body);
  free(listener->connect_head);
  free(listener);
}

bool fault_is_tls(const fault_listener *listener) { return listener->tls != NULL; }

int fault_port(const fault_listener *listener) { return listener->port; }

fault_counts fault_count(fault_listener *listener) {
  pthread_mutex_lock(&listener->mutex);
  fault_counts counts = listener->counts;
  pthread_mutex_unlock(&listener->mutex);
  return counts;
}

void fault_let_go(fault_listener *listener, unsigned count) {
  pthread_mutex_lock(&listener->mutex);
  listener->let_go += count;
  pthread_cond_broadcast(&listener->changed);
  pthread_mutex_unlock(&listener->mutex);
}

void fault_wait_reached(fault_listener *listener) {
  pthread_mutex_lock(&listener->mutex);
  while (!listener->counts.reached) pthread_cond_wait(&listener->changed, &listener->mutex);
  pthread_mutex_unlock(&listener->mutex);
}

const char *fault_last_head(fault_listener *listener) {
  pthread_mutex_lock(&listener->mutex);
  const char *head = listener->head ? listener->head : "";
  pthread_mutex_unlock(&listener->mutex);
  return head;
}

const char *fault_last_connect(fault_listener *listener) {
  pthread_mutex_lock(&listener->mutex);
  const char *head = listener->connect_head ? listener->connect_head : "";
  pthread_mutex_unlock(&listener->mutex);
  return head;
}

const char *fault_last_client(fault_listener *listener) {
  pthread_mutex_lock(&listener->mutex);
  const char *name = listener->client;
  pthread_mutex_unlock(&listener->mutex);
  return name;
}

const char *fault_last_body(fault_listener *listener, size_t *len) {
  pthread_mutex_lock(&listener->mutex);
  const char *body = listener->body ? listener->body : "";
  *len = listener->body_len;
  pthread_mutex_unlock(&listener->mutex);
  return body;
}

fault_dead_port fault_closed_port(void) {
  fault_dead_port port = {.fds = {-1, -1, -1, -1, -1, -1, -1, -1}};
  port.fds[0] = bind_local(&port.port); /* bound and never listening: nobody else gets the port */
  return port;
}

/* Fills the queue of connections: the kernel then drops the first packet of any other. */
fault_dead_port fault_deaf_port(void) {
  fault_dead_port port = fault_closed_port();
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons((uint16_t)port.port)};
  if (listen(port.fds[0], 0) != 0) fault_die("listen");
  for (int i = 1; i < 8; i++) {
    port.fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (port.fds[i] < 0) fault_die("socket");
    if (connect(port.fds[i], (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
      fault_die("connect");
  }
  return port;
}

void fault_port_close(fault_dead_port *port) {
  for (int i = 0; i < 8; i++)
    if (port->fds[i] >= 0) close(port->fds[i]);
}
