/* What the listener does with sockets itself: listening, and the ways of treating a client badly. */
#ifndef LP_LISTENER_SOCKET_H
#define LP_LISTENER_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A non-blocking socket that has its port and refuses connections; -1 and a reason in `why` when there is none. `*port`
 * becomes the real one, `*ipv6` says what it is. */
int lp_socket_bind(const char *host, uint16_t *port, bool *ipv6, char *why, size_t why_size);

/* Lets it take connections. False, and a reason in `why`, when it cannot. */
bool lp_socket_listen(int fd, uint16_t port, char *why, size_t why_size);

/* Writes what can be written without waiting. Returns how much that was, -1 when the client has gone. */
ssize_t lp_socket_write(int fd, const void *bytes, size_t len);

/* Makes the kernel send FIN behind what was written. The descriptor stays open. */
void lp_socket_finish(int fd);

/* Ends both directions: FIN, and RST for what still comes. The descriptor stays open. */
void lp_socket_close(int fd);

/* Makes the kernel send RST. The descriptor stays open. */
void lp_socket_reset(int fd);

/* Whether the other end has sent FIN or RST. */
bool lp_socket_peer_gone(int fd);

#endif
