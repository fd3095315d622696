/* Headers between the Lua stack and C: the same shape for the engine's requests and the listener's answers. */
#ifndef LP_BINDING_HEADERS_H
#define LP_BINDING_HEADERS_H

#include <lua.h>
#include <stddef.h>

#include "engine/engine.h"

/* Pushes { ["name"] = "value" } of `count` times name, NUL, value, NUL. The values of a repeated name are joined as
 * RFC 9110, 5.3 allows. */
void lp_push_headers(lua_State *L, const char *headers, size_t count);

#define LP_FEW_HEADERS 16

/* Reads { name, value, name, value, … } at `index` into `few`, or, when they are more, into an array that is left on the
 * stack, for Lua to free. It points into the table's strings. Nothing there is no headers. Errors speak of the table as
 * `what`. */
const lp_header *lp_read_headers(lua_State *L, int index, const char *what, size_t *count,
                                 lp_header few[LP_FEW_HEADERS]);

/* The same of { ["Name"] = "value" } at `index`, with their names in a list at `order`; a name without a value is none. */
const lp_header *lp_read_named_headers(lua_State *L, int index, int order, const char *what, size_t *count,
                                       lp_header few[LP_FEW_HEADERS]);

#endif
