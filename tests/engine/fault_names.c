/*
 * A resolver for tests: this getaddrinfo is the one that libcurl calls, as the program's symbols come before a
 * library's. "slow.invalid" has no answer until fault_names_answer, "both.invalid" is here by IPv6 first, every other
 * name under .invalid does not exist, and the rest is the system's.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "fault_listener.h"

/* An engine that waits for the resolver while it waits for the engine must fail a test, not hang it. */
enum { PATIENCE = 8 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned long answers;

void fault_names_answer(void) {
  pthread_mutex_lock(&mutex);
  answers++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

static void wait_for_answer(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += PATIENCE;
  pthread_mutex_lock(&mutex);
  unsigned long before = answers;
  while (answers == before && pthread_cond_timedwait(&changed, &mutex, &until) == 0) continue;
  pthread_mutex_unlock(&mutex);
}

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict result) {
  static const char end[] = ".invalid";
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  size_t len = name ? strlen(name) : 0;
  if (name && strcmp(name, "both.invalid") == 0) {
    struct addrinfo any = {.ai_socktype = SOCK_STREAM};
    if (real("::1", service, &any, result) != 0 || real("127.0.0.1", service, &any, &(*result)->ai_next) != 0)
      return EAI_NONAME;
    return 0;
  }
  if (len >= sizeof end - 1 && strcmp(name + len - (sizeof end - 1), end) == 0) {
    if (strcmp(name, "slow.invalid") == 0) wait_for_answer();
    return EAI_NONAME;
  }
  return real(name, service, hints, result);
}
