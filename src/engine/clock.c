#include "engine/clock.h"

#include <poll.h>
#include <time.h>

double lp_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void lp_pause(int ms) { poll(NULL, 0, ms); }
