#ifndef LP_CLOCK_H
#define LP_CLOCK_H

/* Seconds of a clock that never goes back. */
double lp_now(void);

#endif
