#include "listener/entries.h"

#include <stdlib.h>

/* Where an id's slot ends and its generation begins; both together stay below 2^53. */
#define SLOT_BITS 24
#define MAX_SLOTS ((size_t)1 << SLOT_BITS)
#define MAX_GENERATION ((uint64_t)1 << 28)

enum { KEEP = 16 * 1024 }; /* bytes of a pooled buffer */

static lp_entry_slot *slot_of(const lp_entries *entries, lp_arrival_id id) {
  size_t number = (size_t)(id & (MAX_SLOTS - 1));
  if (number == 0 || number > entries->slot_count) return NULL;
  lp_entry_slot *slot = &entries->slots[number - 1];
  return slot->entry && slot->generation == id >> SLOT_BITS ? slot : NULL;
}

lp_entry *lp_entries_find(const lp_entries *entries, lp_arrival_id id) {
  lp_entry_slot *slot = slot_of(entries, id);
  return slot ? slot->entry : NULL;
}

static size_t free_slot(lp_entries *entries) {
  if (entries->first_free) {
    size_t number = entries->first_free;
    entries->first_free = entries->slots[number - 1].next_free;
    return number;
  }
  if (entries->slot_count + 1 >= MAX_SLOTS) return 0;
  if (entries->slot_count == entries->slot_room) {
    size_t room = entries->slot_room ? entries->slot_room * 2 : 16;
    lp_entry_slot *slots = realloc(entries->slots, room * sizeof *slots);
    if (!slots) return 0;
    entries->slots = slots;
    entries->slot_room = room;
  }
  entries->slots[entries->slot_count] = (lp_entry_slot){.generation = 0};
  return ++entries->slot_count;
}

static void free_entry(lp_entry *entry) {
  lp_bytes_clear(&entry->text, 0);
  lp_bytes_clear(&entry->body, 0);
  lp_bytes_clear(&entry->out.bytes, 0);
  free(entry);
}

lp_entry *lp_entries_add(lp_entries *entries) {
  lp_entry *entry = entries->pooled ? entries->pool[--entries->pooled] : calloc(1, sizeof *entry);
  if (!entry) return NULL;
  size_t number = free_slot(entries);
  if (!number) {
    free_entry(entry);
    return NULL;
  }
  lp_entry_slot *slot = &entries->slots[number - 1];
  slot->generation = slot->generation + 1 < MAX_GENERATION ? slot->generation + 1 : 1;
  slot->entry = entry;
  entry->arrival.id = slot->generation << SLOT_BITS | number;
  return entry;
}

void lp_entries_remove(lp_entries *entries, lp_entry *entry) {
  lp_entry_slot *slot = slot_of(entries, entry->arrival.id);
  slot->entry = NULL;
  slot->next_free = entries->first_free;
  entries->first_free = (size_t)(slot - entries->slots) + 1;
  if (entries->pooled == LP_ENTRY_POOL) {
    free_entry(entry);
    return;
  }
  lp_bytes text = entry->text, body = entry->body;
  lp_bytes_clear(&text, KEEP);
  lp_bytes_clear(&body, KEEP);
  *entry = (lp_entry){.text = text, .body = body};
  entries->pool[entries->pooled++] = entry;
}

void lp_entries_free(lp_entries *entries) {
  for (size_t i = 0; i < entries->slot_count; i++)
    if (entries->slots[i].entry) free_entry(entries->slots[i].entry);
  for (size_t i = 0; i < entries->pooled; i++) free_entry(entries->pool[i]);
  free(entries->slots);
}
