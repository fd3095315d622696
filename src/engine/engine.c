#include "engine/engine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/proxy.h"
#include "engine/request.h"
#include "engine/slots.h"
#include "engine/transfer.h"

typedef struct {
  lp_transfer *first, *last;
} lp_list;

/* One scheme, host and port with something in flight or waiting, by one route. */
struct lp_origin {
  lp_origin *next;
  const lp_route *route; /* its transfers hold it */
  size_t in_flight;
  lp_list queue;
  size_t len;
  char name[];
};

struct lp_engine {
  CURLM *multi;
  char *ca_file;
  lp_sockets sockets;
  lp_routes routes;
  size_t per_host, buffer;
  size_t kept; /* connections that libcurl keeps */
  lp_slots transfers;
  lp_origin *origins;
  lp_list ended; /* and not reaped */
  size_t ended_count, running, queued;
  double queue_deadline; /* no queued transfer's deadline is before this */
  lp_transfer **pool;
  size_t pooled;
  struct curl_waitfd *watched; /* descriptors of others */
  size_t watched_count;
};

enum { POOL = 256, FOREVER = 1000000000 };

/* ---- lists ---- */

static void append(lp_list *list, lp_transfer *transfer) {
  transfer->prev = list->last;
  transfer->next = NULL;
  if (list->last) list->last->next = transfer;
  else list->first = transfer;
  list->last = transfer;
}

static void unlink_from(lp_list *list, lp_transfer *transfer) {
  if (transfer->prev) transfer->prev->next = transfer->next;
  else list->first = transfer->next;
  if (transfer->next) transfer->next->prev = transfer->prev;
  else list->last = transfer->prev;
  transfer->prev = transfer->next = NULL;
}

/* ---- origins ---- */

static lp_origin *origin_of(lp_engine *engine, const lp_route *route, const char *url, size_t url_len) {
  size_t len = lp_origin_len(url, url_len);
  for (lp_origin *origin = engine->origins; origin; origin = origin->next)
    if (origin->route == route && origin->len == len && memcmp(origin->name, url, len) == 0) return origin;
  lp_origin *origin = calloc(1, sizeof *origin + len);
  if (!origin) return NULL;
  origin->route = route;
  origin->len = len;
  memcpy(origin->name, url, len);
  origin->next = engine->origins;
  engine->origins = origin;
  return origin;
}

static void drop_if_idle(lp_engine *engine, lp_origin *origin) {
  if (origin->in_flight || origin->queue.first) return;
  lp_origin **link = &engine->origins;
  while (*link != origin) link = &(*link)->next;
  *link = origin->next;
  free(origin);
}

static bool has_room(const lp_engine *engine, const lp_origin *origin) {
  return origin->in_flight < (origin->route->connections ? origin->route->connections : engine->per_host);
}

/* Else libcurl keeps four connections per transfer in flight, and a pause closes the others. */
static void keep(lp_engine *engine, size_t connections) {
  if (4 * connections <= engine->kept) return;
  engine->kept = 4 * connections;
  curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, (long)engine->kept);
}

/* ---- the ways of a transfer: queued, running, ended ---- */

static void mark_ended(lp_engine *engine, lp_transfer *transfer) {
  transfer->state = LP_ENDED;
  append(&engine->ended, transfer);
  engine->ended_count++;
}

static void run(lp_engine *engine, lp_transfer *transfer) {
  lp_transfer_arm(transfer, lp_now());
  CURLMcode code = curl_multi_add_handle(engine->multi, transfer->easy);
  if (code != CURLM_OK) {
    lp_transfer_stop(transfer, LP_NETWORK, curl_multi_strerror(code));
    mark_ended(engine, transfer);
    return;
  }
  transfer->state = LP_RUNNING;
  transfer->origin->in_flight++;
  engine->running++;
}

static void queue(lp_engine *engine, lp_transfer *transfer) {
  transfer->state = LP_QUEUED;
  append(&transfer->origin->queue, transfer);
  if (engine->queued++ == 0 || transfer->deadline < engine->queue_deadline)
    engine->queue_deadline = transfer->deadline;
}

static void unqueue(lp_engine *engine, lp_transfer *transfer) {
  unlink_from(&transfer->origin->queue, transfer);
  engine->queued--;
}

/* Takes a running transfer from libcurl and lets the next of its origin run. */
static void finish(lp_engine *engine, lp_transfer *transfer) {
  curl_multi_remove_handle(engine->multi, transfer->easy);
  lp_origin *origin = transfer->origin;
  origin->in_flight--;
  engine->running--;
  mark_ended(engine, transfer);
  while (origin->queue.first && has_room(engine, origin)) {
    lp_transfer *next = origin->queue.first;
    unqueue(engine, next);
    run(engine, next);
  }
  drop_if_idle(engine, origin);
}

static void expire_queued(lp_engine *engine) {
  double now = lp_now();
  if (!engine->queued || now < engine->queue_deadline) return;
  engine->queue_deadline = now + FOREVER;
  for (lp_origin *origin = engine->origins, *following; origin; origin = following) {
    following = origin->next;
    for (lp_transfer *transfer = origin->queue.first, *next; transfer; transfer = next) {
      next = transfer->next;
      if (transfer->deadline > now) {
        if (transfer->deadline < engine->queue_deadline) engine->queue_deadline = transfer->deadline;
        continue;
      }
      unqueue(engine, transfer);
      lp_transfer_stop(transfer, LP_TIMEOUT, "the deadline passed while the transfer waited for its turn");
      mark_ended(engine, transfer);
    }
    drop_if_idle(engine, origin);
  }
}

static void collect(lp_engine *engine) {
  int left;
  for (CURLMsg *message; (message = curl_multi_info_read(engine->multi, &left));) {
    if (message->msg != CURLMSG_DONE) continue;
    lp_transfer *transfer;
    CURLcode code = message->data.result; /* the message dies with the handle's removal */
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
    if (lp_transfer_begin_again(transfer, code)) {
      curl_multi_remove_handle(engine->multi, transfer->easy);
      lp_transfer_arm(transfer, lp_now());
      if (curl_multi_add_handle(engine->multi, transfer->easy) == CURLM_OK) continue;
    }
    lp_transfer_end(transfer, code);
    finish(engine, transfer);
  }
}

static void recycle(lp_engine *engine, lp_transfer *transfer) {
  if (engine->pooled < POOL) {
    lp_transfer_clear(transfer);
    transfer->state = LP_FREE;
    engine->pool[engine->pooled++] = transfer;
  } else {
    lp_transfer_free(transfer);
  }
}

/* ---- the face ---- */

static void start_libcurl(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

lp_engine *lp_engine_new(const lp_engine_options *options) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start_libcurl);
  lp_engine *engine = calloc(1, sizeof *engine);
  if (!engine) return NULL;
  engine->per_host = options && options->per_host ? options->per_host : LP_PER_HOST;
  engine->buffer = options ? options->buffer : 0;
  engine->multi = curl_multi_init();
  engine->pool = calloc(POOL, sizeof *engine->pool);
  bool want_ca = options && options->ca_file;
  if (want_ca) engine->ca_file = strdup(options->ca_file);
  if (!engine->multi || !engine->pool || (want_ca && !engine->ca_file)) {
    lp_engine_free(engine);
    return NULL;
  }
  keep(engine, engine->per_host);
  return engine;
}

void lp_engine_free(lp_engine *engine) {
  if (!engine) return;
  for (size_t i = 0; i < engine->transfers.count; i++) {
    lp_transfer *transfer = engine->transfers.slots[i].item;
    if (!transfer) continue;
    if (transfer->state == LP_RUNNING) curl_multi_remove_handle(engine->multi, transfer->easy);
    lp_transfer_free(transfer);
  }
  for (size_t i = 0; i < engine->pooled; i++) lp_transfer_free(engine->pool[i]);
  while (engine->origins) {
    lp_origin *next = engine->origins->next;
    free(engine->origins);
    engine->origins = next;
  }
  curl_multi_cleanup(engine->multi);
  lp_routes_free(&engine->routes);
  lp_sockets_free(&engine->sockets);
  free(engine->watched);
  free(engine->pool);
  lp_slots_free(&engine->transfers);
  free(engine->ca_file);
  free(engine);
}

static lp_transfer *new_transfer(lp_engine *engine) {
  lp_transfer *transfer = lp_transfer_new(&engine->sockets);
  if (transfer && engine->buffer) curl_easy_setopt(transfer->easy, CURLOPT_BUFFERSIZE, (long)engine->buffer);
  return transfer;
}

/* A transfer that has the request and its route; NULL when there is no memory. */
static lp_transfer *load(lp_engine *engine, const lp_request *request) {
  const char *proxy = request->transport.proxy;
  if (!proxy) proxy = lp_proxy_from_environment(request->url, request->url_len);
  else if (!*proxy) proxy = NULL;
  lp_transfer *transfer = engine->pooled ? engine->pool[--engine->pooled] : new_transfer(engine);
  if (!transfer) return NULL;
  size_t routes = engine->routes.made;
  lp_route *route = lp_route_take(&engine->routes, &request->transport, engine->ca_file, proxy);
  if (engine->routes.made != routes) /* or what waits in the pool would keep the oldest ones from being dropped */
    for (size_t i = 0; i < engine->pooled; i++) lp_transfer_leave_route(engine->pool[i]);
  if (route && lp_transfer_load(transfer, request, route)) return transfer;
  recycle(engine, transfer);
  return NULL;
}

lp_id lp_engine_submit(lp_engine *engine, const lp_request *request, char *why, size_t why_size) {
  const char *fault = lp_request_fault(request);
  lp_transfer *transfer = fault ? NULL : load(engine, request);
  if (!transfer) {
    snprintf(why, why_size, "%s", fault ? fault : "out of memory");
    return 0;
  }
  transfer->origin = origin_of(engine, transfer->route, request->url, request->url_len);
  transfer->id = transfer->origin ? lp_slots_add(&engine->transfers, transfer) : 0;
  if (!transfer->id) {
    if (transfer->origin) drop_if_idle(engine, transfer->origin);
    recycle(engine, transfer);
    snprintf(why, why_size, "out of memory");
    return 0;
  }
  keep(engine, request->transport.connections);
  if (has_room(engine, transfer->origin)) run(engine, transfer);
  else queue(engine, transfer);
  drop_if_idle(engine, transfer->origin); /* it could not even be started */
  return transfer->id;
}

/* What can be done without waiting. */
static void step(lp_engine *engine) {
  int running;
  if (engine->running) curl_multi_perform(engine->multi, &running);
  collect(engine);
  expire_queued(engine);
}

size_t lp_engine_drive(lp_engine *engine, int ms) {
  step(engine);
  if (engine->ended_count || ms <= 0 || !(engine->running || engine->queued || engine->watched_count))
    return engine->ended_count;
  if (engine->queued) {
    double wait = (engine->queue_deadline - lp_now()) * 1000.0 + 1.0;
    if (wait < ms) ms = wait < 0 ? 0 : (int)wait;
  }
  curl_multi_poll(engine->multi, engine->watched, (unsigned)engine->watched_count, ms, NULL);
  step(engine);
  return engine->ended_count;
}

bool lp_engine_watch(lp_engine *engine, int fd) {
  struct curl_waitfd *watched = realloc(engine->watched, (engine->watched_count + 1) * sizeof *watched);
  if (!watched) return false;
  watched[engine->watched_count++] = (struct curl_waitfd){.fd = fd, .events = CURL_WAIT_POLLIN};
  engine->watched = watched;
  return true;
}

void lp_engine_unwatch(lp_engine *engine, int fd) {
  for (size_t i = 0; i < engine->watched_count; i++) {
    if (engine->watched[i].fd != fd) continue;
    engine->watched[i] = engine->watched[--engine->watched_count];
    return;
  }
}

size_t lp_engine_reap(lp_engine *engine, lp_id *ids, size_t max) {
  size_t count = 0;
  while (count < max && engine->ended.first) {
    lp_transfer *transfer = engine->ended.first;
    unlink_from(&engine->ended, transfer);
    engine->ended_count--;
    transfer->told = true;
    ids[count++] = transfer->id;
  }
  return count;
}

const lp_response *lp_engine_take(lp_engine *engine, lp_id id) {
  const lp_transfer *transfer = lp_slots_get(&engine->transfers, id);
  return transfer && transfer->state == LP_ENDED ? &transfer->response : NULL;
}

void lp_engine_release(lp_engine *engine, lp_id id) {
  lp_transfer *transfer = lp_slots_get(&engine->transfers, id);
  if (!transfer || transfer->state != LP_ENDED) return;
  if (!transfer->told) {
    unlink_from(&engine->ended, transfer);
    engine->ended_count--;
  }
  lp_slots_remove(&engine->transfers, id);
  recycle(engine, transfer);
}

bool lp_engine_cancel(lp_engine *engine, lp_id id) {
  lp_transfer *transfer = lp_slots_get(&engine->transfers, id);
  if (!transfer || transfer->state == LP_ENDED) return false;
  lp_transfer_stop(transfer, LP_CANCELLED, "cancelled");
  if (transfer->state == LP_RUNNING) {
    finish(engine, transfer);
  } else {
    lp_origin *origin = transfer->origin;
    unqueue(engine, transfer);
    mark_ended(engine, transfer);
    drop_if_idle(engine, origin);
  }
  return true;
}

size_t lp_engine_in_flight(const lp_engine *engine) { return engine->running + engine->queued; }
