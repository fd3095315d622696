#include "engine/sockets.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void forget(lp_sockets *sockets, curl_socket_t fd) {
  for (size_t i = 0; i < sockets->count; i++)
    if (sockets->all[i].fd == fd) {
      sockets->all[i] = sockets->all[--sockets->count];
      return;
    }
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  lp_sockets *sockets = arg;
  if (sockets->count == sockets->room) {
    size_t room = sockets->room ? 2 * sockets->room : 16;
    struct lp_socket *all = realloc(sockets->all, room * sizeof *all);
    if (!all) return CURL_SOCKET_BAD;
    sockets->all = all;
    sockets->room = room;
  }
  curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd == CURL_SOCKET_BAD) return fd;
  /* libcurl 7.88 closes a socket that never got connected without a word: its number comes back here. */
  forget(sockets, fd);
  sockets->all[sockets->count++] = (struct lp_socket){.fd = fd};
  return fd;
}

static int on_close(void *arg, curl_socket_t fd) {
  forget(arg, fd);
  return close(fd);
}

/* -1 when the descriptor is no longer a socket. */
static int local_port_of(curl_socket_t fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } name = {0};
  socklen_t len = sizeof name;
  if (getsockname(fd, &name.any, &len) != 0) return -1;
  return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

void lp_sockets_watch(lp_sockets *sockets, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, sockets);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
}

bool lp_sockets_ended(lp_sockets *sockets, int port) {
  for (size_t i = sockets->count; i-- > 0;) {
    struct lp_socket *one = &sockets->all[i];
    if (!one->port) one->port = local_port_of(one->fd);
    if (one->port == port) {
      struct pollfd polled = {.fd = one->fd, .events = POLLRDHUP};
      if (poll(&polled, 1, 0) > 0 && !(polled.revents & POLLNVAL)) return true;
    } else if (one->port < 0) {
      *one = sockets->all[--sockets->count];
    }
  }
  return false;
}

void lp_sockets_free(lp_sockets *sockets) {
  free(sockets->all);
  *sockets = (lp_sockets){0};
}
