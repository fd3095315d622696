#include "engine/bell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool say(char *why, size_t why_size, const char *what, const char *folder, int error) {
  snprintf(why, why_size, "%s in %s: %s", what, folder, strerror(error));
  return false;
}

static bool listen_at(lp_bell *bell, const struct sockaddr_un *address) {
  bell->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return bell->listener >= 0 && bind(bell->listener, (const struct sockaddr *)address, sizeof *address) == 0 &&
         listen(bell->listener, 4) == 0;
}

bool lp_bell_hang(lp_bell *bell, const char *folder, char *why, size_t why_size) {
  *bell = LP_NO_BELL;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int len = snprintf(bell->folder, sizeof bell->folder, "%s/luaprov-XXXXXX", folder);
  if (len < 0 || (size_t)len + sizeof "/bell" > sizeof address.sun_path) {
    bell->folder[0] = '\0';
    return say(why, why_size, "no room for a socket's name", folder, ENAMETOOLONG);
  }
  if (!mkdtemp(bell->folder)) { /* 0700 */
    int error = errno;
    bell->folder[0] = '\0';
    return say(why, why_size, "no folder can be made", folder, error);
  }
  snprintf(bell->path, sizeof bell->path, "%s/bell", bell->folder);
  memcpy(address.sun_path, bell->path, strlen(bell->path) + 1);
  if (listen_at(bell, &address)) return true;
  int error = errno;
  lp_bell_take_down(bell);
  return say(why, why_size, "no socket can be made", folder, error);
}

static bool is_ours(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == getpid();
}

int lp_bell_accept(lp_bell *bell) {
  int fd = -1;
  while (bell->listener >= 0 && (fd = accept4(bell->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    if (is_ours(fd)) break;
    close(fd);
  }
  lp_bell_take_down(bell);
  return fd;
}

void lp_bell_take_down(lp_bell *bell) {
  if (bell->listener >= 0) close(bell->listener);
  if (bell->path[0]) unlink(bell->path);
  if (bell->folder[0]) rmdir(bell->folder);
  *bell = LP_NO_BELL;
}
