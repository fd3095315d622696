/* What is the same for many requests, read and checked once. */
#ifndef LP_BINDING_PREPARED_H
#define LP_BINDING_PREPARED_H

#include <lua.h>

#include "engine/engine.h"

/* Pushes prepare(request) -> a userdata with all of it but url, body, timeout and route, see lp_read_request; nil where
 * something is wrong with it. What it held is wiped when it is collected. */
void lp_push_prepare(lua_State *L);

/* The one at `index`, which lives as long as the userdata; NULL where there is nothing, or false, or
 * it was wiped: what finalizers send when the Lua state ends. */
const lp_request *lp_prepared(lua_State *L, int index);

#endif
