/*
 * What is known by an id: a slot, which is used again, and its generation, so that an id of the past finds nothing.
 * Private to the engine and the driver.
 */
#ifndef LP_SLOTS_H
#define LP_SLOTS_H

#include "engine/engine.h"

typedef struct {
  void *item; /* NULL while the slot is free */
  uint64_t generation;
  size_t next_free;
} lp_slot;

/* All zero: empty. */
typedef struct {
  lp_slot *slots;
  size_t count, room, first_free; /* first_free: a slot number from 1, 0 if there is none */
} lp_slots;

/* The id of an item that is kept from now on; 0 when there is no memory. */
lp_id lp_slots_add(lp_slots *slots, void *item);

/* NULL for an id that is unknown. */
void *lp_slots_get(const lp_slots *slots, lp_id id);

/* Harmless for an unknown id. */
void lp_slots_remove(lp_slots *slots, lp_id id);

/* Frees the slots, not what is in them. */
void lp_slots_free(lp_slots *slots);

#endif
