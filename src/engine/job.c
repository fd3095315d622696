#include "engine/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that a job has at least: most answers find room where their request was. What is taken and given back on one
 * thread alone, and small, malloc has at hand without a lock. */
enum { ROOM = 768 };

/* Copies `len` bytes and a NUL to `*at` and moves it behind them; NULL stays NULL. */
static const char *copy(char **at, const char *data, size_t len) {
  if (!data) return NULL;
  char *start = *at;
  memcpy(start, data, len);
  start[len] = '\0';
  *at = start + len + 1;
  return start;
}

static size_t room(const char *text) { return text ? strlen(text) + 1 : 0; }

static const char *copy_text(char **at, const char *text) { return text ? copy(at, text, strlen(text)) : NULL; }

static void wipe(lp_job *job) {
  if (job->memory) explicit_bzero(job->memory, job->size);
  job->size = 0;
}

/* Room for so many bytes, all that was there being forgotten. False when there is no memory. */
static bool make_room(lp_job *job, size_t size) {
  wipe(job);
  if (size > job->room) {
    free(job->memory);
    job->room = size > ROOM ? size : ROOM;
    job->memory = malloc(job->room);
    if (!job->memory) job->room = 0;
  }
  if (job->memory) job->size = size;
  return job->memory;
}

static size_t request_size(const lp_request *request) {
  const lp_transport *transport = &request->transport;
  size_t size = request->header_count * sizeof *request->headers;
  size += request->method_len + request->url_len + request->body_len + 3;
  for (size_t i = 0; i < request->header_count; i++)
    size += request->headers[i].name_len + request->headers[i].value_len + 2;
  return size + room(transport->ca_file) + room(transport->certificate) + room(transport->key) +
         room(transport->key_password) + room(transport->proxy);
}

static void copy_request(lp_job *job) {
  lp_request *request = &job->request;
  lp_transport *transport = &request->transport;
  lp_header *headers = (lp_header *)(void *)job->memory; /* first: malloc has aligned it */
  char *at = job->memory + request->header_count * sizeof *headers;
  for (size_t i = 0; i < request->header_count; i++) {
    headers[i] = request->headers[i];
    headers[i].name = copy(&at, headers[i].name, headers[i].name_len);
    headers[i].value = copy(&at, headers[i].value, headers[i].value_len);
  }
  request->headers = headers;
  request->method = copy(&at, request->method, request->method_len);
  request->url = copy(&at, request->url, request->url_len);
  request->body = copy(&at, request->body, request->body_len);
  transport->ca_file = copy_text(&at, transport->ca_file);
  transport->certificate = copy_text(&at, transport->certificate);
  transport->key = copy_text(&at, transport->key);
  transport->key_password = copy_text(&at, transport->key_password);
  transport->proxy = copy_text(&at, transport->proxy);
}

lp_job *lp_job_new(const lp_request *request) {
  lp_job *job = malloc(sizeof *job); /* calloc does not look at what is at hand */
  if (!job) return NULL;
  *job = (lp_job){.request = *request};
  if (!make_room(job, request_size(request))) {
    free(job);
    return NULL;
  }
  copy_request(job);
  job->submitted = lp_now();
  return job;
}

void lp_job_free(lp_job *job) {
  wipe(job);
  free(job->memory);
  free(job);
}

void lp_job_answer(lp_job *job, const lp_response *response) {
  job->response = *response;
  job->response.seconds = lp_now() - job->submitted;
  size_t size = response->headers_len + response->body_len + 2 + room(response->proxy);
  if (!make_room(job, size)) {
    lp_outcome outcome = response->outcome == LP_ANSWERED ? LP_UNKNOWN : response->outcome;
    lp_job_fail(job, LP_NETWORK, "out of memory");
    job->response.outcome = outcome;
    return;
  }
  char *at = job->memory;
  job->response.headers = copy(&at, response->headers_len ? response->headers : "", response->headers_len);
  job->response.body = copy(&at, response->body, response->body_len);
  job->response.proxy = copy_text(&at, response->proxy);
}

void lp_job_fail(lp_job *job, lp_failure failure, const char *message) {
  wipe(job);
  job->response = (lp_response){.failure = failure,
                                .outcome = LP_NOT_SENT,
                                .headers = "",
                                .body = "",
                                .seconds = lp_now() - job->submitted};
  snprintf(job->response.message, sizeof job->response.message, "%s", message);
}

void lp_jobs_append(lp_jobs *jobs, lp_job *job) {
  job->prev = jobs->last;
  job->next = NULL;
  if (jobs->last) jobs->last->next = job;
  else jobs->first = job;
  jobs->last = job;
  job->listed = true;
}

void lp_jobs_unlink(lp_jobs *jobs, lp_job *job) {
  if (job->prev) job->prev->next = job->next;
  else jobs->first = job->next;
  if (job->next) job->next->prev = job->prev;
  else jobs->last = job->prev;
  job->prev = job->next = NULL;
  job->listed = false;
}
