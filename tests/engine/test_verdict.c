/* What is said of a connection that ends before libcurl has asked whose it is: as one does whose server refuses, with
 * TLS 1.3, that no certificate was shown. libcurl's own words are of the asking, and not of the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault_client.h"
#include "fault_listener.h"

static bool no_peer;

/* In place of libc's, for libcurl too. */
__attribute__((visibility("default"))) int getpeername(int fd, __SOCKADDR_ARG address, socklen_t *restrict len) {
  if (!no_peer) return (int)syscall(SYS_getpeername, fd, address.__sockaddr__, len);
  errno = ENOTCONN;
  return -1;
}

static void test_no_peer(void **state) {
  (void)state;
  static const fault_plan plans[] = {{.place = PLACE_AFTER, .how = HOW_RST},
                                     {.transport = FAULT_TLS, .place = PLACE_AFTER, .how = HOW_RST}};
  for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
    client_bench b = client_open(&plans[i], 0, client_ca_file);
    no_peer = true;
    lp_request request = client_request("POST", b.url, "{}");
    const lp_response *response = client_expect(&b, client_submit(b.engine, &request), LP_NETWORK, LP_UNKNOWN);
    no_peer = false;
    assert_string_equal(response->message, "the connection ended before an answer");
    client_close(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_peer)};
  return cmocka_run_group_tests_name("verdict", tests, client_start, client_stop);
}
