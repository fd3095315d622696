/* A client of plain sockets for a listener in the same thread: `client_pump` moves both ends. These fail the running
 * test when something is not as it should be, or takes too long. */
#ifndef LISTENER_CLIENT_H
#define LISTENER_CLIENT_H

#include "listener/listener.h"

enum {
  PATIENCE = 30,                   /* seconds, after which a test gives up */
  CLIENT_LARGE = 16 * 1024 * 1024, /* bytes: more than two sockets keep for a client that does not read */
};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: here\r\n\r\n"

typedef struct {
  int fd;
  char *got; /* NUL-terminated */
  size_t len, room;
  int end; /* -1 while it goes on, 0 after FIN, else errno */
} client;

lp_listener *client_listener(lp_listener_options options);

/* Connects; `ipv6` as the listener was made. */
client client_dial(const lp_listener *listener, bool ipv6);
void client_hang_up(client *c);

void client_say_bytes(const client *c, const char *bytes, size_t len);
void client_say(const client *c, const char *text);

/* What both ends can do now; with `wait`, at most a second later. `c` may be NULL. */
void client_pump(lp_listener *listener, client *c, bool wait);

/* Waits for the next request. */
const lp_arrival *client_arrive(lp_listener *listener, client *c);

/* Waits until the client has been sent this text. */
void client_expect(lp_listener *listener, client *c, const char *text);

/* Waits for the end of the connection, which it returns. */
int client_until_end(lp_listener *listener, client *c);

/* Forgets what the client has been sent. */
void client_forget(client *c);

/* CLIENT_LARGE bytes, of which each place looks like few others; to be freed. */
char *client_large(void);

/* Answers without headers. */
bool client_answer(lp_listener *listener, lp_arrival_id id, unsigned status, const char *body);

#endif
