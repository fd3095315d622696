#include "listener/outbox.h"

#include <sys/epoll.h>

#include "listener/socket.h"

static bool keep(lp_outbox *box, lp_outboxes *all, int fd, uint64_t id, const void *bytes, size_t len) {
  bool first = box->bytes.len == 0;
  if (!lp_bytes_add(&box->bytes, bytes, len)) return false;
  if (!first) return true;
  all->full++;
  struct epoll_event room = {.events = EPOLLOUT, .data.u64 = id};
  if (epoll_ctl(all->epoll, EPOLL_CTL_ADD, fd, &room) == 0) return true;
  lp_outbox_clear(box, all, fd);
  return false;
}

bool lp_outbox_write(lp_outbox *box, lp_outboxes *all, int fd, uint64_t id, const void *bytes, size_t len) {
  if (box->closed) return false;
  ssize_t sent = box->bytes.len > 0 ? 0 : lp_socket_write(fd, bytes, len);
  if (sent < 0) box->closed = true;
  else if ((size_t)sent < len) box->closed = !keep(box, all, fd, id, (const char *)bytes + sent, len - (size_t)sent);
  return !box->closed;
}

bool lp_outbox_send(lp_outbox *box, lp_outboxes *all, int fd) {
  size_t left = box->bytes.len - box->sent;
  if (left == 0) return true;
  ssize_t sent = lp_socket_write(fd, box->bytes.data + box->sent, left);
  if (sent < 0) box->closed = true;
  else box->sent += (size_t)sent;
  if (sent >= 0 && (size_t)sent < left) return false;
  lp_outbox_clear(box, all, fd);
  return true;
}

void lp_outbox_clear(lp_outbox *box, lp_outboxes *all, int fd) {
  if (box->bytes.len == 0) return;
  lp_bytes_clear(&box->bytes, 0);
  box->sent = 0;
  all->full--;
  epoll_ctl(all->epoll, EPOLL_CTL_DEL, fd, NULL);
}
