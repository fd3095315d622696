/* The list of an engine's sockets does not grow with connections that never came to be, which libcurl 7.88 closes without
 * telling, and it tells an ended connection from a live one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/sockets.h"

static int listen_somewhere(int *port, int backlog) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(fd, backlog), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

/* An easy handle whose connection is being made when it is given up. */
static void begin_and_give_up(CURLM *multi, lp_sockets *sockets, int port) {
  CURL *easy = curl_easy_init();
  int running;
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
  lp_sockets_watch(sockets, easy);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_multi_add_handle(multi, easy);
  curl_multi_perform(multi, &running);
  curl_multi_remove_handle(multi, easy);
  curl_easy_cleanup(easy);
}

static void test_bounded(void **state) {
  (void)state;
  lp_sockets sockets = {0};
  CURLM *multi = curl_multi_init();
  /* A listener that has no room for more: whoever connects waits. */
  int port, listener = listen_somewhere(&port, 0), full[4];
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (int i = 0; i < 4; i++) {
    full[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)!connect(full[i], (struct sockaddr *)&address, sizeof address);
  }
  for (int i = 0; i < 100; i++) begin_and_give_up(multi, &sockets, port);
  assert_true(sockets.count < 10); /* as many as there are numbers for descriptors in use at once */
  assert_false(lp_sockets_ended(&sockets, 1));
  curl_multi_cleanup(multi);
  lp_sockets_free(&sockets);
  for (int i = 0; i < 4; i++) close(full[i]);
  close(listener);
}

/* A connection of ours, as libcurl's callbacks would have left it in the list. */
static int connect_and_note(lp_sockets *sockets, int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  static struct lp_socket room[4];
  sockets->all = room;
  sockets->room = 4;
  sockets->all[sockets->count++] = (struct lp_socket){.fd = fd};
  return fd;
}

static int local_port(int fd) {
  struct sockaddr_in address;
  socklen_t len = sizeof address;
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  return ntohs(address.sin_port);
}

static void test_ended(void **state) {
  (void)state;
  lp_sockets sockets = {0};
  int port, listener = listen_somewhere(&port, 8);
  int ours = connect_and_note(&sockets, port), other = connect_and_note(&sockets, port);
  int theirs = accept(listener, NULL, NULL);
  int mine = local_port(ours), others = local_port(other);
  assert_false(lp_sockets_ended(&sockets, mine));
  close(theirs);
  char byte;
  assert_int_equal(recv(ours, &byte, 1, MSG_PEEK), 0); /* the end has arrived */
  assert_true(lp_sockets_ended(&sockets, mine));
  assert_false(lp_sockets_ended(&sockets, others));
  /* A descriptor that was closed without a word is dropped, and is no ended connection. */
  close(other);
  assert_false(lp_sockets_ended(&sockets, others + 1));
  assert_false(lp_sockets_ended(&sockets, others));
  close(ours);
  close(listener);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bounded), cmocka_unit_test(test_ended)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
