#include "engine/driver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/bell.h"
#include "engine/job.h"
#include "engine/request.h"
#include "engine/slots.h"

enum {
  REAPED = 64,       /* ids at once */
  PATIENCE = 600000, /* milliseconds that the thread sleeps when nothing happens */
  TICK = 250,        /* milliseconds between two bytes, at most */
  /* Bytes that a transfer reads at once: a page. libcurl takes such a buffer for each transfer that runs, and gives it
   * back; of larger ones a small answer touches the beginning alone, so that memory which the system counts goes on
   * growing as they come to lie elsewhere. */
  BUFFER = 4096,
};

struct lp_driver {
  pid_t pid;
  pthread_t thread;
  /* The owner's alone. */
  lp_slots jobs;
  size_t held;
  lp_bell bell;
  /* The thread's alone. */
  lp_engine *engine;
  lp_job **running; /* by the slot of their engine's id */
  size_t running_room;
  int line;       /* the connection to ring by; -1: none */
  double tick_at; /* lp_now() */
  /* Both: how the thread is woken, and the rest under the lock, which is held for a few instructions only. */
  int wake;
  pthread_mutex_t lock;
  lp_jobs waiting, cancelled, done;
  bool stop, sleeping, woken;
  bool rung;    /* the owner has a byte to read, or has had, and has not reaped since */
  int new_line; /* in place of `line`; -1: none */
};

/* ---- the thread ---- */

/* A list of the thread's own: the links of the others belong to both sides. */
typedef struct {
  lp_job *first, *last;
} own_list;

static void push(own_list *list, lp_job *job) {
  job->following = NULL;
  if (list->last) list->last->following = job;
  else list->first = job;
  list->last = job;
}

static lp_job *pop(own_list *list) {
  lp_job *job = list->first;
  if (!job) return NULL;
  list->first = job->following;
  if (!list->first) list->last = NULL;
  return job;
}

static bool keep_running(lp_driver *driver, lp_job *job) {
  size_t slot = lp_id_slot(job->engine_id);
  if (slot >= driver->running_room) {
    size_t room = driver->running_room ? driver->running_room : 64;
    while (room <= slot) room *= 2;
    lp_job **running = realloc(driver->running, room * sizeof *running);
    if (!running) return false;
    memset(running + driver->running_room, 0, (room - driver->running_room) * sizeof *running);
    driver->running = running;
    driver->running_room = room;
  }
  driver->running[slot] = job;
  return true;
}

/* Gives a job to the engine. False when it has ended instead. */
static bool begin(lp_driver *driver, lp_job *job) {
  char why[256];
  lp_request request = job->request;
  request.timeout_ms -= (long)((lp_now() - job->submitted) * 1000.0);
  if (request.timeout_ms < 1) {
    lp_job_fail(job, LP_TIMEOUT, "the deadline passed before the transfer began");
    return false;
  }
  job->engine_id = lp_engine_submit(driver->engine, &request, why, sizeof why);
  if (job->engine_id && keep_running(driver, job)) return true;
  if (job->engine_id) {
    snprintf(why, sizeof why, "out of memory");
    lp_engine_cancel(driver->engine, job->engine_id);
    lp_engine_release(driver->engine, job->engine_id);
  }
  lp_job_fail(job, LP_NETWORK, why);
  return false;
}

/* Moves what has ended in the engine to `ended`. */
static void collect(lp_driver *driver, own_list *ended) {
  lp_id ids[REAPED];
  for (size_t count; (count = lp_engine_reap(driver->engine, ids, REAPED));) {
    for (size_t i = 0; i < count; i++) {
      lp_job **running = &driver->running[lp_id_slot(ids[i])], *job = *running;
      *running = NULL;
      lp_job_answer(job, lp_engine_take(driver->engine, ids[i]));
      lp_engine_release(driver->engine, ids[i]);
      push(ended, job);
    }
  }
}

/* What one turn has to do, taken under the lock. */
typedef struct {
  own_list begun, cancelled, garbage;
  bool stop, ring, woken;
  int old_line; /* to be closed; -1: none */
} orders;

static orders take_orders(lp_driver *driver, own_list *ended) {
  orders now = {.old_line = -1};
  pthread_mutex_lock(&driver->lock);
  for (lp_job *job; (job = pop(ended));) {
    if (job->listed) lp_jobs_unlink(&driver->cancelled, job);
    job->state = LP_JOB_DONE;
    if (job->forgotten) push(&now.garbage, job);
    else lp_jobs_append(&driver->done, job);
  }
  for (lp_job *job; (job = driver->cancelled.first);) {
    lp_jobs_unlink(&driver->cancelled, job);
    push(&now.cancelled, job);
  }
  for (lp_job *job; (job = driver->waiting.first);) {
    lp_jobs_unlink(&driver->waiting, job);
    job->state = LP_JOB_RUNS;
    push(job->cancelled ? ended : &now.begun, job);
  }
  if (driver->new_line >= 0) {
    now.old_line = driver->line;
    driver->line = driver->new_line;
    driver->new_line = -1;
    driver->rung = false;
    driver->tick_at = lp_now() + TICK / 1000.0;
  }
  now.ring = driver->line >= 0 && !driver->rung && (driver->done.first || lp_now() >= driver->tick_at);
  if (now.ring) driver->rung = true;
  now.stop = driver->stop;
  now.woken = driver->woken;
  driver->woken = false;
  driver->sleeping = true; /* what comes from now on wakes it */
  pthread_mutex_unlock(&driver->lock);
  return now;
}

static void ring(lp_driver *driver) {
  driver->tick_at = lp_now() + TICK / 1000.0;
  if (send(driver->line, "", 1, MSG_NOSIGNAL) == 1 || errno == EAGAIN) return;
  close(driver->line); /* there will be another, and what is done is told then */
  driver->line = -1;
}

static void carry_out(lp_driver *driver, orders *now, own_list *ended) {
  if (now->woken) {
    eventfd_t count; /* one: what has woken it since stays */
    eventfd_read(driver->wake, &count);
  }
  if (now->old_line >= 0) close(now->old_line);
  if (now->ring) ring(driver);
  for (lp_job *job; (job = pop(&now->garbage));) lp_job_free(job);
  for (lp_job *job = ended->first; job; job = job->following) lp_job_fail(job, LP_CANCELLED, "cancelled");
  for (lp_job *job; (job = pop(&now->begun));)
    if (!begin(driver, job)) push(ended, job);
  for (lp_job *job; (job = pop(&now->cancelled));) lp_engine_cancel(driver->engine, job->engine_id);
}

/* What nobody else will free: the jobs that the owner has forgotten. */
static void free_forgotten(lp_driver *driver) {
  for (size_t i = 0; i < driver->running_room; i++)
    if (driver->running[i] && driver->running[i]->forgotten) lp_job_free(driver->running[i]);
}

static void *drive(void *arg) {
  lp_driver *driver = arg;
  own_list ended = {NULL, NULL};
  for (;;) {
    orders now = take_orders(driver, &ended);
    carry_out(driver, &now, &ended);
    if (now.stop) break;
    lp_engine_drive(driver->engine, ended.first ? 0 : driver->line >= 0 ? TICK : PATIENCE);
    collect(driver, &ended);
  }
  lp_engine_free(driver->engine);
  pthread_mutex_lock(&driver->lock);
  for (lp_job *job; (job = pop(&ended));)
    if (job->forgotten) lp_job_free(job);
  free_forgotten(driver);
  pthread_mutex_unlock(&driver->lock);
  if (driver->line >= 0) close(driver->line);
  return NULL;
}

/* ---- the owner ---- */

/* With the lock held: nothing that the thread has slept through stays undone. */
static void wake(lp_driver *driver) {
  if (!driver->sleeping) return;
  driver->sleeping = false;
  driver->woken = true;
  eventfd_write(driver->wake, 1);
}

static lp_job *job_of(const lp_driver *driver, lp_id id) { return lp_slots_get(&driver->jobs, id); }

static void drop(lp_driver *driver, const lp_job *job) {
  lp_slots_remove(&driver->jobs, job->id);
  driver->held--;
}

/* Signals are for the thread that waits for them, which is none of ours; nor of libcurl's, which ours starts. */
static int start_thread(lp_driver *driver) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&driver->thread, NULL, drive, driver);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!error) pthread_setname_np(driver->thread, "luaprov");
  return error;
}

/* Held for so short a time that whoever wants it looks again before it lets the system wake it. */
static void init_lock(pthread_mutex_t *lock) {
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP);
  pthread_mutex_init(lock, &kind);
  pthread_mutexattr_destroy(&kind);
}

lp_driver *lp_driver_new(const lp_engine_options *options, char *why, size_t why_size) {
  lp_engine_options own = options ? *options : (lp_engine_options){0};
  own.buffer = BUFFER;
  lp_driver *driver = calloc(1, sizeof *driver);
  int error = ENOMEM;
  if (driver) {
    driver->pid = getpid();
    driver->bell = LP_NO_BELL;
    driver->line = driver->new_line = -1;
    init_lock(&driver->lock);
    driver->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    if (driver->wake < 0) error = errno;
    else driver->engine = lp_engine_new(&own);
    if (driver->engine && lp_engine_watch(driver->engine, driver->wake)) error = start_thread(driver);
  }
  if (!error) return driver;
  snprintf(why, why_size, "no thread can be started: %s", strerror(error));
  if (driver) {
    lp_engine_free(driver->engine);
    if (driver->wake >= 0) close(driver->wake);
    pthread_mutex_destroy(&driver->lock);
    free(driver);
  }
  return NULL;
}

void lp_driver_free(lp_driver *driver) {
  if (!driver || !lp_driver_is_ours(driver)) return;
  pthread_mutex_lock(&driver->lock);
  driver->stop = true;
  wake(driver);
  pthread_mutex_unlock(&driver->lock);
  pthread_join(driver->thread, NULL);
  for (size_t i = 0; i < driver->jobs.count; i++)
    if (driver->jobs.slots[i].item) lp_job_free(driver->jobs.slots[i].item);
  lp_slots_free(&driver->jobs);
  lp_bell_take_down(&driver->bell);
  if (driver->new_line >= 0) close(driver->new_line);
  close(driver->wake);
  pthread_mutex_destroy(&driver->lock);
  free(driver->running);
  free(driver);
}

bool lp_driver_is_ours(const lp_driver *driver) { return driver->pid == getpid(); }

lp_id lp_driver_submit(lp_driver *driver, const lp_request *request, char *why, size_t why_size) {
  const char *fault = lp_request_fault(request);
  lp_job *job = fault ? NULL : lp_job_new(request);
  lp_id id = job ? job->id = lp_slots_add(&driver->jobs, job) : 0;
  if (!id) {
    snprintf(why, why_size, "%s", fault ? fault : "out of memory");
    if (job) lp_job_free(job);
    return 0;
  }
  driver->held++;
  pthread_mutex_lock(&driver->lock);
  lp_jobs_append(&driver->waiting, job);
  wake(driver);
  pthread_mutex_unlock(&driver->lock);
  return id;
}

/* With the lock held. Returns whether the job was still going on. */
static bool end(lp_driver *driver, lp_job *job) {
  if (job->state == LP_JOB_DONE) return false;
  if (job->state == LP_JOB_RUNS && !job->cancelled) {
    lp_jobs_append(&driver->cancelled, job);
    wake(driver);
  }
  job->cancelled = true;
  return true;
}

bool lp_driver_cancel(lp_driver *driver, lp_id id) {
  lp_job *job = job_of(driver, id);
  if (!job) return false;
  pthread_mutex_lock(&driver->lock);
  bool was_going_on = end(driver, job);
  pthread_mutex_unlock(&driver->lock);
  return was_going_on;
}

void lp_driver_forget(lp_driver *driver, lp_id id) {
  lp_job *job = job_of(driver, id);
  if (!job) return;
  drop(driver, job);
  pthread_mutex_lock(&driver->lock);
  job->forgotten = true;
  bool is_ours = job->state != LP_JOB_RUNS;
  if (!is_ours) end(driver, job);
  else if (job->listed) lp_jobs_unlink(job->state == LP_JOB_DONE ? &driver->done : &driver->waiting, job);
  pthread_mutex_unlock(&driver->lock);
  if (is_ours) lp_job_free(job);
}

size_t lp_driver_reap(lp_driver *driver, lp_id *ids, size_t max) {
  size_t count = 0;
  pthread_mutex_lock(&driver->lock);
  for (lp_job *job; count < max && (job = driver->done.first);) {
    lp_jobs_unlink(&driver->done, job);
    job->told = true;
    ids[count++] = job->id;
  }
  driver->rung = false;
  if (driver->done.first) wake(driver); /* to ring for the rest */
  pthread_mutex_unlock(&driver->lock);
  return count;
}

/* `unlist`: if so, it is not to be reaped any more. */
static bool has_ended(lp_driver *driver, lp_job *job, bool unlist) {
  if (job->told) return true; /* without the lock */
  pthread_mutex_lock(&driver->lock);
  bool is_done = job->state == LP_JOB_DONE;
  if (is_done && unlist && job->listed) lp_jobs_unlink(&driver->done, job);
  pthread_mutex_unlock(&driver->lock);
  return is_done;
}

const lp_response *lp_driver_take(lp_driver *driver, lp_id id) {
  lp_job *job = job_of(driver, id);
  return job && has_ended(driver, job, false) ? &job->response : NULL;
}

void lp_driver_release(lp_driver *driver, lp_id id) {
  lp_job *job = job_of(driver, id);
  if (!job || !has_ended(driver, job, true)) return;
  drop(driver, job);
  lp_job_free(job);
}

size_t lp_driver_held(const lp_driver *driver) { return driver->held; }

/* ---- the bell ---- */

const char *lp_driver_hang(lp_driver *driver, const char *folder, char *why, size_t why_size) {
  lp_bell_take_down(&driver->bell);
  return lp_bell_hang(&driver->bell, folder, why, why_size) ? driver->bell.path : NULL;
}

bool lp_driver_answer(lp_driver *driver) {
  int fd = lp_bell_accept(&driver->bell);
  if (fd < 0) return false;
  pthread_mutex_lock(&driver->lock);
  int unused = driver->new_line;
  driver->new_line = fd;
  wake(driver);
  pthread_mutex_unlock(&driver->lock);
  if (unused >= 0) close(unused);
  return true;
}
