#include "engine/slots.h"

#include <stdlib.h>

/* Where an id's slot ends and its generation begins; both together stay below 2^53. */
#define SLOT_BITS 24
#define MAX_SLOTS ((size_t)1 << SLOT_BITS)
#define MAX_GENERATION ((uint64_t)1 << 28)

size_t lp_id_slot(lp_id id) { return (size_t)(id & (MAX_SLOTS - 1)); }

static lp_slot *slot_of(const lp_slots *slots, lp_id id) {
  size_t number = lp_id_slot(id);
  if (number == 0 || number > slots->count) return NULL;
  lp_slot *slot = &slots->slots[number - 1];
  return slot->item && slot->generation == id >> SLOT_BITS ? slot : NULL;
}

static size_t free_slot(lp_slots *slots) {
  if (slots->first_free) {
    size_t number = slots->first_free;
    slots->first_free = slots->slots[number - 1].next_free;
    return number;
  }
  if (slots->count + 1 >= MAX_SLOTS) return 0;
  if (slots->count == slots->room) {
    size_t room = slots->room ? slots->room * 2 : 16;
    lp_slot *more = realloc(slots->slots, room * sizeof *more);
    if (!more) return 0;
    slots->slots = more;
    slots->room = room;
  }
  slots->slots[slots->count] = (lp_slot){.generation = 0};
  return ++slots->count;
}

lp_id lp_slots_add(lp_slots *slots, void *item) {
  size_t number = free_slot(slots);
  if (!number) return 0;
  lp_slot *slot = &slots->slots[number - 1];
  slot->generation = slot->generation + 1 < MAX_GENERATION ? slot->generation + 1 : 1;
  slot->item = item;
  return slot->generation << SLOT_BITS | number;
}

void *lp_slots_get(const lp_slots *slots, lp_id id) {
  const lp_slot *slot = slot_of(slots, id);
  return slot ? slot->item : NULL;
}

void lp_slots_remove(lp_slots *slots, lp_id id) {
  lp_slot *slot = slot_of(slots, id);
  if (!slot) return;
  slot->item = NULL;
  slot->next_free = slots->first_free;
  slots->first_free = lp_id_slot(id);
}

void lp_slots_free(lp_slots *slots) {
  free(slots->slots);
  *slots = (lp_slots){.slots = NULL};
}
