/*
 * A job of the driver: one request on its way to the engine's thread, or one response on its way back, in memory of its
 * own that neither thread shares with the other. Private to the driver.
 */
#ifndef LP_JOB_H
#define LP_JOB_H

#include "engine/engine.h"

typedef enum {
  LP_JOB_WAITS, /* for the thread to take it */
  LP_JOB_RUNS,  /* in the engine */
  LP_JOB_DONE,  /* its response is there */
} lp_job_state;

typedef struct lp_job lp_job;

struct lp_job {
  /* The owner's. */
  lp_id id;
  bool told; /* it has been reaped: its response is there, and the thread has no more to do with it */
  /* Under the driver's lock. */
  lp_job_state state;
  lp_job *prev, *next; /* in the one list that it is in, if any: waiting, to be cancelled, or done and not told */
  bool listed;
  bool cancelled; /* somebody wants its end */
  bool forgotten; /* nobody will take its response */
  /* The thread's while it runs, the owner's before and after. */
  lp_job *following; /* in a list of the thread's own */
  lp_id engine_id;
  double submitted; /* lp_now() */
  lp_request request;
  lp_response response;
  char *memory; /* what the request, later the response, points into */
  size_t size, room; /* bytes of it that are used, and all */
};

typedef struct {
  lp_job *first, *last;
} lp_jobs;

/* A job with a copy of the request; NULL when there is no memory. */
lp_job *lp_job_new(const lp_request *request);
void lp_job_free(lp_job *job);

/* Puts a copy of the response in place of the request. Without memory for its headers and body it becomes a failure that
 * says so; its outcome stays, and an answer's is LP_UNKNOWN. */
void lp_job_answer(lp_job *job, const lp_response *response);

/* Ends a job that has not been in the engine. */
void lp_job_fail(lp_job *job, lp_failure failure, const char *message);

void lp_jobs_append(lp_jobs *jobs, lp_job *job);
void lp_jobs_unlink(lp_jobs *jobs, lp_job *job);

#endif
