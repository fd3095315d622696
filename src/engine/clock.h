#ifndef LP_CLOCK_H
#define LP_CLOCK_H

/* Seconds of a clock that never goes back. */
double lp_now(void);

/* Waits for `ms` milliseconds, or until a signal comes. */
void lp_pause(int ms);

#endif
