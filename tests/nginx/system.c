/*
 * A system that refuses, loaded before libc: "slow.invalid" is a name that is answered after two seconds, and no thread
 * can be made while a file is there, the one that LUAPROV_TEST_NO_THREADS named when the program began.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char no_threads[256];

/* nginx clears the environment of its workers. */
__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("LUAPROV_TEST_NO_THREADS");
  if (path) snprintf(no_threads, sizeof no_threads, "%s", path);
}

__attribute__((visibility("default"))) int getaddrinfo(const char *restrict name, const char *restrict service,
                                                       const struct addrinfo *restrict hints,
                                                       struct addrinfo **restrict result) {
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (name && strcmp(name, "slow.invalid") == 0) {
    nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
    return EAI_NONAME;
  }
  return real(name, service, hints, result);
}

__attribute__((visibility("default"))) int pthread_create(pthread_t *restrict thread,
                                                          const pthread_attr_t *restrict attributes,
                                                          void *(*start)(void *), void *restrict arg) {
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  if (no_threads[0] && access(no_threads, F_OK) == 0) return EAGAIN;
  return real(thread, attributes, start, arg);
}
