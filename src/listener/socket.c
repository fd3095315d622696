#include "listener/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} address;

static socklen_t size_of(const address *at) { return at->any.sa_family == AF_INET6 ? sizeof at->v6 : sizeof at->v4; }

/* Numbers only: what a name would resolve to is nobody's guess. */
static bool read_address(const char *host, uint16_t port, address *at) {
  memset(at, 0, sizeof *at);
  if (strcmp(host, "localhost") == 0) host = "127.0.0.1";
  if (inet_pton(AF_INET, host, &at->v4.sin_addr) == 1) {
    at->v4.sin_family = AF_INET;
    at->v4.sin_port = htons(port);
    return true;
  }
  if (inet_pton(AF_INET6, host, &at->v6.sin6_addr) == 1) {
    at->v6.sin6_family = AF_INET6;
    at->v6.sin6_port = htons(port);
    return true;
  }
  return false;
}

static int bind_to(address *at) {
  int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  int on = 1;
  /* A port whose last connections have only just ended is free, one that is listened on is not. */
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t len = size_of(at);
  if (bind(fd, &at->any, len) == 0 && getsockname(fd, &at->any, &len) == 0) return fd;
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

int lp_socket_bind(const char *host, uint16_t *port, bool *ipv6, char *why, size_t why_size) {
  address at;
  if (!read_address(host, *port, &at)) {
    snprintf(why, why_size, "%s: not an IP address", host);
    return -1;
  }
  *ipv6 = at.any.sa_family == AF_INET6;
  int fd = bind_to(&at);
  if (fd < 0) snprintf(why, why_size, *ipv6 ? "[%s]:%d: %s" : "%s:%d: %s", host, *port, strerror(errno));
  else *port = ntohs(*ipv6 ? at.v6.sin6_port : at.v4.sin_port);
  return fd;
}

bool lp_socket_listen(int fd, uint16_t port, char *why, size_t why_size) {
  if (listen(fd, SOMAXCONN) == 0) return true;
  snprintf(why, why_size, "port %d: %s", port, strerror(errno));
  return false;
}

ssize_t lp_socket_write(int fd, const void *bytes, size_t len) {
  size_t done = 0;
  while (done < len) {
    ssize_t sent = send(fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) done += (size_t)sent;
    else if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    else if (errno != EINTR) return -1;
  }
  return (ssize_t)done;
}

void lp_socket_finish(int fd) { shutdown(fd, SHUT_WR); }

void lp_socket_close(int fd) { shutdown(fd, SHUT_RDWR); }

void lp_socket_reset(int fd) {
  struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
  connect(fd, &nowhere, sizeof nowhere);
}

bool lp_socket_peer_gone(int fd) {
  struct pollfd look = {.fd = fd, .events = POLLRDHUP};
  return poll(&look, 1, 0) == 1 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
}
