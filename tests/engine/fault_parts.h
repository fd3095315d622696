/* What the parts of the fault listener know of each other. */
#ifndef FAULT_PARTS_H
#define FAULT_PARTS_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdint.h>

#include "fault_listener.h"

struct fault_listener {
  fault_plan plan; /* never changes */
  SSL_CTX *tls;
  int fd, port;
  int stop_fd, deaf_fd; /* eventfds, written once: an end is wanted; no more connections */
  pthread_t acceptor;

  pthread_mutex_t mutex; /* for all below */
  pthread_cond_t changed;
  fault_counts counts;
  bool fired, stopping, deaf;
  unsigned let_go;
  pthread_t *threads;
  size_t thread_count, thread_room;
  char *head, *body, *connect_head;
  char client[64];
  size_t body_len;
};

typedef struct {
  fault_listener *listener;
  int fd; /* -1 once closed */
  SSL *ssl;
  bool late; /* accepted after the fault */
} fault_connection;

/* What SSL_read or recv returns: bytes, or 0 and below when the client is gone. */
int fault_read(fault_connection *connection, void *data, size_t room);
bool fault_read_all(fault_connection *connection, void *data, size_t len);
bool fault_write(fault_connection *connection, const void *data, size_t len);

/* True for the one caller at which the fault is to happen. */
bool fault_claim(fault_connection *connection, fault_place place, unsigned exchange);

/* Ends the connection as planned; false with HOW_KEEP, when it is to go on. */
bool fault_end(fault_connection *connection);

/* The next byte of the client is there, or it is gone: false. */
bool fault_wait_readable(fault_connection *connection);

/* Counts a request begun: the number of its exchange. */
unsigned fault_begin(fault_listener *listener);

/* Counts a request acted on, and waits if it is to be held. */
void fault_act(fault_listener *listener, const char *head, size_t head_len, const char *body, size_t body_len);

/* Serves until the connection ends. */
void fault_serve_h1(fault_connection *connection);
void fault_serve_h2(fault_connection *connection);

/* Reads up to the blank line and what came with it, into memory to be freed; NULL when the client is gone. */
char *fault_read_head(fault_connection *connection, size_t *head_len, size_t *len);

/* Notes who the client is; after the handshake. */
void fault_note_client(fault_connection *connection);

/* TLS as planned; NULL never. */
SSL_CTX *fault_tls_context(const fault_plan *plan);

/* realloc that ends the program rather than fail. */
void *fault_memory(void *old, size_t size);

_Noreturn void fault_die(const char *what);

#endif
