/* Where a walk through a value is. */
#ifndef LP_BINDING_JSON_PLACE_H
#define LP_BINDING_JSON_PLACE_H

#include <lauxlib.h>
#include <stddef.h>

/* A container and the place in it. For cycles, and for the paths in messages. */
typedef struct lp_place {
  const struct lp_place *up;
  const void *table;
  const char *key; /* NULL in an array */
  size_t len;
  lua_Integer index;
  int depth;
  int omit;  /* where on the stack the table lies that says what of this one is left out; 0: nothing */
  int inner; /* the same of the value at the place */
} lp_place;

/* Adds its path as a message shows it: settings.tags[2] */
void lp_add_path(luaL_Buffer *b, const lp_place *at);

#endif
