#include "interpreter/memory.h"

#include <stdlib.h>
#include <string.h>

/* malloc's blocks of a size fit into our list of that size: it rounds up to no less. */
enum { STEP = 8, SMALL = 512, ARENA = 64 * 1024 };

typedef struct block {
  struct block *next;
} block;

static block *lists[SMALL / STEP + 1];
static block *arenas;           /* each begins with the one before it */
static char *fresh, *fresh_end; /* what is left of the last one */

static size_t steps(size_t size) { return (size + STEP - 1) / STEP; }

static void give(void *memory, size_t count) {
  block *one = memory;
  one->next = lists[count];
  lists[count] = one;
}

static void *take(size_t count) {
  block *one = lists[count];
  if (one) {
    lists[count] = one->next;
    return one;
  }
  size_t size = count * STEP, left = (size_t)(fresh_end - fresh);
  if (left < size) {
    block *arena = malloc(ARENA);
    if (!arena) return NULL;
    if (left) give(fresh, left / STEP);
    arena->next = arenas;
    arenas = arena;
    fresh = (char *)(arena + 1);
    fresh_end = (char *)arena + ARENA;
  }
  char *memory = fresh;
  fresh += size;
  return memory;
}

static void drop(void *memory, size_t size) {
  if (size > SMALL) free(memory);
  else if (memory) give(memory, steps(size));
}

static void *move(void *memory, size_t old_size, size_t size) {
  void *to = size > SMALL ? malloc(size) : take(steps(size));
  /* Lua relies on it that what becomes smaller always fits. */
  if (!to) return size <= old_size ? memory : NULL;
  memcpy(to, memory, old_size < size ? old_size : size);
  drop(memory, old_size);
  return to;
}

/* lua_Alloc */
static void *allocate(void *arg, void *memory, size_t old_size, size_t size) {
  (void)arg;
  if (size == 0) {
    drop(memory, memory ? old_size : 0);
    return NULL;
  }
  if (!memory) return size > SMALL ? malloc(size) : take(steps(size));
  if (size > SMALL && old_size > SMALL) return realloc(memory, size);
  if (size <= SMALL && old_size <= SMALL && steps(size) == steps(old_size)) return memory;
  return move(memory, old_size, size);
}

void lp_memory_use(lua_State *L) {
#ifdef __SANITIZE_ADDRESS__
  (void)allocate, (void)L; /* it is to see every block */
#else
  lua_setallocf(L, allocate, NULL);
#endif
}
