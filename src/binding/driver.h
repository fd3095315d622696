/* The driver as a Lua userdata, for a runtime whose event loop is another's. Moves values; decides nothing. */
#ifndef LP_BINDING_DRIVER_H
#define LP_BINDING_DRIVER_H

#include <lua.h>

/* Pushes the function that makes a driver. */
void lp_push_driver_maker(lua_State *L);

#endif
