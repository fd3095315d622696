/* The requests that a listener knows, from their first line to the end of their answer, and the ids they go by. */
#ifndef LP_LISTENER_ENTRIES_H
#define LP_LISTENER_ENTRIES_H

#include "engine/bytes.h"
#include "listener/listener.h"
#include "listener/outbox.h"

struct MHD_Connection;

typedef enum {
  LP_READING, /* its headers or body are still arriving */
  LP_WHOLE,   /* suspended, and not handed out */
  LP_GIVEN,   /* handed out, suspended */
  LP_WRITTEN, /* as LP_GIVEN, with bytes of its user's own sent in place of an answer */
  LP_ENDING,  /* ended by its user; the last of what was written is still to be sent */
  LP_DONE,    /* answered, refused or dropped: libmicrohttpd has it again */
} lp_entry_state;

typedef struct lp_entry {
  lp_arrival arrival; /* its id lasts as long as the request */
  lp_listener *listener;
  struct MHD_Connection *connection;
  lp_entry_state state;
  bool begun;     /* its headers have arrived */
  bool too_large; /* its body is, and is not kept */
  bool drop;      /* its connection is to be closed */
  lp_bytes text;  /* path, NUL, query, NUL, method, NUL, then the headers */
  lp_bytes body;
  lp_outbox out; /* what was written in place of an answer */
  struct lp_entry *next; /* in the queue of those that are LP_WHOLE */
} lp_entry;

typedef struct {
  lp_entry *entry; /* NULL while the slot is free */
  uint64_t generation;
  size_t next_free;
} lp_entry_slot;

enum { LP_ENTRY_POOL = 256 };

typedef struct {
  lp_entry_slot *slots;
  size_t slot_count, slot_room, first_free; /* first_free: a slot number from 1, 0 if there is none */
  lp_entry *pool[LP_ENTRY_POOL];
  size_t pooled;
} lp_entries;

/* A new request with an id of its own; NULL when there is no memory. */
lp_entry *lp_entries_add(lp_entries *entries);

/* The request of that name, NULL if there is none any more. */
lp_entry *lp_entries_find(const lp_entries *entries, lp_arrival_id id);

/* Ends a request: its id finds nothing from now on. */
void lp_entries_remove(lp_entries *entries, lp_entry *entry);

/* Frees every request, and all that was kept for more. */
void lp_entries_free(lp_entries *entries);

#endif
